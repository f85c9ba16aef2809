"""Webhooks: endpoints of merchants' own systems, what goes there, and what follows from how they answer (H4)."""

from __future__ import annotations

import base64
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.common.contact import clean_text
from services.common.errors import Violations

MOST_WEBHOOKS = 20
LONGEST_DESCRIPTION = 200
SECRET_BYTES = 32
# How long the secret before the newest signs, too.
OLD_SECRET_LIFETIME = timedelta(hours=24)
# After an attempt has failed, seconds until the next: as Standard Webhooks' example has it, up to a day. 25 hours 35 minutes in all.
DELAYS = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 28_800.0)
_JITTER = 0.1
# An endpoint of which nothing but failures is known for so long is disabled.
GIVE_UP_AFTER = timedelta(days=5)
LONGEST_RETRY_AFTER = 3_600.0
# An endpoint that fails again and again is left alone for a while between attempts: what waits for it waits, and costs nobody else.
_PATIENCE = 3
_FIRST_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 600.0
LONGEST_RESPONSE = 1_000
MOST_LOGGED = 20
MOST_REPLAYED = 1_000
TEST_TYPE = "webhook.test"


class DisabledBecause(StrEnum):
    """Why nothing is sent to an endpoint; empty while it is enabled."""

    ENABLED = ""
    STAFF = "staff"
    GONE = "gone"
    FAILING = "failing"


class DeliveryState(StrEnum):
    """`claimed` is held by a sender until its lease ends."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    FAILED = "failed"


class Failure(StrEnum):
    """Why an attempt came to nothing."""

    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    CONNECTION = "connection_failed"
    TLS = "tls_failed"
    UNKNOWN_HOST = "host_unknown"
    PRIVATE = "address_private"
    PROTOCOL = "no_http"
    SEAL = "secret_unreadable"
    DISABLED = "webhook_disabled"


@dataclass(frozen=True, slots=True)
class WebhookWish:
    """What an endpoint is to be; the URL is checked apart (targets). No types mean all."""

    description: str
    event_types: tuple[str, ...]

    @classmethod
    def read(cls, description: str, event_types: Sequence[str], known: frozenset[str]) -> WebhookWish:
        """Raises InvalidInput (too_long, event_type_unknown)."""
        found = Violations()
        said = found.gather(lambda: clean_text(description, "description", LONGEST_DESCRIPTION), "")
        for number, event_type in enumerate(event_types):
            if event_type not in known:
                found.add(f"event_types[{number}]", "event_type_unknown", event_type=event_type[:60])
        found.check()
        return cls(said, tuple(sorted(set(event_types))))


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint of a store."""

    webhook_id: UUID
    url: str
    description: str
    event_types: tuple[str, ...]
    disabled_because: DisabledBecause
    disabled_at: datetime | None
    failing_since: datetime | None
    created_at: datetime
    old_secret_until: datetime | None
    version: int

    @property
    def enabled(self) -> bool:
        """Whether anything is sent to it."""
        return self.disabled_because is DisabledBecause.ENABLED


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event as merchants' systems are told of it. `data` has no personal data; the ids say whom and what it is about."""

    event_id: UUID
    type: str
    at: datetime
    data: Mapping[str, Any]
    customer_id: UUID | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and what came of it. `status` is 0 where no answer came; `error` is a Failure, or "" when delivered."""

    number: int
    at: datetime
    duration_ms: int
    status: int
    error: str
    response: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one endpoint. `payload` and `log` are empty in lists."""

    delivery_id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    state: DeliveryState
    attempts: int
    status: int
    error: str
    created_at: datetime
    next_attempt_at: datetime
    delivered_at: datetime | None
    payload: str = ""
    log: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Consignment:
    """A delivery held by this process until its lease ends; `attempts` is the fence against a former holder.

    `tries` counts attempts since it was queued or replayed, this one included; `failures` those of the endpoint in a row.
    """

    store_id: UUID
    delivery_id: UUID
    webhook_id: UUID
    event_id: UUID
    type: str
    payload: str
    attempts: int
    tries: int
    failures: int
    url: str
    # Sealed; the newest first, then those of the last day.
    secrets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint did with a request. `retry_after` is the wait in seconds that it asks for, 0 if it does not."""

    status: int = 0
    error: str = ""
    response: str = ""
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows: for the delivery (`retry_seconds` counts for `queued` alone), and for the endpoint, which rests `rest_seconds`."""

    state: DeliveryState
    retry_seconds: float = 0.0
    rest_seconds: float = 0.0
    disable: DisabledBecause = DisabledBecause.ENABLED


def judge(answer: Answer, tries: int, failures: int) -> Verdict:
    """`failures` counts those in a row before this attempt."""
    if 200 <= answer.status < 300 and not answer.error:
        return Verdict(DeliveryState.DELIVERED)
    if answer.status == 410:
        return Verdict(DeliveryState.FAILED, disable=DisabledBecause.GONE)
    rest = max(_rest(failures + 1), answer.retry_after)
    if tries > len(DELAYS):
        return Verdict(DeliveryState.FAILED, rest_seconds=rest)
    delay = DELAYS[tries - 1] * random.uniform(1, 1 + _JITTER)  # noqa: S311 - spreads load, guards nothing
    return Verdict(DeliveryState.QUEUED, max(delay, answer.retry_after), rest)


def _rest(failures: int) -> float:
    if failures < _PATIENCE:
        return 0.0
    return min(_FIRST_REST_SECONDS * 2.0 ** min(failures - _PATIENCE, 20), _LONGEST_REST_SECONDS)


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"
