"""D: who was deleted or erased owns nothing and is named nowhere."""

from __future__ import annotations

from deploy.audit.joins import Databases, full_join
from deploy.audit.verdict import Verdict

# What could still name a person, or belong to one, beside the customer's own row; merged accounts lead to theirs.
_LEFT = """SELECT c.customer_id, c.status,
  c.name || c.phone || c.email || c.language <> '' OR c.birthday IS NOT NULL OR c.tags <> '{}' OR c.online_since IS NOT NULL
   OR c.level_id IS NOT NULL AND c.status <> 3,
  EXISTS (SELECT FROM identifiers i WHERE i.store_id = c.store_id AND i.customer_id = c.customer_id AND i.value IS NOT NULL),
  EXISTS (SELECT FROM addresses a WHERE a.store_id = c.store_id AND a.customer_id = c.customer_id)
   OR EXISTS (SELECT FROM customer_notes n WHERE n.store_id = c.store_id AND n.customer_id = c.customer_id)
   OR EXISTS (SELECT FROM uses u WHERE u.store_id = c.store_id AND u.customer_id = c.customer_id)
   OR EXISTS (SELECT FROM use_changes u WHERE u.store_id = c.store_id AND u.customer_id = c.customer_id)
   OR EXISTS (SELECT FROM customer_search s WHERE s.store_id = c.store_id AND s.customer_id = c.customer_id)
   OR EXISTS (SELECT FROM invitations v WHERE v.store_id = c.store_id AND v.customer_id = c.customer_id AND v.email <> ''),
  EXISTS (SELECT FROM consents k WHERE k.store_id = c.store_id AND k.customer_id = c.customer_id
    AND k.old_phone || k.new_phone || k.note <> '')
   OR EXISTS (SELECT FROM points_entries p WHERE p.store_id = c.store_id AND p.customer_id = c.customer_id AND p.note <> '')
   OR EXISTS (SELECT FROM level_changes l WHERE l.store_id = c.store_id AND l.customer_id = c.customer_id AND l.reason <> '')
 FROM customers c LEFT JOIN customers s ON s.store_id = c.store_id AND s.customer_id = c.survivor_id
 WHERE c.status IN (4, 5) OR s.status IN (4, 5)"""
_KINDS = ("its own row", "identifiers", "addresses, notes, consents, invitations or search", "free text")
_GONE = "SELECT store_id, customer_id, status FROM customers WHERE status IN (4, 5) ORDER BY 1, 2"
# When the person was erased: what came in afterwards is a new affair.
_ERASED = """SELECT r.store_id, c.customer_id, max(r.finished_at) FROM removals r
 JOIN customers c ON c.store_id = r.store_id AND (c.customer_id = r.customer_id OR c.survivor_id = r.customer_id)
 WHERE r.kind = 'erase' AND r.state = 'done' GROUP BY 1, 2 ORDER BY 1, 2"""


async def check_gone(databases: Databases) -> Verdict:
    """D: in membership, merged accounts of such a person included."""
    verdict = Verdict("D", "who was deleted or erased owns nothing in membership and is named nowhere in it")
    async for customer, status, *left in databases.stream("membership", _LEFT):
        kinds = [kind for kind, found in zip(_KINDS, left, strict=True) if found]
        verdict.expect(not kinds, f"customer {customer} (status {status}): {', '.join(kinds)}")
    return verdict


async def check_gone_logins(databases: Databases) -> Verdict:
    """D: nobody logs in as somebody who is gone."""
    verdict = Verdict("D", "who was deleted or erased cannot log in")
    gone = databases.stream("membership", _GONE)
    logins = databases.stream(
        "identity_merge",
        "SELECT store_id, customer_id, count(*) FROM login_methods WHERE state <> 3 GROUP BY 1, 2 ORDER BY 1, 2",
    )
    async for customer, login in full_join(gone, logins, 2):
        if customer is not None:
            verdict.expect(login is None, f"customer {customer[1]}: {login[2] if login else 0} login methods")
    return verdict


async def check_forgotten(databases: Databases) -> Verdict:
    """D: orders and messages from before an erasure name nobody."""
    verdict = Verdict("D", "orders and messages from before an erasure name nobody")
    for context, query in (("orders", _ORDERS), ("notification", _MESSAGES)):
        erased = databases.stream("membership", _ERASED)
        named = databases.stream(context, query)
        async for person, found in full_join(erased, named, 2):
            if person is not None:
                verdict.expect(found is None or found[2] > person[2], f"{context} of customer {person[1]}")
    return verdict


_ORDERS = """SELECT o.store_id, o.customer_id, min(h.at) FROM orders o
 JOIN order_history h ON h.store_id = o.store_id AND h.order_id = o.order_id AND h.version = 1
 WHERE o.contact_name || o.contact_phone || o.contact_email || o.note <> '' OR o.shipping_address IS NOT NULL
 GROUP BY 1, 2 ORDER BY 1, 2"""
_MESSAGES = """SELECT store_id, customer_id, min(created_at) FROM messages
 WHERE customer_id IS NOT NULL AND (recipient <> '' OR params <> '{}') GROUP BY 1, 2 ORDER BY 1, 2"""
