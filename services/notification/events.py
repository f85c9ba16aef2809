"""What notification tells the others (proto/onefold/notification/v1/events.proto), and a message as the contract writes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from google.protobuf.message import Message as Protobuf
from google.protobuf.timestamp_pb2 import Timestamp

from onefold.notification.v1 import events_pb2, service_pb2, webhook_events_pb2
from services.common import audit
from services.common.outbox import Event, event
from services.common.wire import moment, timestamp
from services.notification.domain import Announcement, Change, Message, State

# What somebody did, for the audit log (H1).
noted = partial(audit.noted, "notification")
# Type of webhook → the message that is its data, as the contract declares it.
WEBHOOK_TYPES: Mapping[str, str] = {
    declared.type: name
    for name, message in webhook_events_pb2.DESCRIPTOR.message_types_by_name.items()
    for declared in message.GetOptions().Extensions[webhook_events_pb2.webhook]
}
_STATES = {
    State.QUEUED: service_pb2.MESSAGE_STATE_QUEUED,
    # A claim is an inner matter: to people the message still waits.
    State.CLAIMED: service_pb2.MESSAGE_STATE_QUEUED,
    State.SENDING: service_pb2.MESSAGE_STATE_SENDING,
    State.SENT: service_pb2.MESSAGE_STATE_SENT,
    State.FAILED: service_pb2.MESSAGE_STATE_FAILED,
    State.UNKNOWN: service_pb2.MESSAGE_STATE_UNKNOWN,
    State.CANCELLED: service_pb2.MESSAGE_STATE_CANCELLED,
}


def settled(message: Message) -> list[Event]:
    """The event of a message that was sent or given up; none for other states."""
    told = to_proto(message)
    if message.state is State.SENT:
        return [event(events_pb2.MessageSent(message=told), message.message_id, message.attempts)]
    if message.state is State.FAILED:
        return [event(events_pb2.MessageFailed(message=told), message.message_id, message.attempts)]
    return []


def payload(told: Announcement) -> str:
    """The body of a webhook, as Standard Webhooks has it: type, time of the event, data."""
    return orjson.dumps({"type": told.type, "timestamp": written(told.at), "data": told.data}).decode()


def data_of(message: Protobuf) -> dict[str, Any]:
    """The data of a webhook: every field by its name, numbers as numbers, times as text, null where an optional one is not set."""
    return {field.name: _value(message, field) for field in message.DESCRIPTOR.fields}


def written(at: datetime) -> str:
    """A time as the API writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _value(message: Protobuf, field: Any) -> Any:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    if isinstance(value, Timestamp):
        return written(moment(value))
    return list(value) if field.is_repeated else value


def to_proto(message: Message) -> service_pb2.Message:
    """The message as the contract writes it."""
    return service_pb2.Message(
        message_id=str(message.message_id),
        kind=message.kind,
        recipient=message.recipient,
        state=_STATES[message.state],
        attempts=message.attempts,
        error=message.error,
        order_id=str(message.order_id or ""),
        customer_id=str(message.customer_id or ""),
        created_at=timestamp(message.created_at),
        sent_at=timestamp(message.sent_at),
        channel=message.channel,
        cause=message.cause,
        provider_id=message.provider_id,
        next_attempt_at=timestamp(message.next_attempt_at),
        delivered_at=timestamp(message.delivered_at),
        may_be_sent_again=message.may_be_sent_again,
    )


def change_message(change: Change) -> service_pb2.MessageChange:
    """Something that became of a message, as the contract writes it."""
    return service_pb2.MessageChange(
        state=_STATES[change.state],
        cause=change.cause,
        error=change.error,
        actor=change.actor,
        at=timestamp(change.at),
    )
