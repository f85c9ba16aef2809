"""What orders tell the others (proto/onefold/orders/v1/events.proto), and an order as the contract writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from google.protobuf.message import Message

from onefold.orders.v1 import carts_pb2, events_pb2, service_pb2
from services.common import audit
from services.common.outbox import Event, event
from services.common.wire import address_message, contact_message, timestamp
from services.orders.domain import MOST_RESENDS, Cart, CustomerChange, Order

# What somebody did, for the audit log (H1).
noted = partial(audit.noted, "orders")


def placed(order: Order) -> Event:
    """An order stands; one that was born paid says so in this one event, for two would say the same of the same version."""
    return _whole(events_pb2.OrderPlaced, order)


def paid(order: Order) -> Event:
    """Payment of an unpaid order was confirmed."""
    return _whole(events_pb2.OrderPaid, order)


def refunded(order: Order) -> Event:
    """Money was given back."""
    return _whole(events_pb2.OrderRefunded, order)


def cancelled(order: Order) -> Event:
    """An order has ended without money."""
    return _whole(events_pb2.OrderCancelled, order)


def status_changed(order: Order) -> Event:
    """A paid order has come further."""
    return _whole(events_pb2.OrderStatusChanged, order)


def contact_edited(order: Order) -> Event:
    """The order's contact was edited."""
    return _whole(events_pb2.OrderContactEdited, order)


def email_requested(order: Order) -> Event:
    """The order e-mail is wanted once more."""
    return _whole(events_pb2.OrderEmailRequested, order)


def _whole(message: Callable[..., Message], order: Order) -> Event:
    return event(message(order=to_proto(order, whole=True)), order.order_id, order.version)


def cart_changed(cart: Cart) -> Event:
    """A member's cart is not what it was."""
    message = events_pb2.CartChanged(
        cart_id=str(cart.cart_id),
        customer_id=str(cart.customer_id or ""),
        state=carts_pb2.CartState.ValueType(cart.state),
        lines_count=len(cart.lines),
        changed_at=timestamp(cart.changed_at),
    )
    return event(message, cart.cart_id, cart.version)


def relinked(customer_id: UUID, order_ids: Sequence[UUID], merge_run_id: str = "") -> Event:
    """Orders have a new owner."""
    message = events_pb2.OrdersRelinked(
        customer_id=str(customer_id), order_ids=[str(i) for i in order_ids], merge_run_id=merge_run_id
    )
    return event(message, customer_id, 0)


def contacts_erased(customer_id: UUID, order_ids: Sequence[UUID]) -> Event:
    """Orders of a person who was erased have forgotten who that was."""
    message = events_pb2.OrderContactsErased(customer_id=str(customer_id), order_ids=[str(i) for i in order_ids])
    return event(message, customer_id, 0)


def change_message(change: CustomerChange) -> service_pb2.OrderChange:
    """A change of an order for the wire."""
    return service_pb2.OrderChange(
        order_id=str(change.order_id),
        number=change.number,
        change=change.change,
        actor=change.actor,
        at=timestamp(change.at),
        status=service_pb2.OrderStatus.ValueType(change.status),
        total_minor=change.total,
        currency=change.currency,
        version=change.version,
    )


def to_proto(order: Order, *, whole: bool) -> service_pb2.Order:
    """The order as the contract writes it; lists leave lines, payments and history out."""
    message = service_pb2.Order(
        order_id=str(order.order_id),
        number=order.number,
        customer_id=str(order.customer_id),
        status=service_pb2.OrderStatus.ValueType(order.status),
        channel=service_pb2.Channel.ValueType(order.channel),
        currency=order.currency,
        subtotal_minor=order.subtotal,
        discount_minor=order.discount,
        shipping_minor=order.shipping,
        total_minor=order.total,
        paid_minor=order.paid,
        refunded_minor=order.refunded,
        contact=contact_message(order.contact),
        add_as_member=order.add_as_member,
        note=order.note,
        external_reference=order.external_reference,
        language=order.language,
        placed_at=timestamp(order.placed_at),
        paid_at=timestamp(order.paid_at),
        version=order.version,
        level_discount_minor=order.level_discount,
        level_name=order.level_name,
        points_redeemed=order.points_redeemed,
        points_discount_minor=order.points_discount,
        tracking=order.tracking,
        resends=order.resends,
        resends_left=MOST_RESENDS - order.resends,
    )
    if order.shipping_address:
        message.shipping_address.CopyFrom(address_message(order.shipping_address))
    if whole:
        _add_details(message, order)
    return message


def _add_details(message: service_pb2.Order, order: Order) -> None:
    for line in order.lines:
        message.lines.add(
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price_minor=line.unit_price,
            discount_minor=line.discount,
            total_minor=line.total,
            item_id=str(line.item_id or ""),
        )
    for payment in order.payments:
        message.payments.add(
            payment_id=str(payment.payment_id),
            amount_minor=payment.amount,
            method=service_pb2.PaymentMethod.ValueType(payment.method),
            reference=payment.reference,
            received_at=timestamp(payment.received_at),
            provider_name=payment.provider_name,
        )
    for refund in order.refunds:
        message.refunds.add(
            refund_id=str(refund.refund_id),
            amount_minor=refund.amount,
            method=service_pb2.PaymentMethod.ValueType(refund.method),
            reference=refund.reference,
            reason=refund.reason,
            refunded_at=timestamp(refund.refunded_at),
            state=service_pb2.RefundState.ValueType(refund.state),
            failure=refund.failure,
        )
    for change in order.history:
        message.history.add(at=timestamp(change.at), actor=change.actor, change=change.change, note=change.note)
