"""What staff, API keys, operators and customers change, told for the audit log (H1): who, when, what, from what, to what.

`noted` makes an event like any other: a command adds it to the outbox beside those of the change, in the same transaction. The log
itself is kept by one service, in a chain of hashes.

An entry is never changed again, so it must hold nothing that an erasure would have to take out (C12): of customers' personal data
it says which field changed and shows the values masked (`hidden`). Everything else is written as it is (`change`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

from onefold.common.v1 import audit_pb2
from services.common import clock, telemetry
from services.common.money import MINOR_DIGITS
from services.common.outbox import Event, event
from services.common.wire import timestamp

MASK = "•••"
LONGEST_VALUE = 500
_CUT = "…"
Value = str | int | bool | float | UUID | datetime | date | Enum | Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One field from what it was to what it is, as texts; "" stands for nothing."""

    field: str
    before: str
    after: str


def noted(
    context: str, actor: str, action: str, kind: str, subject_id: UUID, changes: Iterable[Change | None] = ()
) -> Event:
    """The event that `context` publishes: `actor` did `action` ("order.cancelled") to the thing `kind` of that id.

    Of `changes`, those that are None are left out.
    """
    message = audit_pb2.AuditNoted(
        actor=actor,
        action=action,
        subject_kind=kind,
        subject_id=str(subject_id),
        changes=[audit_pb2.AuditChange(field=c.field, before=c.before, after=c.after) for c in changes if c],
        at=timestamp(clock.now()),
        request_id=telemetry.request_id.get(),
    )
    return event(message, subject_id, 0, publisher=context)


def change(field: str, before: Value, after: Value) -> Change | None:
    """A field from what it was to what it is; None where that is the same."""
    was, now = text_of(before), text_of(after)
    return Change(field, was, now) if was != now else None


def hidden(field: str, before: object, after: object) -> Change | None:
    """The same of a secret, of free text, or of a customer's personal data: masked. "phone" and "email" show how they end and begin."""
    return Change(field, masked(field, before), masked(field, after)) if before != after else None


def masked(field: str, value: object) -> str:
    """A value as `hidden` shows it."""
    return _MASKS.get(field, _mask)(value)


def text_of(value: Value) -> str:
    """A value in no language: numbers in digits, times as ISO 8601, names of enums in small letters, lists by commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (str, int, float, UUID)):
        return _short(str(value))
    return _short(", ".join(value))


def amount(minor: int, currency: str) -> str:
    """Money: "HKD 12.30"."""
    return f"{currency} {Decimal(minor).scaleb(-MINOR_DIGITS.get(currency, 2))}"


def _mask(value: object) -> str:
    return MASK if value else ""


def _phone(number: object) -> str:
    """The last two digits: "••• 53". Enough to tell two apart, for whoever knows them."""
    return f"{MASK} {str(number)[-2:]}" if number else ""


def _email(address: object) -> str:
    """The first letter, and the domain's end: "m•••@•••.hk". A domain of one's own is a name, too."""
    name, _, domain = str(address or "").rpartition("@")
    return f"{name[:1]}{MASK}@{MASK}.{domain.rpartition('.')[2]}" if address else ""


_MASKS: dict[str, Callable[[object], str]] = {"phone": _phone, "email": _email}


def _short(text: str) -> str:
    clean = text.replace("\0", "")
    return clean if len(clean) <= LONGEST_VALUE else clean[: LONGEST_VALUE - 1] + _CUT
