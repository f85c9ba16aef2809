"""What the audit log is told (H1), and what it is not (C12)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import IntEnum
from uuid import UUID

import pytest

from onefold.common.v1.audit_pb2 import AuditNoted
from services.common import audit, telemetry
from services.common.contact import Address
from services.common.ids import new_id
from services.common.outbox import type_of


class Colour(IntEnum):
    DARK_RED = 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        (0, "0"),
        (False, "no"),
        (Colour.DARK_RED, "dark_red"),
        (UUID(int=7), str(UUID(int=7))),
        (date(2026, 2, 1), "2026-02-01"),
        (datetime(2026, 2, 1, 8, tzinfo=UTC), "2026-02-01T08:00:00+00:00"),
        (["a", "b"], "a, b"),
        ("a\0b", "ab"),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_values_are_written_in_no_language(value: audit.Value, text: str) -> None:
    assert audit.text_of(value) == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1230, "HKD", "HKD 12.30"),
        (-5, "TWD", "TWD -0.05"),
        (0, "HKD", "HKD 0.00"),
        (12, "JPY", "JPY 12"),
        (7, "EUR", "EUR 0.07"),
    ],
)
def test_amounts_are_written_to_the_minor_unit(minor: int, currency: str, text: str) -> None:
    assert audit.amount(minor, currency) == text


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("phone", "+85294512053", "••• 53"),
        ("email", "tai.man@chan.com.hk", "t•••@•••.hk"),
        ("name", "陳大文", "•••"),
        ("birthday", date(1990, 1, 2), "•••"),
        ("shipping_address", Address("Chan", "", ("1 Main Street",)), "•••"),
        ("shipping_address", Address(), ""),
        ("note", "", ""),
        ("phone", None, ""),
    ],
)
def test_personal_values_are_masked(field: str, value: object, shown: str) -> None:
    """C12: an entry outlives the erasure of whom it tells of."""
    change = audit.hidden(field, object(), value)
    assert change is not None
    assert change.after == shown


def test_what_stays_is_no_change() -> None:
    assert audit.change("points", 5, 5) is None
    assert audit.hidden("name", "A", "A") is None
    # Two names are as masked as one another, and yet it is another name.
    assert audit.hidden("name", "A", "B") == audit.Change("name", "•••", "•••")


def test_an_event_says_who_did_what_to_what_and_by_which_request() -> None:
    telemetry.begin("request-1")
    order = new_id()
    told = audit.noted(
        "orders", "staff:1", "order.cancelled", "order", order, [None, audit.change("status", "paid", "cancelled")]
    )
    assert told.type == "orders.audit_noted.v1" == type_of(AuditNoted, "orders")
    message = AuditNoted.FromString(told.payload)
    assert (message.actor, message.action, message.subject_kind) == ("staff:1", "order.cancelled", "order")
    assert (message.subject_id, message.request_id) == (str(order), "request-1")
    [change] = message.changes
    assert (change.field, change.before, change.after) == ("status", "paid", "cancelled")
    assert message.HasField("at")
