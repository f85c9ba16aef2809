"""P, O, U, T, N: points, owners, identifiers and net spend."""

from __future__ import annotations

from deploy.audit.joins import Databases, full_join
from deploy.audit.verdict import Verdict

# CustomerStatus and OrderStatus of the contracts.
_GUEST, _MEMBER, _MERGED, _DELETED, _ERASED = 1, 2, 3, 4, 5

_BALANCES = """SELECT c.store_id, c.customer_id, c.status, c.points_balance,
  coalesce(l.remaining, 0), coalesce(e.points, 0), coalesce(l.lowest, 0)
 FROM customers c
 LEFT JOIN (SELECT store_id, customer_id, sum(remaining) AS remaining, min(remaining) AS lowest FROM points_lots GROUP BY 1, 2) l
  USING (store_id, customer_id)
 LEFT JOIN (SELECT store_id, customer_id, sum(points) AS points FROM points_entries GROUP BY 1, 2) e USING (store_id, customer_id)"""

# (store, order, state, points, what they pay, whether young, what the ledger has taken and not given back)
_REDEMPTIONS = """SELECT r.store_id, r.order_id, r.state, r.points, r.discount, r.reserved_at > now() - interval '20 minutes',
  coalesce(e.taken, 0)::bigint
 FROM redemptions r LEFT JOIN (SELECT store_id, order_id, -sum(points) AS taken FROM points_entries WHERE reason IN (4, 10)
  GROUP BY 1, 2) e USING (store_id, order_id) ORDER BY 1, 2"""


async def check_points(databases: Databases) -> Verdict:
    """P: balance = Σ lots = Σ ledger entries, and nothing below zero; who is merged or gone holds nothing."""
    verdict = Verdict("P", "points balance = sum of lots = sum of the ledger, never negative")
    async for _, customer, status, balance, lots, entries, lowest in databases.stream("membership", _BALANCES):
        holds = balance == lots == entries and lowest >= 0 and (status in {_GUEST, _MEMBER} or balance == 0)
        verdict.expect(holds, f"customer {customer}: balance {balance}, lots {lots}, ledger {entries}")
    return verdict


async def check_levels(databases: Databases) -> Verdict:
    """L: a level is one of the store's own and a live member's, and no unpinned one is below what lifetime net spend earns,
    unless staff have put it there and no order has come since.
    """
    verdict = Verdict("L", "every level is one of the store's and a live member's, none below what is earned")
    query = """SELECT c.customer_id, c.status, s.levels ? c.level_id::text,
  (s.levels -> c.level_id::text ->> 'threshold')::bigint, e.threshold
 FROM customers c JOIN store_settings s USING (store_id)
 LEFT JOIN LATERAL (SELECT max((l.value ->> 'threshold')::bigint) AS threshold FROM jsonb_each(s.levels) l
  WHERE (l.value ->> 'threshold')::bigint <= c.net_spend AND s.level_basis = 1 AND c.status = 2 AND c.orders_count > 0
   AND (c.level_pinned_until IS NULL OR c.level_pinned_until <= now())
   AND 4 IS DISTINCT FROM (SELECT h.cause FROM level_changes h WHERE h.store_id = c.store_id AND h.customer_id = c.customer_id
    ORDER BY h.seq DESC LIMIT 1)) e ON true
 WHERE s.levels <> '{}' OR c.level_id IS NOT NULL"""
    async for customer, status, known, has, earned in databases.stream("membership", query):
        holds = (known is None or (known and status != _MERGED)) and (
            earned is None or (has is not None and has >= earned)
        )
        verdict.expect(holds, f"customer {customer}: status {status}, level from {has}, earned from {earned}")
    return verdict


async def check_transfers(databases: Databases) -> Verdict:
    """P: what merges took from one account they gave to another."""
    verdict = Verdict("P", "points moved by a merge leave one account and reach the other")
    for run_id, moved in await databases.rows(
        "membership",
        "SELECT merge_run_id, sum(points) FROM points_entries WHERE reason IN (7, 8) GROUP BY store_id, merge_run_id",
    ):
        verdict.expect(moved == 0, f"merge {run_id}: {moved} points")
    return verdict


async def check_redemptions(databases: Databases) -> Verdict:
    """P: the points that an order says it redeemed are those that were taken for it; none are held for an order that never came.

    Of what was cancelled or refunded a part or all has come back.
    """
    verdict = Verdict("P", "every order's points = those taken for it in the ledger, and none are held for no order")
    orders = databases.stream(
        "orders",
        """SELECT store_id, order_id, points_redeemed, points_discount, status = 6 OR refunded > 0 FROM orders
 WHERE points_redeemed > 0 ORDER BY 1, 2""",
    )
    async for held, order in full_join(databases.stream("membership", _REDEMPTIONS), orders, 2):
        if held is None or order is None:
            # Nobody knows yet whether the order of a young hold will come.
            holds = held is not None and ((held[2] == 1 and held[5] and held[6] == held[3]) or (held[2:7:4] == (4, 0)))
        else:
            undone = order[4] and 0 <= held[6] <= held[3]
            holds = held[3:5] == order[2:4] and (undone or (held[2] in {2, 3} and held[6] == held[3]))
        verdict.expect(
            holds,
            f"order {(held or order or ('', '?'))[1]}: redemption {held and held[2:]}, order {order and order[2:]}",
        )
    return verdict


