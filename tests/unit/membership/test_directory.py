"""What is searched for, filtered by, and counted (C1-C3, C11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.common.errors import InvalidInput
from services.membership.domain import (
    Figures,
    Filter,
    Kind,
    Month,
    Overview,
    Sort,
    Way,
    Wish,
    all_months,
    read_filter_name,
    read_query,
    read_wish,
    recent_since,
    search_text,
    stretches,
    wish_document,
    wish_of,
)

LEVEL = UUID(int=7)
EMPTY: dict[str, Any] = {
    "query": "",
    "level_ids": (),
    "without_level": False,
    "registered_recently": False,
    "cart_unchecked": False,
    "net_spend_from": None,
    "net_spend_to": None,
    "birthday_month": 0,
    "tags": (),
}


def ways(text: str, region: str = "HK") -> list[Way]:
    return [query.way for query in read_query(text, region)]


def test_chinese_names_are_kept_by_characters_and_pairs() -> None:
    """C2: Latin names need none, for trigrams find them."""
    assert search_text("陳大文", "", "").grams == ("大", "大文", "文", "陳", "陳大")
    assert search_text("Peter Chan", "", "").grams == ()


@pytest.mark.parametrize("name", ["陳大文", "陳 大文", "陳\u3000大 文", "陳·大文"])
def test_names_are_the_same_with_and_without_gaps(name: str) -> None:
    """C2."""
    assert search_text(name, "", "") == search_text("陳大文", "", "")
    assert read_query(name, "HK") == read_query("陳大文", "HK")


@pytest.mark.parametrize("text", ["", "   ", "\u3000"])
def test_nothing_typed_asks_for_nothing(text: str) -> None:
    assert read_query(text, "HK") == ()


@pytest.mark.parametrize("text", ["...", "-", "()", "+"])
def test_punctuation_alone_is_text_not_a_phone(text: str) -> None:
    """C2: it must not match everybody's phone."""
    [query] = read_query(text, "HK")
    assert query.patterns == (f"%{text}%",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("94512053", [Way.PHONE, Way.TEXT]),
        ("+852 9451-2053", [Way.PHONE, Way.TEXT]),
        ("9451205", [Way.TEXT]),
        ("94", [Way.PAIR]),
        ("a@b.example", [Way.EMAIL, Way.TEXT]),
        ("@b.example", [Way.TEXT]),
        ("ma", [Way.PAIR]),
        ("man", [Way.TEXT]),
        ("m", [Way.TEXT]),
        ("文", [Way.GRAMS]),
        ("大文", [Way.GRAMS]),
    ],
)
def test_a_search_goes_by_the_index_that_fits(text: str, expected: list[Way]) -> None:
    """C2: whole phones and e-mails by themselves first, and else as fragments."""
    assert ways(text) == expected


def test_signs_of_like_are_plain_text() -> None:
    [query] = read_query("10%_\\", "HK")
    assert query.patterns == ("%10\\%\\_\\\\%",)


