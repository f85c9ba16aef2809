"""What becomes of messages when others tell of something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.identity_merge.v1 import service_pb2 as identity_merge_pb
from onefold.membership.v1 import events_pb2 as membership
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.inbox import Delivered, Subscription
from services.common.wire import moment
from services.notification import commands
from services.notification.domain import Channel, Intent, Kind, Store

# Orders of which an e-mail that is sent again must not say that they are paid or wait for payment.
_ENDS: Mapping[int, str] = {
    orders_pb.ORDER_STATUS_CANCELLED: "cancelled",
    orders_pb.ORDER_STATUS_REFUNDED: "refunded",
}

_ROLES: Mapping[int, str] = {
    identity_merge_pb.STAFF_ROLE_OWNER: "owner",
    identity_merge_pb.STAFF_ROLE_MANAGER: "manager",
    identity_merge_pb.STAFF_ROLE_CASHIER: "cashier",
    identity_merge_pb.STAFF_ROLE_SUPPORT: "support",
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
    """Whoever wants to log in or register gets a code, or learns that the identifier cannot be used (A3, A8)."""
    await commands.queue(tx, store_id, [_code(e) for e in events])


async def on_account_notice_requested(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.AccountNoticeRequested]]
) -> None:
    """The owner of an account hears of what has changed about its safety."""
    await commands.queue(tx, store_id, [_notice(e) for e in events])


async def on_guest_invited(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.GuestInvited]]
) -> None:
    """A guest who has ordered gets a link to register by (A5)."""
    await commands.queue(tx, store_id, [_guest_invitation(e) for e in events])


async def on_staff_invited(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.StaffInvited]]
) -> None:
    """Whoever is to work for the store gets a link to set a password (H1)."""
    await commands.queue(tx, store_id, [_invitation(e) for e in events])


async def on_staff_reset_requested(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.StaffResetRequested]]
) -> None:
    """Whoever works for the store and has forgotten the password gets a link to set a new one."""
    await commands.queue(tx, store_id, [_reset(e) for e in events])


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
        traceparent=event.traceparent,
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
        traceparent=event.traceparent,
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
        traceparent=event.traceparent,
        kind=Kind.LOGIN_CODE,
        recipient=asked.value,
        language=asked.language,
        params={"name": "", "code_id": asked.code_id},
        customer_id=UUID(asked.customer_id) if asked.customer_id else None,
        channel=_channel(asked.kind),
    )


def _notice(event: Delivered[identity_merge.AccountNoticeRequested]) -> Intent:
    told = event.message
    return Intent(
        event_id=event.event_id,
        traceparent=event.traceparent,
        kind=Kind.ACCOUNT_NOTICE,
        recipient=told.value,
        language=told.language,
        params={"name": "", "what": told.what, "detail": told.detail},
        customer_id=UUID(told.customer_id),
        channel=_channel(told.kind),
    )


def _guest_invitation(event: Delivered[membership.GuestInvited]) -> Intent:
    invited = event.message
    return Intent(
        event_id=event.event_id,
        traceparent=event.traceparent,
        kind=Kind.GUEST_INVITATION,
        recipient=invited.email,
        language=invited.language,
        params={"name": invited.name, "invitation_id": invited.invitation_id, "greeting": invited.greeting},
        customer_id=UUID(invited.customer_id),
    )


def _invitation(event: Delivered[identity_merge.StaffInvited]) -> Intent:
    invited = event.message
    return Intent(
        event_id=event.event_id,
        traceparent=event.traceparent,
        kind=Kind.STAFF_INVITATION,
        recipient=invited.email,
        language=invited.language,
        params={
            "name": invited.name,
            "invitation_id": invited.invitation_id,
            "role": _ROLES.get(invited.role, ""),
            "invited_by": invited.invited_by,
        },
    )


def _reset(event: Delivered[identity_merge.StaffResetRequested]) -> Intent:
    asked = event.message
    return Intent(
        event_id=event.event_id,
        traceparent=event.traceparent,
        kind=Kind.STAFF_RESET,
        recipient=asked.email,
        language=asked.language,
        params={"name": asked.name, "invitation_id": asked.invitation_id},
    )


def _channel(kind: str) -> Channel:
    return Channel.SMS if kind == "phone" else Channel.EMAIL


SUBSCRIPTIONS: Mapping[str, Sequence[Subscription]] = {
    "membership": [
        Subscription(membership.MemberErased, on_member_erased),
        Subscription(membership.GuestInvited, on_guest_invited),
    ],
    "orders": [
        Subscription(orders.OrderPlaced, on_order_placed),
        Subscription(orders.OrderEmailRequested, on_order_email_requested),
        Subscription(orders.OrderContactsErased, on_order_contacts_erased),
    ],
    "identity_merge": [
        Subscription(identity_merge.StoreChanged, on_store_changed),
        Subscription(identity_merge.ConfirmationRequested, on_confirmation_requested),
        Subscription(identity_merge.CodeRequested, on_code_requested),
        Subscription(identity_merge.AccountNoticeRequested, on_account_notice_requested),
        Subscription(identity_merge.StaffInvited, on_staff_invited),
        Subscription(identity_merge.StaffResetRequested, on_staff_reset_requested),
    ],
}
