"""What happens to an order that stands."""

from __future__ import annotations

from uuid import UUID

from services.common import audit, clock, crash, outbox
from services.common.contact import Address, Contact, clean_text, read_address, read_contact
from services.common.errors import InvalidInput
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.money import check_amount
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.applying import settle_payment
from services.orders.commands.context import Context, locked
from services.orders.domain import BY_HAND, Order, Payment, PaymentMethod, Status


async def confirm_payment(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, method: int, reference: str, amount: int
) -> Order:
    """Marks an unpaid order paid; a merged account's order goes to the survivor here (E1, F7).

    `amount` 0 means the whole. Raises NotFound, StateConflict, Conflict, InvalidInput, Replayed.
    """
    check_amount(amount, "amount_minor")
    if method not in BY_HAND:
        raise InvalidInput.of("method", "unknown_value")
    reference = clean_text(reference, "reference", 64)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        payment = Payment(new_id(), amount or order.total, PaymentMethod(method), reference, clock.now())
        noted = _payment_noted(claims, order, payment)
        await settle_payment(tx, claims.store, order, payment, claims.actor, noted)
        await once.finish(tx, order)
        crash.point("orders.confirm_payment.before_commit")
    context.waker.wake()
    return order


async def edit_contact(
    context: Context,
    claims: ServiceClaims,
    once: Once[Order],
    order_id: UUID,
    contact: Contact,
    shipping_address: Address | None,
    expected_version: int,
) -> Order:
    """Changes the contact on the order, and where it goes unless that is None, never the account (E2).

    Raises NotFound, Conflict (stale_version), InvalidInput, Replayed.
    """
    contact = read_contact(contact.name, contact.phone, contact.email, claims.region)
    shipping_address = read_address(shipping_address) if shipping_address is not None else None
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        noted = _contact_noted(claims, order, contact, shipping_address)
        order.edit_contact(contact, shipping_address, expected_version, actor=claims.actor, now=clock.now())
        await store.save(tx, claims.store, order)
        await outbox.add(tx, claims.store, [events.contact_edited(order), noted])
        await once.finish(tx, order)
    context.waker.wake()
    return order


async def resend_email(context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID) -> Order:
    """Asks for the order e-mail once more (E3). Of many at once only as many as are left pass, for the order's row is held.

    Raises NotFound, StateConflict (order_without_email, resend_limit_reached), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        order.resend_email(actor=claims.actor, now=clock.now())
        await store.save(tx, claims.store, order)
        count = audit.change("resends", order.resends - 1, order.resends)
        noted = events.noted(claims.actor, "order.email_resent", "order", order_id, [count])
        await outbox.add(tx, claims.store, [events.email_requested(order), noted])
        await once.finish(tx, order)
    context.waker.wake()
    return order


def _payment_noted(claims: ServiceClaims, order: Order, payment: Payment) -> Event:
    changes = [
        audit.change("status", order.status, Status.PAID),
        audit.change("paid", audit.amount(order.paid, order.currency), audit.amount(payment.amount, order.currency)),
        audit.change("method", None, payment.method),
        audit.change("reference", None, payment.reference),
    ]
    return events.noted(claims.actor, "order.payment_confirmed", "order", order.order_id, changes)


def _contact_noted(claims: ServiceClaims, order: Order, contact: Contact, address: Address | None) -> Event:
    was = order.contact
    changes = [audit.hidden(name, getattr(was, name), getattr(contact, name)) for name in ("name", "phone", "email")]
    if address is not None:
        changes.append(audit.hidden("shipping_address", order.shipping_address, address))
    return events.noted(claims.actor, "order.contact_edited", "order", order.order_id, changes)