@pytest.mark.parametrize(
    ("changes", "kind", "sort", "field", "reason"),
    [
        ({"query": "x" * 101}, 0, 0, "filter.query", "too_long"),
        ({}, 3, 0, "filter.kind", "unknown_value"),
        ({}, 0, 8, "sort", "unknown_value"),
        ({}, 0, -1, "sort", "unknown_value"),
        ({"birthday_month": 13}, 0, 0, "filter.birthday_month", "unknown_month"),
        ({"birthday_month": -1}, 0, 0, "filter.birthday_month", "unknown_month"),
        ({"net_spend_from": 2, "net_spend_to": 1}, 0, 0, "filter.net_spend_to_minor", "range_upside_down"),
        ({"net_spend_from": -2}, 0, 0, "filter.net_spend_from_minor", "negative_amount"),
        ({"net_spend_to": 10**18}, 0, 0, "filter.net_spend_to_minor", "amount_too_large"),
        ({"level_ids": (LEVEL,) * 21}, 0, 0, "filter.level_ids", "too_large"),
        ({"tags": ("a",) * 21}, 0, 0, "filter.tags", "too_large"),
        ({"tags": ("a", "x" * 41)}, 0, 0, "filter.tags[1]", "too_long"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_by_its_field(
    changes: dict[str, Any], kind: int, sort: int, field: str, reason: str
) -> None:
    """C3."""
    with pytest.raises(InvalidInput) as refusal:
        read_wish(EMPTY | changes, kind, sort)
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]


def test_every_fault_of_a_filter_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_wish(EMPTY | {"birthday_month": 13, "query": "x" * 101}, 9, 9)
    assert len(refusal.value.violations) == 4


def test_a_filter_is_kept_as_it_was() -> None:
    """C11: whatever can be wished survives being written down; tags are sorted, each once, and no text holds what no document can."""
    fields = EMPTY | {"query": " 大\0文 ", "level_ids": (LEVEL,), "net_spend_from": 0, "tags": ("b", " a ", "b", "")}
    wish = read_wish(fields, Kind.MEMBERS, Sort.NAME)
    assert wish.filter.query == "大文"
    assert wish.filter.tags == ("a", "b")
    assert wish_of(wish_document(wish)) == wish
    assert read_wish(EMPTY, 0, 0) == Wish(Filter(), Sort.NEWEST)


def test_page_tokens_of_different_lists_bear_different_marks() -> None:
    """C11."""
    wishes = [Wish(Filter()), Wish(Filter(), Sort.OLDEST), Wish(Filter(query="a")), Wish(Filter(net_spend_from=0))]
    assert len({wish.mark() for wish in wishes}) == len(wishes)
    assert Wish(Filter()).mark() == wishes[0].mark()


@pytest.mark.parametrize(
    ("now", "timezone", "since"),
    [
        ("2026-11-24T15:59:59Z", "Asia/Hong_Kong", "2026-11-17T16:00:00Z"),
        ("2026-11-24T16:00:00Z", "Asia/Hong_Kong", "2026-11-18T16:00:00Z"),
        ("2026-11-24T16:00:00Z", "UTC", "2026-11-18T00:00:00Z"),
    ],
)
def test_seven_days_are_today_and_the_six_before_where_the_store_is(now: str, timezone: str, since: str) -> None:
    """C1, C3."""
    assert recent_since(datetime.fromisoformat(now), timezone) == datetime.fromisoformat(since)


def test_a_name_of_a_filter_is_trimmed_and_not_empty() -> None:
    assert read_filter_name("  Big spenders ") == "Big spenders"
    for name, reason in (("  ", "required"), ("x" * 61, "too_long")):
        with pytest.raises(InvalidInput, match=reason):
            read_filter_name(name)


def test_months_without_orders_are_among_the_twelve() -> None:
    """C1: in the store's time zone, over the turn of the year."""
    at = stretches(datetime(2026, 2, 28, 17, tzinfo=UTC), "Asia/Hong_Kong")
    months = all_months(at, [Month("2025-12", 5, 1)])
    assert [months[0].month, months[8].month, months[-1].month] == ["2025-04", "2025-12", "2026-03"]
    assert (len(months), months[8].net_spend, months[9].net_spend) == (12, 5, 0)
    assert at.first_month == datetime(2025, 3, 31, 16, tzinfo=UTC)
    assert at.expiring_until == datetime(2026, 3, 30, 16, tzinfo=UTC)


def test_figures_are_good_for_a_hundred_times_as_long_as_they_took() -> None:
    """C1: reckoning never takes more than a hundredth of the time."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    overview = Overview(at, 0.1, Figures(0, 0, 0, {}, 0, 0, (), {}))
    assert overview.is_fresh(at.replace(second=9))
    assert not overview.is_fresh(at.replace(second=11))
    assert overview.is_quick
    assert not replace(overview, took=1.0).is_quick
