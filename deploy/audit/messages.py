"""E: no message intent is lost, none is sent twice. Q: none is sent again more often than is allowed."""

from __future__ import annotations

from deploy.audit.joins import Databases, full_join
from deploy.audit.verdict import Verdict
from services.orders.domain import MOST_RESENDS


async def check_order_mails(databases: Databases) -> Verdict:
    """E: every order that was placed with an e-mail has its one message row. Orders whose contact was edited since are left out."""
    verdict = Verdict("E", "every order placed with an e-mail has its message")
    placed = databases.stream(
        "orders",
        """SELECT store_id, order_id FROM orders o WHERE contact_email <> '' AND NOT EXISTS (SELECT FROM order_history h
  WHERE h.store_id = o.store_id AND h.order_id = o.order_id AND h.change = 'contact_edited') ORDER BY store_id, order_id""",
    )
    messages = databases.stream(
        "notification",
        """SELECT store_id, order_id, count(*) FROM messages WHERE kind = 'order_placed'
  GROUP BY store_id, order_id ORDER BY store_id, order_id""",
    )
    async for order, message in full_join(placed, messages, 2):
        if order is not None:
            verdict.expect(
                message is not None and message[2] == 1, f"order {order[1]}: {message[2] if message else 0} messages"
            )
    return verdict


async def check_resends(databases: Databases) -> Verdict:
    """Q: an order e-mail is sent again as often as was asked, each time by one message, and never more than five times (E3)."""
    verdict = Verdict("Q", "every resend of an order e-mail has its one message, five for an order at most")
    asked = databases.stream(
        "orders", "SELECT store_id, order_id, resends FROM orders WHERE resends > 0 ORDER BY store_id, order_id"
    )
    messages = databases.stream(
        "notification",
        """SELECT store_id, order_id, count(*) FROM messages WHERE kind = 'order_resent'
  GROUP BY store_id, order_id ORDER BY store_id, order_id""",
    )
    async for order, message in full_join(asked, messages, 2):
        wanted, written = order[2] if order else 0, message[2] if message else 0
        which = order or message or ()
        verdict.expect(wanted == written <= MOST_RESENDS, f"order {which[1]}: asked {wanted} times, {written} messages")
    return verdict


async def check_confirmations(databases: Databases) -> Verdict:
    """E: every e-mail login method that still waits for its proof has a confirmation message."""
    verdict = Verdict("E", "every unconfirmed e-mail login has its confirmation message")
    waiting = databases.stream(
        "identity_merge",
        """SELECT store_id, login_method_id::text COLLATE "C" FROM login_methods WHERE kind = 'email' AND state = 1 ORDER BY 1, 2""",
    )
    messages = databases.stream(
        "notification",
        """SELECT store_id, params ->> 'login_method_id' COLLATE "C" AS method FROM messages WHERE kind = 'confirm_login'
 GROUP BY 1, 2 ORDER BY 1, 2""",
    )
    async for method, message in full_join(waiting, messages, 2):
        if method is not None:
            verdict.expect(message is not None, f"login method {method[1]}")
    return verdict


async def message_states(databases: Databases) -> dict[str, int]:
    """How many messages are in each state; `unknown` and `failed` want a person's eye."""
    return {
        str(state): int(count)
        for state, count in await databases.rows("notification", "SELECT state, count(*) FROM messages GROUP BY 1")
    }
