"""Webhooks as programs set them up and read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AwareDatetime, BaseModel, Field

from gateway.api.fields import AnswerModel, Id, Json, PageQuery, RequestModel, Time, when, when_set
from onefold.notification.v1 import webhook_events_pb2
from onefold.notification.v1 import webhooks_pb2 as pb

# As the contract declares them, in its order; a test goes to every endpoint.
EVENT_TYPES: Sequence[str] = [
    declared.type
    for message in webhook_events_pb2.DESCRIPTOR.message_types_by_name.values()
    for declared in message.GetOptions().Extensions[webhook_events_pb2.webhook]
    if declared.type != "webhook.test"
]
STATES: Mapping[str, pb.DeliveryState.ValueType] = {
    "queued": pb.DELIVERY_STATE_QUEUED,
    "delivered": pb.DELIVERY_STATE_DELIVERED,
    "failed": pb.DELIVERY_STATE_FAILED,
}
_STATE_WORDS = {code: word for word, code in STATES.items()}
BECAUSE_WORDS: Mapping[int, str] = {
    pb.DISABLED_BECAUSE_STAFF: "staff",
    pb.DISABLED_BECAUSE_GONE: "gone",
    pb.DISABLED_BECAUSE_FAILING: "failing",
}
_Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]
# The service says which are known; the document tells them.
EventType = Annotated[str, Field(json_schema_extra={"enum": list(EVENT_TYPES)})]


class WebhookIn(RequestModel):
    """Where events are told, and which."""

    url: str = Field(
        description="https, on the public internet. Redirects are not followed.",
        json_schema_extra={"maxLength": 1_000},
        examples=["https://shop.example.com/webhooks/onefold"],
    )
    description: str = Field(default="", json_schema_extra={"maxLength": 200})
    event_types: list[EventType] = Field(
        default_factory=list, description="Only these; none: all of them, also those that are added later."
    )


class WebhookChange(WebhookIn):
    """What the endpoint is to be, whole."""

    enabled: bool = Field(description="Whether anything is sent to it. Enabling begins anew, whatever failed before.")


class Webhook(AnswerModel):
    """An endpoint of your own system."""

    webhook_id: Id
    url: str
    description: str
    event_types: list[str]
    enabled: bool
    disabled_because: Literal["staff", "gone", "failing"] | None = Field(
        description="staff: somebody wished it. gone: it answered 410. failing: nothing but failures for five days."
    )
    disabled_at: Time | None
    failing_since: Time | None = Field(description="Since when every attempt has failed; null while it answers.")
    created_at: Time
    old_secret_until: Time | None = Field(
        description="While a secret before the newest signs too: until when. `webhook-signature` then holds both."
    )
    version: int


class NewWebhook(Webhook):
    """An endpoint with its secret. Keep it: it is shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class WebhookList(AnswerModel):
    """All endpoints, the oldest first; there are at most 20."""

    items: list[Webhook]


class WebhookPath(BaseModel):
    """Which endpoint."""

    webhook_id: Id


class DeliveriesQuery(PageQuery):
    """Filters are joined by "and"."""

    state: Literal["", "queued", "delivered", "failed"] = ""
    type: str = Field(
        default="",
        description="Only this type of event.",
        json_schema_extra={"enum": ["", *EVENT_TYPES, "webhook.test"]},
    )


class Delivery(AnswerModel):
    """An event on its way to one endpoint."""

    delivery_id: Id
    webhook_id: Id
    event_id: Id = Field(description="The header `webhook-id`: the same for each attempt, so that you know a repeat.")
    type: str
    state: Literal["queued", "delivered", "failed"]
    attempts: int
    created_at: Time
    delivered_at: Time | None
    next_attempt_at: Time | None
    status: int | None = Field(description="HTTP status of the last attempt; null where no answer came.")
    error: str | None = Field(description="Why the last attempt failed: timeout, connection_failed, status, redirect …")


class DeliveryList(AnswerModel):
    """The newest first."""

    items: list[Delivery]
    next_page_token: str | None


class DeliveryPath(BaseModel):
    """Which delivery."""

    delivery_id: Id


class Attempt(AnswerModel):
    """One request."""

    number: int
    at: Time
    duration_ms: int
    status: int | None
    error: str | None
    response: str = Field(description="The beginning of what was answered.")


class WholeDelivery(Delivery):
    """A delivery with what was sent and what came of it."""

    payload: Json = Field(description="The body, as it was signed.")
    log: list[Attempt] = Field(description="The last 20 attempts, the newest first.")


class ReplayIn(RequestModel):
    """From when on."""

    since: _Moment = Field(examples=["2026-11-24T02:18:00Z"])

    def stamp(self) -> Timestamp:
        """For the service."""
        made = Timestamp()
        made.FromDatetime(self.since)
        return made


class Replayed(AnswerModel):
    """How many are on their way."""

    deliveries: int
    more: bool = Field(description="Whether more has failed since then: ask again.")


def webhook_json(webhook: pb.Webhook) -> Json:
    """As in Webhook."""
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "description": webhook.description,
        "event_types": list(webhook.event_types),
        "enabled": not webhook.disabled_because,
        "disabled_because": BECAUSE_WORDS.get(webhook.disabled_because),
        "disabled_at": when_set(webhook, "disabled_at"),
        "failing_since": when_set(webhook, "failing_since"),
        "created_at": when(webhook.created_at),
        "old_secret_until": when_set(webhook, "old_secret_until"),
        "version": webhook.version,
    }


def delivery_json(delivery: pb.Delivery) -> Json:
    """As in Delivery."""
    return {
        "delivery_id": delivery.delivery_id,
        "webhook_id": delivery.webhook_id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "state": _STATE_WORDS.get(delivery.state, "queued"),
        "attempts": delivery.attempts,
        "created_at": when(delivery.created_at),
        "delivered_at": when_set(delivery, "delivered_at"),
        "next_attempt_at": when_set(delivery, "next_attempt_at"),
        "status": delivery.status or None,
        "error": delivery.error or None,
    }


def whole_json(found: pb.GetDeliveryResponse) -> Json:
    """As in WholeDelivery."""
    return delivery_json(found.delivery) | {
        "payload": orjson.loads(found.delivery.payload or "{}"),
        "log": [
            {
                "number": attempt.number,
                "at": when(attempt.at),
                "duration_ms": attempt.duration_ms,
                "status": attempt.status or None,
                "error": attempt.error or None,
                "response": attempt.response,
            }
            for attempt in found.attempts
        ],
    }
