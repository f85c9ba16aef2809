"""What merchants' own systems are told: the one table from events of ours to webhooks, and their way into the queue (H4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.membership.v1 import events_pb2 as membership
from onefold.membership.v1 import levels_pb2
from onefold.membership.v1 import service_pb2 as membership_pb
from onefold.notification.v1 import events_pb2 as notification
from onefold.notification.v1 import webhook_events_pb2 as pb
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.ids import time_of
from services.common.inbox import Delivered
from services.notification import commands, events
from services.notification.domain import Announcement


def _words(values: Iterable[tuple[str, int]], prefix: str) -> Mapping[int, str]:
    """The values of a contract's list as the API writes them."""
    return {number: name.removeprefix(prefix).lower() for name, number in values}


# What a contract knows and this program does not, yet.
_NEWER = "other"
_STATUSES = _words(orders_pb.OrderStatus.items(), "ORDER_STATUS_")
_CHANNELS = _words(orders_pb.Channel.items(), "CHANNEL_")
_POINTS_REASONS = _words(membership_pb.PointsReason.items(), "POINTS_REASON_")
_LEVEL_CAUSES = _words(levels_pb2.LevelCause.items(), "LEVEL_CAUSE_")


def _enrolled(event: Delivered[membership.MemberEnrolled]) -> Message:
    told = event.message
    source = told.source or ("order" if told.order_id else "staff")
    return pb.MemberEnrolledData(
        customer_id=told.customer_id, source=source, order_id=told.order_id or None, joined_at=told.joined_at
    )


def _changed(event: Delivered[membership.MemberChanged]) -> Message:
    return pb.MemberChangedData(
        customer_id=event.message.customer_id, fields=event.message.fields, version=event.version
    )


def _deleted(event: Delivered[membership.MemberDeleted]) -> Message:
    return pb.MemberDeletedData(customer_id=event.message.customer_id)


def _erased(event: Delivered[membership.MemberErased]) -> Message:
    told = event.message
    return pb.MemberErasedData(customer_id=told.customer_id, merged_ids=told.merged_ids, erased_at=told.erased_at)


def _guests_joined(event: Delivered[membership.GuestsJoined]) -> Message:
    told = event.message
    return pb.GuestsJoinedData(customer_id=told.customer_id, guest_ids=told.guest_ids, orders_count=told.orders_count)


def _points(event: Delivered[membership.PointsPosted]) -> Message:
    told = event.message
    return pb.PointsPostedData(
        customer_id=told.customer_id,
        points=told.points,
        balance=told.balance,
        reason=_POINTS_REASONS.get(told.reason, _NEWER),
        order_id=told.order_id or None,
    )


def _level(event: Delivered[membership.LevelChanged]) -> Message:
    told = event.message
    return pb.LevelChangedData(
        customer_id=told.customer_id,
        from_level_id=told.from_level_id or None,
        from_level_name=told.from_level_name or None,
        to_level_id=told.to_level_id or None,
        to_level_name=told.to_level_name or None,
        cause=_LEVEL_CAUSES.get(told.cause, _NEWER),
        version=event.version,
    )


def _order(event: Delivered[Any]) -> Message:
    order: orders_pb.Order = event.message.order
    return pb.OrderData(
        order_id=order.order_id,
        number=order.number,
        customer_id=order.customer_id,
        status=_STATUSES.get(order.status, _NEWER),
        channel=_CHANNELS.get(order.channel, _NEWER),
        currency=order.currency,
        total_minor=order.total_minor,
        paid_minor=order.paid_minor,
        refunded_minor=order.refunded_minor,
        external_reference=order.external_reference or None,
        tracking=order.tracking or None,
        placed_at=order.placed_at,
        paid_at=order.paid_at if order.HasField("paid_at") else None,
        version=order.version,
    )


def _relinked(event: Delivered[orders.OrdersRelinked]) -> Message | None:
    """A merge is told once, as a whole."""
    told = event.message
    if told.merge_run_id:
        return None
    return pb.OrderCustomerChangedData(customer_id=told.customer_id, order_ids=told.order_ids)


def _merged(event: Delivered[identity_merge.MergeCompleted]) -> Message:
    run = event.message.run
    return pb.MemberMergedData(
        customer_id=run.primary_id,
        old_ids=event.message.old_ids,
        merge_run_id=run.merge_run_id,
        orders_moved=run.orders_moved,
    )


def _message_failed(event: Delivered[notification.MessageFailed]) -> Message:
    told = event.message.message
    return pb.MessageFailedData(
        message_id=told.message_id,
        kind=told.kind,
        channel=told.channel,
        order_id=told.order_id or None,
        customer_id=told.customer_id or None,
    )


# Event of ours → the type that merchants know it by, and what they are told.
PUBLIC: Mapping[type[Message], tuple[str, Callable[[Delivered[Any]], Message | None]]] = {
    membership.MemberEnrolled: ("member.enrolled", _enrolled),
    membership.MemberChanged: ("member.changed", _changed),
    membership.MemberDeleted: ("member.deleted", _deleted),
    membership.MemberErased: ("member.erased", _erased),
    membership.GuestsJoined: ("member.guests_joined", _guests_joined),
    membership.PointsPosted: ("points.posted", _points),
    membership.LevelChanged: ("level.changed", _level),
    identity_merge.MergeCompleted: ("member.merged", _merged),
    orders.OrderPlaced: ("order.placed", _order),
    orders.OrderPaid: ("order.paid", _order),
    orders.OrderStatusChanged: ("order.status_changed", _order),
    orders.OrderCancelled: ("order.cancelled", _order),
    orders.OrderRefunded: ("order.refunded", _order),
    orders.OrderContactEdited: ("order.contact_edited", _order),
    orders.OrdersRelinked: ("order.customer_changed", _relinked),
    notification.MessageFailed: ("message.failed", _message_failed),
}


async def on_public_events(tx: AsyncConnection, store_id: UUID, told: Sequence[Delivered[Any]]) -> None:
    """Endpoints of the store get what they wish to hear of."""
    if told:
        await commands.announce(tx, store_id, told, _announcement)


def _announcement(event: Delivered[Any]) -> Announcement | None:
    """The event as merchants hear of it; None for one that they do not."""
    event_type, write = PUBLIC[type(event.message)]
    message = write(event)
    if message is None:
        return None
    data = events.data_of(message)
    # An event's id holds the moment at which it was written down.
    return Announcement(
        event.event_id,
        event_type,
        time_of(event.event_id),
        data,
        customer_id=_id(data.get("customer_id")),
        order_id=_id(data.get("order_id")),
    )


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
