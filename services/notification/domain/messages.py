"""Messages, their states, and what follows from an attempt to send one (G2)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.notification.domain.causes import Cause
from services.notification.domain.look import Look

LONGEST_RETRY_SECONDS = 900.0
# A part of our own that is away is asked again sooner than somebody else's mail server, and never given up.
LONGEST_WAIT_SECONDS = 30.0
GIVE_UP_SECONDS = 86_400.0
LONGEST_ERROR = 300
# An order entered more than this after it was made is history brought from elsewhere; its buyer expects no e-mail about it.
HISTORY_AFTER = timedelta(days=3)


class Channel(StrEnum):
    """How a message goes to people."""

    EMAIL = "email"
    SMS = "sms"


class Kind(StrEnum):
    """What a message is about; also the name of its templates."""

    ORDER_PLACED = "order_placed"
    ORDER_RESENT = "order_resent"
    CONFIRM_LOGIN = "confirm_login"
    LOGIN_CODE = "login_code"
    ACCOUNT_NOTICE = "account_notice"
    GUEST_INVITATION = "guest_invitation"
    STAFF_INVITATION = "staff_invitation"
    STAFF_RESET = "staff_reset"
    WEBHOOK_DISABLED = "webhook_disabled"


# What they say was of use for minutes or days: it is not kept when the recipient is a customer, whose log of messages stays.
PASSING = frozenset(
    {
        Kind.CONFIRM_LOGIN,
        Kind.LOGIN_CODE,
        Kind.ACCOUNT_NOTICE,
        Kind.GUEST_INVITATION,
        Kind.STAFF_INVITATION,
        Kind.STAFF_RESET,
        Kind.WEBHOOK_DISABLED,
    }
)


# Of use for minutes, and asked for anew by whoever needs it: never sent again.
FLEETING = frozenset({Kind.LOGIN_CODE, Kind.STAFF_RESET})
# Advertising: sent to nobody who has unsubscribed, and every mail of it says how one does.
MARKETING = frozenset({Kind.GUEST_INVITATION})


class Purpose(StrEnum):
    """What a code is for."""

    LOG_IN = "log_in"
    REGISTER = "register"
    ADD = "add"
    REFUSED = "refused"


class State(StrEnum):
    """See the picture in README.md."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Decision(StrEnum):
    """What a person says about a message that nobody knows the fate of, or that failed."""

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"


@dataclass(frozen=True, slots=True)
class Intent:
    """A message that an event asks for. `params` is what the template needs, and never a secret."""

    event_id: UUID
    kind: Kind
    recipient: str
    language: str
    params: Mapping[str, Any]
    order_id: UUID | None = None
    customer_id: UUID | None = None
    channel: Channel = Channel.EMAIL
    # Set for a message that is written down but not to be sent.
    cancelled_because: str = ""
    # Of the event, so that the trace goes on with the message.
    traceparent: str = ""

    @property
    def passes(self) -> bool:
        """Whether something of it is forgotten in time: whom it went to, if a stranger, or what it said."""
        return self.customer_id is None or self.kind in PASSING


