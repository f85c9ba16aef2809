"""What lists of orders are narrowed to, and what is typed into their search box."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.money import LARGEST_AMOUNT
from services.common.searching import Way
from services.orders.domain import PARTLY_REFUNDED, Channel, Filter, Status, read_filter, read_search

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "statuses", "channels", "field", "reason"),
    [
        ({"query": "x" * 101}, [], [], "query", "too_long"),
        ({}, [9], [], "statuses", "unknown_value"),
        ({}, [], [5], "channels", "unknown_value"),
        ({"total_from": -1}, [], [], "total_from_minor", "negative_amount"),
        ({"total_to": LARGEST_AMOUNT + 1}, [], [], "total_to_minor", "amount_too_large"),
        ({"total_from": 2, "total_to": 1}, [], [], "total_to_minor", "range_upside_down"),
        ({"placed_from": NOON, "placed_before": NOON}, [], [], "placed_before", "range_upside_down"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_field(
    asked: dict[str, Any], statuses: list[int], channels: list[int], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_filter(Filter(**asked), statuses, channels)
    assert [(violation.field, violation.reason) for violation in caught.value.violations] == [(field, reason)]


def test_partly_refunded_is_asked_beside_statuses_though_it_is_none() -> None:
    """E1."""
    asked = read_filter(Filter(), [PARTLY_REFUNDED, 5, 2, 2], [4, 2])
    assert asked.statuses == (Status.PAID, Status.COMPLETED)
    assert asked.partly_refunded
    assert asked.channels == (Channel.POS, Channel.API)


def test_what_nobody_can_have_typed_is_no_part_of_a_query() -> None:
    """Runs keep the filter with which they began; neither a document nor a text of the database holds NUL."""
    assert read_filter(Filter(query=" Chan\0 Tai\x07 Man"), [], []).query == "Chan Tai Man"
    assert read_search("\0", "HK").contact is None
    found = read_search("chan\0tai", "HK").contact
    assert found is not None
    assert "\0" not in "".join(found.patterns)


def test_one_filter_has_one_mark_and_another_has_another() -> None:
    """C11: whatever the order in which its parts were named."""
    mine, other = sorted(new_id() for _ in range(2))
    asked = read_filter(Filter(customer_ids=(other, mine)), [2, 3], [])
    assert asked.mark() == read_filter(Filter(customer_ids=(mine, other)), [3, 2, 3], []).mark()
    assert (
        len({each.mark() for each in (asked, Filter(), replace(asked, total_from=0), replace(asked, query="1"))}) == 4
    )


@pytest.mark.parametrize(
    ("text", "number", "way"),
    [
        ("", None, None),
        ("#1042", 1042, None),
        ("＃１０４２", 1042, None),
        ("1042", 1042, Way.TEXT),
        ("42", 42, Way.PAIR),
        ("9451 2053", None, Way.TEXT),
        ("94512053", 94512053, Way.TEXT),
        ("+85294512053", None, Way.TEXT),
        ("大", None, Way.GRAMS),
        ("大文", None, Way.GRAMS),
        ("tai.man@mail.example", None, Way.TEXT),
        ("#vip", None, Way.TEXT),
    ],
)
def test_what_is_typed_is_a_number_or_a_part_of_the_contact(text: str, number: int | None, way: Way | None) -> None:
    """C2."""
    search = read_search(text, "HK")
    assert search.number == number
    assert (search.contact.way if search.contact else None) is way
