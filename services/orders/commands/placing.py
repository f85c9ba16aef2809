"""An order comes to stand (A4, E1)."""

from __future__ import annotations

from dataclasses import replace

from services.common import clock, crash
from services.common.contact import clean_text, read_address, read_contact
from services.common.errors import Violations
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.domain import Draft, Order, check_draft, read_lines


async def create_order(context: Context, claims: ServiceClaims, once: Once[Order], draft: Draft) -> Order:
    """Writes an order; it stands when this returns (A4, E1, E6, E7). Raises InvalidInput, Conflict, Replayed."""
    draft = read_draft(draft, claims)
    order = Order.place(
        draft,
        order_id=new_id(),
        number=await context.numbers.next(claims.store),
        new_customer_id=new_id(),
        payment_id=new_id(),
        actor=claims.actor,
        now=clock.now(),
    )
    crash.point("orders.create.before_insert")
    async with context.database.at_once() as connection:
        written = await store.insert_whole(connection, once, order, [events.placed(order)])
    if not written:
        async with context.database.transaction(claims.store) as tx:
            await once.replay(tx)
    crash.point("orders.create.after_commit")
    context.waker.wake()
    return order


def read_draft(draft: Draft, claims: ServiceClaims) -> Draft:
    """The draft with phones, e-mails and texts in their stored form, all rules kept. Raises InvalidInput with every fault."""
    found = Violations()
    contact = draft.contact
    clean = replace(
        draft,
        contact=found.gather(lambda: read_contact(contact.name, contact.phone, contact.email, claims.region), contact),
        lines=found.gather(lambda: read_lines(draft.lines), draft.lines),
        shipping_address=found.gather(lambda: read_address(draft.shipping_address), draft.shipping_address),
        note=found.gather(lambda: clean_text(draft.note, "note", multiline=True), ""),
        external_reference=found.gather(lambda: clean_text(draft.external_reference, "external_reference", 64), ""),
        payment_reference=found.gather(lambda: clean_text(draft.payment_reference, "payment_reference", 64), ""),
        level_name=found.gather(lambda: clean_text(draft.level_name, "level_name", 100), ""),
    )
    found.gather(lambda: check_draft(clean, claims.currency, clock.now()), None)
    found.check()
    return clean
