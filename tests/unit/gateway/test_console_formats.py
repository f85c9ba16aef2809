"""Money, points, dates and phones as people of a store read and write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import formats
from gateway.console import ask
from services.common.errors import InvalidInput, Violations

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
GAP = formats.NO_BREAK


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, "HKD", f"HK${GAP}1,234.50"),
        (-5, "HKD", f"−HK${GAP}0.05"),
        (0, "TWD", f"NT${GAP}0.00"),
        (1_234, "JPY", f"JP¥{GAP}1,234"),
        (100, "XTS", f"XTS{GAP}1.00"),
    ],
)
def test_amounts_are_written_with_currency_groups_and_all_digits(minor: int, currency: str, text: str) -> None:
    assert formats.money(minor, currency) == text


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("1,234.50", 123_450),
        ("1234.5", 123_450),
        ("HK$ 1,234.50", 123_450),
        ("hkd 7", 700),
        ("$0.1", 10),
        ("１２．５０", 1_250),
        (" 0012 ", 1_200),
        ("", 0),
    ],
)
def test_amounts_are_read_as_people_type_them(typed: str, minor: int) -> None:
    assert formats.parse_amount(typed, "HKD", "price") == minor


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("-3", "negative_amount"),
        ("−3.50", "negative_amount"),
        ("1.234", "invalid_amount"),
        ("1,23", "invalid_amount"),
        ("1.2.3", "invalid_amount"),
        (".5", "invalid_amount"),
        ("1e3", "invalid_amount"),
        ("NaN", "invalid_amount"),
        ("9" * 21, "invalid_amount"),
        ("USD 5", "invalid_amount"),
    ],
)
def test_what_is_no_amount_is_refused_by_field_and_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        formats.parse_amount(typed, "HKD", "lines[0].unit_price_minor")
    assert [(each.field, each.reason) for each in caught.value.violations] == [("lines[0].unit_price_minor", reason)]


@given(st.integers(0, 10**13), st.sampled_from(["HKD", "TWD", "JPY"]))
def test_an_amount_written_and_read_again_is_the_same_to_the_minor_unit(minor: int, currency: str) -> None:
    assert formats.parse_amount(formats.decimal_text(minor, currency), currency, "x") == minor
    assert formats.parse_amount(formats.money(minor, currency), currency, "x") == minor


@given(st.text())
def test_any_text_is_an_amount_or_a_clear_refusal(text: str) -> None:
    faults = Violations()
    with ask.noting(faults):
        assert formats.parse_amount(text, "HKD", "x") >= 0
    if faults:
        with pytest.raises(InvalidInput, match=r"invalid_amount|negative_amount"):
            faults.check()


@pytest.mark.parametrize(("typed", "number"), [("250", 250), ("1,000", 1_000), ("-5", -5), ("−5", -5), ("１０", 10)])
def test_whole_numbers_are_read_with_separators_and_signs(typed: str, number: int) -> None:
    assert formats.parse_whole(typed, "points") == number


@pytest.mark.parametrize(
    ("typed", "reason"), [("", "required"), ("1.5", "not_a_whole_number"), ("1,00", "not_a_whole_number")]
)
def test_what_is_no_whole_number_is_refused(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        formats.parse_whole(typed, "points")
    assert caught.value.violations[0].reason == reason


@pytest.mark.parametrize(
    ("e164", "region", "text"),
    [
        ("+85294512053", "HK", "9451 2053"),
        ("+886912345678", "TW", "0912 345 678"),
        ("+886912345678", "HK", "+886 912 345 678"),
        ("", "HK", ""),
        ("someone", "HK", "someone"),
    ],
)
def test_phones_are_written_nationally_at_home_and_in_full_abroad(e164: str, region: str, text: str) -> None:
    assert formats.phone(e164, region) == text


@pytest.mark.parametrize(("locale", "text"), [("en", "1 Jan 2027, 00:30"), ("zh_Hant", "2027年1月1日 00:30")])
def test_moments_are_shown_in_the_time_of_the_store(locale: str, text: str) -> None:
    assert formats.moment_text(datetime(2026, 12, 31, 16, 30, tzinfo=UTC), HONG_KONG, locale) == text


def test_the_last_day_of_points_is_the_day_before_the_midnight_at_which_they_expire() -> None:
    """F2: the expiry date that staff entered is shown again, not the day after."""
    midnight = datetime(2027, 2, 1, tzinfo=HONG_KONG)
    assert formats.last_day(midnight, HONG_KONG) == date(2027, 1, 31)
