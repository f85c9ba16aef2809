"""Messages, as programs read them and decide about them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import AnswerModel, Id, Json, PageQuery, RequestModel, Time, when, when_set, word
from gateway.api.order_lists import Day
from gateway.days import begin_of, end_of
from gateway.exports import zone_of_store
from onefold.notification.v1 import service_pb2 as pb

_STATE_WORDS: dict[int, str] = {
    number: name.removeprefix("MESSAGE_STATE_").lower() for name, number in pb.MessageState.items()
}
_STATES = {name: pb.MessageState.ValueType(code) for code, name in _STATE_WORDS.items()}
DECISIONS: dict[str, pb.MessageDecision.ValueType] = {
    "arrived": pb.MESSAGE_DECISION_ARRIVED,
    "send_again": pb.MESSAGE_DECISION_SEND_AGAIN,
}
State = Literal["queued", "sending", "sent", "failed", "unknown", "cancelled"]


class Message(AnswerModel):
    """A message and what became of it (G2)."""

    message_id: Id
    kind: str
    channel: str = Field(description="email or sms")
    recipient: str = Field(description="An address or a phone (E.164); empty where the person is forgotten.")
    state: str
    cause: str = Field(
        description="Why, in a word such as `address_unknown`, `mailbox_full`, `spam`, `opted_out`, `server_away`; empty where all is well."
    )
    attempts: int
    error: str = Field(description="The server's own words about the last attempt.")
    order_id: Id | None
    customer_id: Id | None
    created_at: Time
    sent_at: Time | None
    next_attempt_at: Time | None = Field(description="Of a message that waits.")
    delivered_at: Time | None = Field(description="When the SMS provider said that the phone has it.")
    provider_id: str = Field(description="What the provider that took it calls it; empty where it does not tell.")
    may_be_sent_again: bool


class MessageList(AnswerModel):
    """Newest first."""

    items: list[Message]
    next_page_token: str | None


class MessageChange(AnswerModel):
    """Something that became of a message: a failed attempt, a decision, what a provider told later."""

    state: str
    cause: str
    error: str
    actor: str = Field(description="Whose doing it was; empty for the sender's.")
    at: Time


class MessageWithChanges(Message):
    """A message with what became of it, oldest first."""

    changes: list[MessageChange]


class MessageQuery(PageQuery):
    """What messages of a list have in common; every part that is set narrows it."""

    recipient: str = Field(default="", description="A part of the address or number, at least three letters.")
    customer_id: UUID | None = None
    order_id: UUID | None = None
    kind: str = Field(default="", description="Such as `order_placed`.")
    channel: str = Field(default="", description="`email` or `sms`.")
    state: State | None = None
    day_from: Day = Field(default="", description="Written on this day of the store's time zone or later.")
    day_to: Day = Field(default="", description="Written on this day of the store's time zone or earlier.")

    def message(self) -> pb.ListMessagesRequest:
        """For the service. Raises InvalidInput (invalid_date)."""
        zone = zone_of_store()
        return pb.ListMessagesRequest(
            page=self.page(),
            recipient=self.recipient,
            customer_id=str(self.customer_id or ""),
            order_id=str(self.order_id or ""),
            kinds=[self.kind] if self.kind else [],
            channel=self.channel,
            states=[_STATES[self.state]] if self.state else [],
            since=begin_of(self.day_from, zone, "day_from"),
            before=end_of(self.day_to, zone, "day_to"),
        )


class MessagePath(BaseModel):
    """Which message."""

    message_id: UUID


class DecisionIn(RequestModel):
    """What a person has decided about one message."""

    decision: Literal["arrived", "send_again"] = Field(
        description="`arrived`: an `unknown` one did. `send_again`: an `unknown` or `failed` one goes out once more, perhaps twice."
    )
    attempts: int = Field(
        ge=0, le=2**31 - 1, description="The message's, as they were seen: by an older state nothing is decided."
    )


def message_json(message: pb.Message) -> Json:
    """As in Message."""
    return {
        "message_id": message.message_id,
        "kind": message.kind,
        "channel": message.channel,
        "recipient": message.recipient,
        "state": word(message.state, _STATE_WORDS),
        "cause": message.cause,
        "attempts": message.attempts,
        "error": message.error,
        "order_id": message.order_id or None,
        "customer_id": message.customer_id or None,
        "created_at": when(message.created_at),
        "sent_at": when_set(message, "sent_at"),
        "next_attempt_at": when_set(message, "next_attempt_at"),
        "delivered_at": when_set(message, "delivered_at"),
        "provider_id": message.provider_id,
        "may_be_sent_again": message.may_be_sent_again,
    }


def change_json(change: pb.MessageChange) -> Json:
    """As in MessageChange."""
    return {
        "state": word(change.state, _STATE_WORDS),
        "cause": change.cause,
        "error": change.error,
        "actor": change.actor,
        "at": when(change.at),
    }
