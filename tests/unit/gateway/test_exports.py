"""Cells of exported lists (C11)."""

from __future__ import annotations

import pytest

from gateway.console.charts import HEIGHT, columns, share
from gateway.exports import decimal, phone, safe


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "+852 CALL", "+852;=1"]
)
def test_what_a_spreadsheet_could_run_has_an_apostrophe(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "陳大文", "Chan=", "a+b@mail.example", "+852 9451 2053", "1990-02-03"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_phones_are_written_in_groups_so_that_they_stay_text() -> None:
    assert phone("+85294512053") == "+852 9451 2053"
    assert phone("+886912345678") == "+886 912 345 678"
    assert phone("") == ""


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123_450, "HKD", "1234.50"),
        (5, "HKD", "0.05"),
        (-150, "TWD", "-1.50"),
        (1_200, "JPY", "1200"),
        (0, "HKD", "0.00"),
    ],
)
def test_amounts_are_plain_numbers(minor: int, currency: str, text: str) -> None:
    assert decimal(minor, currency) == text


def test_columns_stand_on_the_ground_and_the_highest_is_in_sight() -> None:
    """C1."""
    drawn = columns([("a", 50, "50"), ("b", 100, "100"), ("c", 0, "0"), ("d", -5, "-5")])
    assert [column.y + column.height for column in drawn] == [HEIGHT] * 4
    assert drawn[1].height == 2 * drawn[0].height > 0 == drawn[2].height == drawn[3].height
    assert drawn[1].y > 0
    assert drawn[3].x + drawn[3].width < 100
    assert [column.height for column in columns([("a", 0, "0")])] == [0]
    assert (share(1, 3), share(1, 0)) == (33.33, 0)
