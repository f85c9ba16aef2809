"""What the notification service learns from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.membership.v1 import events_pb2 as membership
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.inbox import Delivered, Subscription
from services.common.wire import moment
from services.notification import commands
from services.notification.domain import Intent, Kind, Store

# Orders of which an e-mail that is sent again must not say that they are paid or wait for payment.
_ENDS: Mapping[int, str] = {
    orders_pb.ORDER_STATUS_CANCELLED: "cancelled",
    orders_pb.ORDER_STATUS_REFUNDED: "refunded",
}


async def on_order_placed(tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[orders.OrderPlaced]]) -> None:
    """The buyer gets an order e-mail, if the order has an address (G1)."""
    await commands.queue(tx, store_id, [_order_mail(e) for e in events if e.message.order.contact.email])


async def on_order_email_requested(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[orders.OrderEmailRequested]]
) -> None:
    """Somebody asked for the order e-mail once more (E3): as the order is now, also for an order of long ago."""
    await commands.queue(
        tx, store_id, [replace(_order_mail(e), kind=Kind.ORDER_RESENT, cancelled_because="") for e in events]
    )


async def on_confirmation_requested(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.ConfirmationRequested]]
) -> None:
    """The owner of a new login method gets a link that confirms it (A4)."""
    await commands.queue(tx, store_id, [_confirmation(e) for e in events])


async def on_code_requested(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.CodeRequested]]
) -> None:
    """Whoever wants to log in by an address gets a code, or learns that nobody logs in by it (A8)."""
    await commands.queue(tx, store_id, [_code(e) for e in events])


async def on_store_changed(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.StoreChanged]]
) -> None:
    """The store's name, language and time zone are in every message."""
    for event in events:
        told = event.message.store
        store = Store(told.slug, told.name, told.language, told.timezone, told.currency, told.region)
        await commands.remember_store(tx, store_id, store, event.message.version)


async def on_member_erased(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MemberErased]]
) -> None:
    """Somebody is to be forgotten: the log of messages keeps that they were sent, and not to whom (C12)."""
    people = {UUID(i) for event in events for i in (event.message.customer_id, *event.message.merged_ids)}
    await commands.forget(tx, store_id, customers=sorted(people))


async def on_order_contacts_erased(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[orders.OrderContactsErased]]
) -> None:
    """The same for messages about orders, which may have been sent before the buyer was known."""
    found = {UUID(order_id) for event in events for order_id in event.message.order_ids}
    await commands.forget(tx, store_id, orders=sorted(found))


def _order_mail(event: Delivered[orders.OrderPlaced] | Delivered[orders.OrderEmailRequested]) -> Intent:
    order = event.message.order
    placed_at, order_id = moment(order.placed_at), UUID(order.order_id)
    return Intent(
        event_id=event.event_id,
        kind=Kind.ORDER_PLACED,
        recipient=order.contact.email,
        language=order.language,
        params={
            "name": order.contact.name,
            "number": order.number,
            "placed_at": placed_at.isoformat(),
            "currency": order.currency,
            "lines": [{"title": x.title, "quantity": x.quantity, "total": x.total_minor} for x in order.lines],
            "subtotal": order.subtotal_minor,
            "discount": order.discount_minor,
            "level_discount": order.level_discount_minor,
            "points_discount": order.points_discount_minor,
            "shipping": order.shipping_minor,
            "total": order.total_minor,
            "paid": order.status != orders_pb.ORDER_STATUS_UNPAID,
            "ended": _ENDS.get(order.status, ""),
        },
        order_id=order_id,
        customer_id=UUID(order.customer_id),
        cancelled_because=commands.why_not_to_send(order_id, placed_at),
    )


def _confirmation(event: Delivered[identity_merge.ConfirmationRequested]) -> Intent:
    asked = event.message
    return Intent(
        event_id=event.event_id,
        kind=Kind.CONFIRM_LOGIN,
        recipient=asked.email,
        language=asked.language,
        params={"name": asked.name, "login_method_id": asked.login_method_id},
        customer_id=UUID(asked.customer_id),
    )


def _code(event: Delivered[identity_merge.CodeRequested]) -> Intent:
    asked = event.message
    return Intent(
        event_id=event.event_id,
        kind=Kind.LOGIN_CODE,
        recipient=asked.value,
        language=asked.language,
        params={"name": "", "code_id": asked.code_id},
        customer_id=UUID(asked.customer_id) if asked.customer_id else None,
    )


SUBSCRIPTIONS: Mapping[str, Sequence[Subscription]] = {
    "membership": [Subscription(membership.MemberErased, on_member_erased)],
    "orders": [
        Subscription(orders.OrderPlaced, on_order_placed),
        Subscription(orders.OrderEmailRequested, on_order_email_requested),
        Subscription(orders.OrderContactsErased, on_order_contacts_erased),
    ],
    "identity_merge": [
        Subscription(identity_merge.StoreChanged, on_store_changed),
        Subscription(identity_merge.ConfirmationRequested, on_confirmation_requested),
        Subscription(identity_merge.CodeRequested, on_code_requested),
    ],
}
