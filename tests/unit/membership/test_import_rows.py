"""Rows of members: what is good, and what a person is told about the others (D2, D3, D5)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from services.common.identifiers import IdentifierHasher
from services.membership.domain import StoreSettings
from services.membership.domain.imports import (
    COLUMNS,
    Candidate,
    Encoding,
    Judged,
    Row,
    Rules,
    judge,
    judge_held,
    judge_row,
    read_rows,
    sample_file,
)

HASHER = IdentifierHasher("a key for tests that is long enough")
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
GOOD = {"Name": "陳小明", "Phone": "9451 2053"}


def rules(region: str = "HK") -> Rules:
    timezone = {"HK": "Asia/Hong_Kong", "TW": "Asia/Taipei"}[region]
    return Rules(HASHER, StoreSettings(region=region, timezone=timezone), NOW)


def row(number: int = 2, **cells: str) -> Row:
    named = GOOD | {key.replace("_", " "): value for key, value in cells.items()}
    return Row(number, tuple(named.get(column, "") for column in COLUMNS))


def read(region: str = "HK", **cells: str) -> Candidate:
    judged = judge_row(row(**cells), rules(region))
    assert judged.problems == ()
    assert judged.candidate is not None
    return judged.candidate


def told(judged: Judged) -> set[tuple[str, str]]:
    return {(problem.field, problem.reason) for problem in judged.problems}


def wrong(region: str = "HK", **cells: str) -> set[tuple[str, str]]:
    return told(judge_row(row(**cells), rules(region)))


def test_a_full_row_is_read_as_it_is_meant() -> None:
    candidate = read(
        Email="Tai.Man@Example.org",
        Birthday="1990-02-28",
        Language="zh-Hant",
        Tags="VIP; 熟客；vip",
        Address="1 Nathan Road\nFloor 2",
        Member_Points="1,000",
        Points_Expiry="2027-03-31",
        Note="- calls after six",
    )
    assert (candidate.contact.phone, candidate.contact.email) == ("+85294512053", "Tai.Man@example.org")
    assert (candidate.birthday, candidate.language) == (date(1990, 2, 28), "zh-Hant")
    assert candidate.tags == ("VIP", "熟客")
    assert candidate.address == ("1 Nathan Road", "Floor 2")
    assert candidate.points == 1_000
    assert candidate.expires_at == datetime(2027, 3, 31, 15, 59, 59, tzinfo=UTC)
    assert candidate.note == "- calls after six"


def test_points_without_an_expiry_are_good_as_long_as_those_of_an_order_of_today() -> None:
    assert read(Member_Points="5").expires_at == datetime(2027, 11, 24, 15, 59, 59, tzinfo=UTC)
    assert read(Member_Points="").expires_at is None
    assert read(Member_Points="0").points == 0


@pytest.mark.parametrize(
    ("region", "phone", "expected"),
    [
        ("HK", "9451 2053", None),
        ("HK", "+852 9451-2053", None),
        ("HK", "'+85294512053", None),
        ("HK", "９４５１２０５３", None),
        ("HK", "+886 912 345 678", None),
        ("HK", "2123 4567", "not_a_mobile_phone"),
        ("HK", "945120", "invalid_phone"),
        ("HK", "9.4512053E+07", "spreadsheet_number"),
        ("HK", "8.52945E+10", "spreadsheet_number"),
        ("HK", "94512053.0", "spreadsheet_number"),
        ("HK", '="94512053"', "formula_cell"),
        ("HK", "########", "invalid_phone"),
        ("TW", "0912 345 678", None),
        ("TW", "886912345678", None),
        ("TW", "912345678", "leading_zero_lost"),
        ("TW", "912-345-678", "leading_zero_lost"),
        ("TW", "02 2345 6789", "not_a_mobile_phone"),
    ],
)
def test_a_phone_is_a_mobile_and_what_a_spreadsheet_made_of_it_is_named(
    region: str, phone: str, expected: str | None
) -> None:
    """D2, D5."""
    assert wrong(region, Phone=phone) == ({("Phone", expected)} if expected else set())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-31", "2026-03-31"),
        ("2026/3/31", "2026-03-31"),
        ("2026.3.31", "2026-03-31"),
        ("20260331", "2026-03-31"),
        ("2026年3月31日", "2026-03-31"),
        ("2026 年 3 月 31 日", "2026-03-31"),
        ("２０２６－０３－３１", "2026-03-31"),
        ("2026-03-31 00:00:00", "2026-03-31"),
        ("31/3/2026", "2026-03-31"),
        ("3/31/2026", "2026-03-31"),
        ("3/3/2026", "2026-03-03"),
        ("民國115年3月31日", "2026-03-31"),
        ("民國75年3月31日", "1986-03-31"),
        ("115/3/31", "2026-03-31"),
        ("115.03.31", "2026-03-31"),
        ("2024-02-29", "2024-02-29"),
        ("113/2/29", "2024-02-29"),
    ],
)
def test_dates_with_one_reading_are_taken(text: str, day: str) -> None:
    """D3."""
    assert read(Birthday=text).birthday == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/4/2026", "ambiguous_date"),
        ("75/3/31", "short_year"),
        ("2023-02-29", "no_such_day"),
        ("31/4/2026", "no_such_day"),
        ("2026-13-01", "no_such_day"),
        ("46112", "spreadsheet_day"),
        ("1 April 2026", "invalid_date"),
        ("0001-01-01", "invalid_date"),
        ("1899-12-31", "invalid_date"),
        ("99/99/99", "invalid_date"),
        ("2026-11-25", "date_in_future"),
    ],
)
def test_dates_that_are_none_or_could_be_two_are_refused_with_the_reason(text: str, expected: str) -> None:
    """D3."""
    assert wrong(Birthday=text) == {("Birthday", expected)}


def test_an_ambiguous_date_shows_both_readings() -> None:
    [problem] = judge_row(row(Birthday="3/4/2026"), rules()).problems
    assert problem.params == {"one": "2026-04-03", "other": "2026-03-04"}
    [problem] = judge_row(row(Birthday="75/3/31"), rules()).problems
    assert problem.params == {"year": "75", "meant": "1986-03-31"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000", None),
        ("1000", None),
        ("１２０", None),
        ("", None),
        ("-5", "negative_points"),
        ("−5", "negative_points"),
        ("1.5", "points_fraction"),
        ("1,00", "points_not_a_number"),
        ("ten", "points_not_a_number"),
        ("1E+3", "spreadsheet_number"),
        ("1000000001", "too_large"),
        ("9" * 30, "points_not_a_number"),
    ],
)
def test_points_are_whole_and_not_below_zero(text: str, expected: str | None) -> None:
    assert wrong(Member_Points=text) == ({("Member Points", expected)} if expected else set())


@pytest.mark.parametrize(
    ("points", "expiry", "expected"),
    [
        ("5", "2026-11-24", None),
        ("5", "2026-11-23", "expiry_in_past"),
        ("", "2027-01-01", "expiry_not_allowed"),
        ("5", "soon", "invalid_date"),
    ],
)
def test_an_expiry_is_a_day_to_come_and_goes_with_points(points: str, expiry: str, expected: str | None) -> None:
    assert wrong(Member_Points=points, Points_Expiry=expiry) == ({("Points Expiry", expected)} if expected else set())


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"Name": "=1+1"}, {("Name", "formula_cell")}),
        ({"Name": "@SUM(A1)"}, {("Name", "formula_cell")}),
        ({"Name": "x" * 121}, {("Name", "too_long")}),
        ({"Name": "李家?"}, {("Name", "lost_character")}),
        ({"Name": "李\ufffd"}, {("Name", "lost_character")}),
        ({"Name": ""}, set()),
        ({"Phone": ""}, {("Phone", "phone_or_email_required")}),
        ({"Phone": "", "Email": "a@shop.hk"}, set()),
        ({"Email": "a@"}, {("Email", "invalid_email")}),
        ({"Language": "fr"}, {("Language", "unknown_language")}),
        ({"Language": "zh-Hans"}, {("Language", "unknown_language")}),
        ({"Tags": ";".join(map(str, range(21)))}, {("Tags", "tags_above_limit")}),
        ({"Tags": "t" * 41}, {("Tags", "too_long")}),
        ({"Address": "a\nb\nc\nd\ne\nf"}, {("Address", "too_many_address_lines")}),
        ({"Address": "a" * 201}, {("Address", "too_long")}),
        ({"Note": "n" * 2_001}, {("Note", "too_long")}),
        ({"Note": "=cmd|' /C calc'!A0"}, set()),
        (
            {"Phone": "1", "Birthday": "x", "Member_Points": "-1"},
            {("Phone", "invalid_phone"), ("Birthday", "invalid_date"), ("Member Points", "negative_points")},
        ),
    ],
)
def test_every_problem_of_a_row_has_its_column(cells: dict[str, str], expected: set[tuple[str, str]]) -> None:
    """D3: all of them at once, from left to right; a formula in a note is kept as text."""
    assert wrong(**cells) == expected
    columns = [problem.field for problem in judge_row(row(**cells), rules()).problems]
    assert columns == sorted(columns, key=("", *COLUMNS).index)


def test_a_ragged_row_is_one_problem_of_the_row() -> None:
    """D3: points of 1,000 without quotation marks are the usual cause."""
    [problem] = judge_row(Row(2, (*row().cells, "x")), rules()).problems
    assert (problem.field, problem.reason, problem.params) == ("", "ragged_row", {"found": "11", "expected": "10"})


@pytest.mark.parametrize("region", ["HK", "TW"])
def test_the_samples_own_rows_are_refused_also_when_they_were_changed_a_little(region: str) -> None:
    """D2."""
    rows = read_rows(sample_file(region, NOW.date()), Encoding.UTF_8)
    assert [told(judged) for judged in judge(rows, rules(region))] == [{("", "sample_row")}] * 2
    without_email = Row(2, (*rows[0].cells[:2], "", *rows[0].cells[3:]))
    assert told(judge_row(without_email, rules(region))) == {("", "sample_row")}


def test_the_same_phone_or_email_twice_is_wrong_in_both_rows_each_naming_the_other() -> None:
    """D2: in any writing, and also where one of the rows has another fault."""
    rows = [
        row(2, Email="A@shop.hk", Birthday="x"),
        row(3, Phone="+852 9451 2053"),
        row(4, Phone="6123 4567", Email="a@Shop.hk"),
        row(5, Phone="6999 9999"),
    ]
    judged = judge(rows, rules())
    assert [told(each) for each in judged] == [
        {("Birthday", "invalid_date"), ("Phone", "repeated_in_file"), ("Email", "repeated_in_file")},
        {("Phone", "repeated_in_file")},
        {("Email", "repeated_in_file")},
        set(),
    ]
    assert [p.params["rows"] for p in judged[0].problems if p.reason == "repeated_in_file"] == ["3", "4"]


def test_merged_and_erased_identifiers_are_refused_in_the_same_words_and_live_ones_in_others() -> None:
    """D2, T: nobody learns from a file which of the two it was."""
    judged = judge_row(row(Email="a@shop.hk"), rules())
    phone, email = judged.identifiers
    held = {(phone.kind, phone.digest): True, (email.kind, email.digest): False}
    assert told(judge_held(judged, held)) == {("Phone", "already_a_member"), ("Email", "used_before")}
    assert judge_held(judged, {}) is judged