async def check_pointers(databases: Databases) -> Verdict:
    """O: every old id leads in one hop to a live member, or to one who has been deleted or erased since (F10)."""
    verdict = Verdict("O", "every merged account points to a member, or to one that is gone, in one hop")
    query = """SELECT m.customer_id, s.status FROM customers m
 LEFT JOIN customers s ON s.store_id = m.store_id AND s.customer_id = m.survivor_id WHERE m.status = 3"""
    async for customer, status in databases.stream("membership", query):
        verdict.expect(
            status in {_MEMBER, _DELETED, _ERASED}, f"merged {customer} points to a customer of status {status}"
        )
    return verdict


async def check_guests(databases: Databases) -> Verdict:
    """O: what a member has proved has no guest left who had ordered by then, and nothing is still to be looked for (A7, L)."""
    verdict = Verdict("O", "guest orders from before a proof of their phone or e-mail are its member's")
    # By the indexes of texts: a part for each of them.
    left = " UNION ALL ".join(
        f"""SELECT s.customer_id FROM customer_search s JOIN order_facts f USING (store_id, customer_id)
  WHERE p.kind = '{kind}' AND s.store_id = p.store_id AND split_part(s.haystack, E'\\n', {line}) = lower(i.value) AND NOT s.member
   AND f.placed_at <= p.proved_at"""
        for line, kind in ((2, "phone"), (3, "email"))
    )
    query = f"""SELECT p.customer_id, p.value IS NULL AND NOT EXISTS ({left})
 FROM proofs p LEFT JOIN identifiers i ON i.store_id = p.store_id AND i.kind = p.kind AND i.digest = p.digest AND i.state = 'live'"""
    async for customer, joined in databases.stream("membership", query):
        verdict.expect(joined, f"guests of customer {customer}")
    return verdict


async def check_owners(databases: Databases) -> Verdict:
    """O: every order's owner is a live customer or, while unpaid, a merged one."""
    verdict = Verdict("O", "every order has one owner: a live customer or, while unpaid, a merged one")
    owners = databases.stream(
        "orders", "SELECT store_id, customer_id, bool_or(status <> 1), count(*) FROM orders GROUP BY 1, 2 ORDER BY 1, 2"
    )
    customers = databases.stream("membership", "SELECT store_id, customer_id, status FROM customers ORDER BY 1, 2")
    async for owner, customer in full_join(owners, customers, 2):
        if owner is None:
            continue
        allowed = {_GUEST, _MEMBER, _DELETED, _ERASED} if owner[2] else {_GUEST, _MEMBER, _MERGED, _DELETED, _ERASED}
        status = customer[2] if customer else None
        verdict.expect(status in allowed, f"{owner[3]} orders of customer {owner[1]} (status {status})")
        verdict.checked += owner[3] - 1
    return verdict


async def check_net_spend(databases: Databases) -> Verdict:
    """N: what membership believes a customer has spent is what the orders say, and so is the number of orders."""
    verdict = Verdict("N", "net spend and number of every customer's orders = those of the orders themselves")
    counted = databases.stream(
        "orders",
        """SELECT store_id, customer_id, sum(paid - refunded), count(*) FILTER (WHERE status NOT IN (1, 6)) FROM orders
 GROUP BY 1, 2 ORDER BY 1, 2""",
    )
    believed = databases.stream(
        "membership", "SELECT store_id, customer_id, net_spend, orders_count FROM customers ORDER BY 1, 2"
    )
    async for order_sums, customer in full_join(counted, believed, 2):
        truth = order_sums[2:] if order_sums else (0, 0)
        belief = customer[2:] if customer else (0, 0)
        who = (order_sums or customer or ("", "?"))[1]
        verdict.expect(truth == belief, f"customer {who}: orders {truth}, membership {belief}")
    return verdict


async def check_unique(databases: Databases) -> Verdict:
    """U: live identifiers belong to a live member who carries one of each kind, and to nobody else (the primary key sees to the rest)."""
    verdict = Verdict("U", "every identifier in use belongs to exactly one live member")
    query = """SELECT i.customer_id, i.kind, min(c.status), bool_or(CASE i.kind WHEN 'phone' THEN c.phone ELSE c.email END = i.value)
 FROM identifiers i LEFT JOIN customers c USING (store_id, customer_id) WHERE i.state = 'live' GROUP BY i.store_id, 1, 2"""
    async for customer, kind, status, carried in databases.stream("membership", query):
        verdict.expect(status == _MEMBER and carried, f"{kind} of customer {customer} (status {status})")
    return verdict


async def check_retired(databases: Databases) -> Verdict:
    """T: no retired identifier is a login method or a live identifier anywhere."""
    verdict = Verdict("T", "no retired identifier can log in")
    retired = databases.stream(
        "membership",
        "SELECT store_id, kind, digest FROM identifiers WHERE state = 'retired' ORDER BY store_id, kind COLLATE \"C\", digest",
    )
    logins = databases.stream(
        "identity_merge",
        """SELECT store_id, kind, digest, login_method_id FROM login_methods WHERE state <> 3
 ORDER BY store_id, kind COLLATE "C", digest""",
    )
    async for identifier, login in full_join(retired, logins, 3):
        if identifier is not None:
            verdict.expect(login is None, f"login method {login[3] if login else ''}")
    return verdict
