"""An order comes to stand (A4, E1)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.common import clock, crash
from services.common.contact import clean_text, read_address, read_contact
from services.common.errors import InvalidInput, Violations
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.commands.items import check_items
from services.orders.domain import Draft, Order, check_draft, read_lines


async def create_order(context: Context, claims: ServiceClaims, once: Once[Order], draft: Draft) -> Order:
    """Writes an order; it stands when this returns (A4, E1, E6, E7).

    Points that are to pay for a part of it are taken first, and the order gets the id that they are held for (B2): a repeat
    after a crash in between finds both. Without points nobody is asked. Raises InvalidInput, Conflict, Replayed, and what
    `reserve_points` raises.
    """
    draft, order_id = read_draft(draft, claims), new_id()
    await check_items(context, claims, draft.lines)
    if draft.customer_gone:
        await _refuse(context, claims, once)
    if draft.points_redeemed and draft.customer_id:
        draft, order_id = await with_points(context, claims, once, draft, draft.customer_id)
    order = Order.place(
        draft,
        order_id=order_id,
        number=await context.numbers.next(claims.store),
        new_customer_id=new_id(),
        payment_id=new_id(),
        actor=claims.actor,
        now=clock.now(),
    )
    crash.point("orders.create.before_insert")
    if not await store.insert_whole(context.database.together, once, order, [events.placed(order)]):
        async with context.database.transaction(claims.store) as tx:
            await once.replay(tx)
    crash.point("orders.create.after_commit")
    context.waker.wake()
    return order


async def _refuse(context: Context, claims: ServiceClaims, once: Once[Order]) -> None:
    """Nothing is sold to an account that is gone (C9). An order that stood before it went is the answer to its key still (E7)."""
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
    raise InvalidInput.of("customer_id", "customer_gone")


async def with_points(
    context: Context, claims: ServiceClaims, once: Once[Order], draft: Draft, customer_id: UUID
) -> tuple[Draft, UUID]:
    """The draft with what its points pay, and the order's id. What the key was used for before is answered first."""
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
    order_id, discount = await context.membership.reserve_points(
        claims, once, customer_id, draft.points_redeemed, draft.due
    )
    crash.point("orders.create.points_reserved")
    return replace(draft, points_discount=discount), order_id


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
