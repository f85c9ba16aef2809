"""What a notice does to an order. Every function is part of the transaction that holds the notice, and gives what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, outbox
from services.common.errors import InvalidInput, StateConflict
from services.common.ids import new_id
from services.common.outbox import Event
from services.orders import events, store
from services.orders.domain import (
    CheckoutState,
    Notice,
    NoticeKind,
    NoticeState,
    Order,
    Payment,
    PaymentMethod,
    Refund,
    RefundState,
)

ACTOR = "service:payments"
Outcome = tuple[NoticeState, str]
_NOTHING_NEW: Outcome = (NoticeState.NOTHING_NEW, "")
_APPLIED: Outcome = (NoticeState.APPLIED, "")


async def settle_payment(
    tx: AsyncConnection, store_id: UUID, order: Order, payment: Payment, actor: str, *noted: Event
) -> None:
    """Unpaid → paid, of an order whose row is held; a merged account's order goes to the survivor here (E1, F7). `noted` goes out with it.

    Raises StateConflict (order_not_unpaid), Conflict (amount_not_of_order).
    """
    order.confirm_payment(payment, actor=actor, now=payment.received_at)
    order.move_to(await store.survivor_of(tx, store_id, order.customer_id))
    await store.save(tx, store_id, order, new_payment=payment)
    await outbox.add(tx, store_id, [events.paid(order), *noted])


async def apply(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    """Lets a notice take effect: (its state, why a person should look)."""
    return await _BY_KIND[notice.told.kind](tx, store_id, notice)


async def _paid(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    told = notice.told
    await store.hold_payment(tx, store_id, notice.provider_id, told.reference)
    await store.move_checkout(tx, store_id, notice.provider_id, told.session, CheckoutState.OVER)
    if told.order_id is None:  # a sale that the merchant makes elsewhere with the same account
        return _NOTHING_NEW
    order = await store.load(tx, store_id, told.order_id, lock=True)
    if order and any((p.provider_id, p.reference) == (notice.provider_id, told.reference) for p in order.payments):
        return _NOTHING_NEW
    reason = order.why_not_payable(told.amount, told.currency) if order else "order_not_found"
    if reason or order is None:
        seen = await store.told_before(tx, store_id, notice)
        return _NOTHING_NEW if seen else (NoticeState.NEEDS_LOOK, reason)
    payment = Payment(
        new_id(), told.amount, PaymentMethod.ONLINE, told.reference, clock.now(), provider_id=notice.provider_id
    )
    await settle_payment(tx, store_id, order, payment, ACTOR)
    await store.wake_refunds(tx, store_id, notice.provider_id, told.reference)
    return _APPLIED


async def _pending(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    moved = await store.move_checkout(tx, store_id, notice.provider_id, notice.told.session, CheckoutState.PENDING)
    return _APPLIED if moved else _NOTHING_NEW


async def _ended(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    moved = await store.move_checkout(tx, store_id, notice.provider_id, notice.told.session, CheckoutState.OVER)
    return _APPLIED if moved else _NOTHING_NEW


async def _refunded(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    """One that was asked for from here is done; one made at the provider's own pages is noted on the order."""
    told = notice.told
    if told.refund_id and await store.is_ours(tx, store_id, told.refund_id):
        news, order_id = await store.finish_refund(
            tx, store_id, told.refund_id, RefundState.DONE, told.refund_reference
        )
        notice.told = replace(told, order_id=order_id)
        return _APPLIED if news else _NOTHING_NEW
    await store.hold_payment(tx, store_id, notice.provider_id, told.reference)
    order_id = await store.order_of_payment(tx, store_id, notice.provider_id, told.reference)
    order = await store.load(tx, store_id, order_id, lock=True) if order_id else None
    if order is None:  # told before its payment, which will wake it; or a sale made elsewhere
        return NoticeState.NOTHING_NEW, store.UNKNOWN_PAYMENT
    notice.told = replace(told, order_id=order_id)
    if any(refund.reference == told.refund_reference for refund in order.refunds):
        return _NOTHING_NEW
    refund = Refund(new_id(), told.amount, PaymentMethod.ONLINE, told.refund_reference, "", clock.now())
    try:
        order.refund(refund, actor=ACTOR, now=refund.refunded_at)
    except (StateConflict, InvalidInput):
        return NoticeState.NEEDS_LOOK, "refund_too_large"
    await store.save(tx, store_id, order, new_refund=refund)
    await outbox.add(tx, store_id, [events.refunded(order)])
    return _APPLIED


async def _refund_failed(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    """Money that was to go back has not gone: the customer still waits for it, so a person must look."""
    told = notice.told
    if told.refund_id and await store.is_ours(tx, store_id, told.refund_id):
        state, reference = RefundState.FAILED, told.refund_reference
        news, order_id = await store.finish_refund(tx, store_id, told.refund_id, state, reference, told.failure)
    else:
        order_id = await store.order_of_payment(tx, store_id, notice.provider_id, told.reference)
        order = await store.load(tx, store_id, order_id) if order_id else None
        news = order is not None and any(refund.reference == told.refund_reference for refund in order.refunds)
    if not news:
        return _NOTHING_NEW
    notice.told = replace(told, order_id=order_id)
    return NoticeState.NEEDS_LOOK, "refund_failed"


async def _other(tx: AsyncConnection, store_id: UUID, notice: Notice) -> Outcome:
    return _NOTHING_NEW


_BY_KIND: dict[NoticeKind, Callable[[AsyncConnection, UUID, Notice], Awaitable[Outcome]]] = {
    NoticeKind.PAID: _paid,
    NoticeKind.PENDING: _pending,
    NoticeKind.ENDED: _ended,
    NoticeKind.REFUNDED: _refunded,
    NoticeKind.REFUND_FAILED: _refund_failed,
    NoticeKind.OTHER: _other,
}
