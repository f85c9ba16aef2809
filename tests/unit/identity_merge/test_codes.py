"""What may be asked of one-time codes, and what counts as one (A4, A8)."""

from __future__ import annotations

import pytest

from services.common.errors import InvalidInput, StateConflict
from services.identity_merge.domain.codes import LIMITS, CodeRequest, check_counts, make_code, network_of, read_code

EMAIL = "tai.man@example.com"


@pytest.mark.parametrize(
    ("email", "secret", "language", "faults"),
    [
        ("", "s" * 32, "", {("email", "required")}),
        ("nobody", "s" * 32, "en", {("email", "invalid_email")}),
        ("a@example.com\r\nBcc: b@example.com", "s" * 32, "en", {("email", "invalid_email")}),
        (EMAIL, "short", "fr", {("browser", "unknown_value"), ("language", "unknown_value")}),
        (EMAIL, "s" * 201, "en", {("browser", "unknown_value")}),
    ],
    ids=["nothing", "no address", "two lines", "no secret", "a long one"],
)
def test_what_cannot_be_asked_is_refused_by_field(
    email: str, secret: str, language: str, faults: set[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        CodeRequest.read(email, secret, language, "")
    assert {(v.field, v.reason) for v in caught.value.violations} == faults


def test_writings_of_one_address_are_counted_as_one() -> None:
    counted = [
        CodeRequest.read(text, "s" * 32, "", "").subjects()["identifier"]
        for text in (EMAIL, " TAI.MAN@EXAMPLE.COM ", "ｔａｉ.ｍａｎ@example.com")
    ]
    assert len(set(counted)) == 1


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.of)
def test_the_last_code_within_a_limit_is_sent_and_the_next_is_not(limit: object) -> None:
    counts = {each.of: each.most for each in LIMITS}
    check_counts(counts)
    with pytest.raises(StateConflict, match="too_many_codes"):
        check_counts(counts | {limit.of: limit.most + 1})  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_a_place_on_the_network_is_an_address_or_a_network_of_one_connection(source: str, network: str) -> None:
    assert network_of(source) == network


def test_codes_have_six_digits_and_differ() -> None:
    made = {make_code() for _ in range(200)}
    assert len(made) > 190
    assert {len(code) for code in made} == {6}
    assert all(code.isdecimal() for code in made)


@pytest.mark.parametrize("typed", ["012345", " 012 345 ", "012-345", "０１２３４５", "012\u00a0345"])
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert read_code(typed) == "012345"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "required"),
        ("  ", "required"),
        ("12345", "not_a_code"),
        ("1234567", "not_a_code"),
        ("٠١٢٣٤٥", "not_a_code"),
    ],
)
def test_what_is_no_code_is_told_from_a_wrong_one(typed: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_code(typed)
