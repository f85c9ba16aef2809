"""How an order goes on and ends: preparation, shipping, cancellation, refunds (E1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.contact import clean_text
from services.common.errors import InvalidInput, Violations
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.money import check_amount
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context, locked
from services.orders.domain import PROGRESS, GivingBack, Order, PaymentMethod, Refund, RefundState, Status

LONGEST_REASON = 500
LONGEST_TRACKING = 100


@dataclass(frozen=True, slots=True)
class Step:
    """How far an order comes, the parcel's number, and why."""

    status: Status
    tracking: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class RefundWish:
    """What is to be given back, and how; `amount` 0 means all that is left, `method` 0 by the provider that took it, if one did."""

    amount: int
    method: int
    reference: str
    reason: str


async def advance_order(
    context: Context,
    claims: ServiceClaims,
    once: Once[Order],
    order_id: UUID,
    status: int,
    tracking: str,
    note: str = "",
) -> Order:
    """Brings a paid order further (E1). Raises NotFound, StateConflict (order_cannot_become), InvalidInput, Replayed."""
    found = Violations()
    if status not in PROGRESS[1:]:
        found.add("status", "unknown_value")
    tracking = found.gather(lambda: clean_text(tracking, "tracking", LONGEST_TRACKING), "")
    note = found.gather(lambda: clean_text(note, "note", LONGEST_REASON), "")
    found.check()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        was = replace(order)
        event = await go_on(tx, claims.store, order, Step(Status(status), tracking, note), claims.actor)
        noted = _noted(claims, "order.advanced", was, order, audit.hidden("note", "", note))
        await outbox.add(tx, claims.store, [event, noted])
        await once.finish(tx, order)
        crash.point("orders.advance.before_commit")
    context.waker.wake()
    return order


async def cancel_order(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, reason: str
) -> Order:
    """Ends an order without money; a merged account's order goes to the survivor here, as nobody will pay it (E1, F7, O).

    Raises NotFound, StateConflict (order_not_cancellable), InvalidInput, Replayed.
    """
    reason = clean_text(reason, "reason", LONGEST_REASON)
    if not reason:
        raise InvalidInput.of("reason", "required")
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.hold_owner_of(tx, claims.store, order_id)
        order = await locked(tx, claims.store, order_id)
        was = replace(order)
        order.cancel(reason, actor=claims.actor, now=clock.now())
        order.move_to(await store.survivor_of(tx, claims.store, order.customer_id))
        await store.save(tx, claims.store, order)
        noted = _noted(claims, "order.cancelled", was, order, audit.hidden("reason", "", reason))
        await outbox.add(tx, claims.store, [events.cancelled(order), noted])
        await once.finish(tx, order)
        crash.point("orders.cancel.before_commit")
    context.waker.wake()
    return order


async def refund_order(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, wish: RefundWish
) -> Order:
    """Notes money that was given back, or that the provider which took it is to give back (E1, B5): that it is asked afterwards.

    Raises NotFound, StateConflict (order_not_paid, nothing_to_refund), InvalidInput (refund_too_large, …), Replayed.
    """
    found = Violations()
    found.gather(lambda: check_amount(wish.amount, "amount_minor"), 0)
    reference = found.gather(lambda: clean_text(wish.reference, "reference", 64), "")
    reason = found.gather(lambda: clean_text(wish.reason, "reason", LONGEST_REASON), "")
    if wish.method and wish.method not in set(PaymentMethod):
        found.add("method", "unknown_value")
    found.check()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        was = replace(order)
        event = await give_back(
            tx, claims.store, order, replace(wish, reference=reference, reason=reason), claims.actor
        )
        more = (audit.change("method", "", order.refunds[-1].method), audit.hidden("reason", "", reason))
        await outbox.add(tx, claims.store, [event, _noted(claims, "order.refunded", was, order, *more)])
        await once.finish(tx, order)
        crash.point("orders.refund.before_commit")
    context.waker.wake()
    return order


def _noted(claims: ServiceClaims, action: str, was: Order, order: Order, *more: audit.Change | None) -> Event:
    refunded = (audit.amount(each.refunded, each.currency) for each in (was, order))
    changes = [
        audit.change("status", was.status, order.status),
        audit.change("refunded", *refunded),
        audit.change("tracking", was.tracking, order.tracking),
        audit.change("customer_id", was.customer_id, order.customer_id),
    ]
    return events.noted(claims.actor, action, "order", order.order_id, [*changes, *more])


async def go_on(tx: AsyncConnection, store_id: UUID, order: Order, step: Step, actor: str) -> Event:
    """Brings an order whose row is locked further; what to tell. Raises StateConflict (order_cannot_become)."""
    order.advance(step.status, step.tracking, step.note, actor=actor, now=clock.now())
    await store.save(tx, store_id, order)
    return events.status_changed(order)


async def give_back(tx: AsyncConnection, store_id: UUID, order: Order, wish: RefundWish, actor: str) -> Event:
    """Notes a refund of an order whose row is locked; what to tell.

    Raises StateConflict (order_not_paid, nothing_to_refund), InvalidInput (refund_too_large, not_paid_online).
    """
    refund = _refund(order, wish)
    order.refund(refund, actor=actor, now=refund.refunded_at)
    await store.save(tx, store_id, order, new_refund=refund)
    if refund.state is RefundState.PENDING:
        await _ask_back(tx, store_id, order, refund)
    return events.refunded(order)


def _refund(order: Order, wish: RefundWish) -> Refund:
    """Raises InvalidInput (not_paid_online) where a provider is to give back what it has not got."""
    online = order.online_payment is not None
    method = PaymentMethod(wish.method or (PaymentMethod.ONLINE if online else PaymentMethod.OTHER))
    if method is PaymentMethod.ONLINE and not online:
        raise InvalidInput.of("method", "not_paid_online")
    amount = wish.amount or order.paid - order.refunded
    state = RefundState.PENDING if method is PaymentMethod.ONLINE else RefundState.BY_HAND
    return Refund(new_id(), amount, method, wish.reference, wish.reason, clock.now(), state)


async def _ask_back(tx: AsyncConnection, store_id: UUID, order: Order, refund: Refund) -> None:
    """The wish is kept with the refund; the worker carries it out, for a provider is never asked inside a transaction."""
    payment = order.online_payment
    if payment and payment.provider_id:
        wish = GivingBack(store_id, refund.refund_id, payment.provider_id, payment.reference, refund.amount, 0, 0)
        await store.ask_back(tx, wish, order.order_id, refund.refunded_at)