@dataclass(frozen=True, slots=True)
class Store:
    """Who speaks. `language` is BCP 47, `timezone` IANA."""

    slug: str
    name: str
    language: str
    timezone: str
    currency: str
    region: str
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the log shows it."""

    message_id: UUID
    kind: Kind
    channel: Channel
    recipient: str
    state: State
    attempts: int
    error: str
    order_id: UUID | None
    customer_id: UUID | None
    created_at: datetime
    sent_at: datetime | None
    cause: Cause = Cause.NONE
    provider_id: str = ""
    # When the next attempt is due; of a message that waits.
    next_attempt_at: datetime | None = None
    # Whether what it says is still kept, so that it can be written once more.
    kept: bool = True
    delivered_at: datetime | None = None

    @property
    def may_be_sent_again(self) -> bool:
        """Whether a person may have it sent once more: what nobody got or perhaps got, and what is still of use."""
        undelivered = self.state in (State.FAILED, State.UNKNOWN)
        return undelivered and self.kept and bool(self.recipient) and self.kind not in FLEETING


@dataclass(frozen=True, slots=True)
class Outage:
    """A server that has been away since a message first waited for it."""

    channel: Channel
    since: datetime


@dataclass(frozen=True, slots=True)
class LogFilter:
    """What messages of a list have in common; every part that is set narrows it. `recipient` is a part, or `whole`."""

    order_id: UUID | None = None
    customers: Sequence[UUID] = ()
    recipient: str = ""
    whole: bool = False
    kinds: Sequence[Kind] = ()
    channel: Channel | None = None
    states: Sequence[State] = ()
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that became of a message. `actor` is whose doing it was; "" for the sender's."""

    state: State
    cause: Cause
    error: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message held by this process until its lease ends; `message.attempts` is the fence against a former holder."""

    store_id: UUID
    message: Message
    language: str
    params: Mapping[str, Any]
    store: Store
    # How long ago the first attempt failed; 0 when none has.
    failing_seconds: float = field(default=0.0)
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """Envelope and content, ready to be sent; the addresses of the envelope are ASCII unless the mail needs SMTPUTF8."""

    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sms:
    """A text for a phone (E.164). `good_for_seconds` is when it is of no use any more; None when it always is."""

    recipient: str
    text: str
    good_for_seconds: int | None = None
    # Where the provider tells what became of it.
    status_url: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `retry_seconds` counts for `queued` alone; `failing` starts the clock of giving up.

    `provider_id` is what the server that took the message calls it, if it tells.
    """

    state: State
    error: str = ""
    cause: Cause = Cause.NONE
    retry_seconds: float = 0.0
    failing: bool = False
    provider_id: str = ""

    @property
    def is_told(self) -> bool:
        """Whether the message's history has an entry of it: not that it was sent, which it says itself, nor that we ourselves were slow."""
        return self.failing or self.state in (State.FAILED, State.UNKNOWN, State.CANCELLED)


def sent(provider_id: str) -> Outcome:
    """The server has taken the message."""
    return Outcome(State.SENT, provider_id=provider_id)


class Unwanted(Exception):
    """Whoever it is for has asked not to get such messages. The text is the reason for the log."""


def not_needed(error: str, cause: Cause = Cause.NOT_NEEDED) -> Outcome:
    """Nobody needs the message any more."""
    return Outcome(State.CANCELLED, error, cause)


def undecided(error: str) -> Outcome:
    """The server may have taken the message: a person decides, it is never blindly sent again (E)."""
    return Outcome(State.UNKNOWN, error[:LONGEST_ERROR], Cause.NO_ANSWER)


def refused(error: str, cause: Cause) -> Outcome:
    """The server will never take the message."""
    return Outcome(State.FAILED, error[:LONGEST_ERROR], cause)


def put_off(claimed: Claimed, error: str, cause: Cause, first_retry: float, at_least: float = 0.0) -> Outcome:
    """The server did not take the message now: again later, until a day has passed since the first such answer.

    `at_least` is the wait in seconds that the server asks for.
    """
    if claimed.failing_seconds >= GIVE_UP_SECONDS:
        return Outcome(State.FAILED, error[:LONGEST_ERROR], cause)
    delay = max(backoff(claimed.message.attempts, LONGEST_RETRY_SECONDS, first_retry), at_least)
    return Outcome(State.QUEUED, error[:LONGEST_ERROR], cause, delay, failing=True)


def waits(claimed: Claimed, error: str, first_retry: float) -> Outcome:
    """A part of our own is away: again soon, for as long as it takes."""
    delay = backoff(claimed.message.attempts, LONGEST_WAIT_SECONDS, first_retry)
    return Outcome(State.QUEUED, error[:LONGEST_ERROR], Cause.PART_AWAY, delay)


def backoff(attempts: int, longest: float, first: float) -> float:
    """Seconds until the next attempt: `first`, then doubled each time up to `longest`; half of it is left to chance."""
    whole = min(first * 2.0 ** min(attempts - 1, 20), longest)
    return random.uniform(whole / 2, whole)  # noqa: S311 - spreads load, guards nothing


def one_line(text: str) -> str:
    """The text without line breaks and control characters, as headers must be."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
