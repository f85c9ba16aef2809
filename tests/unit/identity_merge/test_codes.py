"""What may be asked of one-time codes, and what counts as one (A4, A8)."""

from __future__ import annotations

import pytest

from services.common.errors import InvalidInput, StateConflict
from services.identity_merge.domain.codes import (
    LIMITS,
    SMS_REGIONS,
    CodeRequest,
    check_counts,
    make_code,
    read_code,
)

EMAIL = "tai.man@example.com"


def ask(
    email: str = "", phone: str = "", secret: str = "s" * 32, language: str = "", region: str = "HK"
) -> CodeRequest:
    return CodeRequest.read(email, phone, secret, language, "203.0.113.7", region)


def faults(**asked: str) -> set[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        ask(**asked)
    return {(v.field, v.reason) for v in caught.value.violations}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {("email", "required")}),
        ({"email": "nobody"}, {("email", "invalid_email")}),
        ({"email": "a@example.com\r\nBcc: b@example.com"}, {("email", "invalid_email")}),
        ({"email": "a@example.com\0"}, {("email", "invalid_email")}),
        ({"email": EMAIL, "phone": "94512053"}, {("phone", "unknown_value")}),
        (
            {"email": EMAIL, "secret": "short", "language": "fr"},
            {("browser", "unknown_value"), ("language", "unknown_value")},
        ),
        ({"email": EMAIL, "secret": "s" * 201}, {("browser", "unknown_value")}),
        ({"phone": "1234"}, {("phone", "invalid_phone")}),
        ({"phone": "+85221234567"}, {("phone", "not_a_mobile_phone")}),
        ({"phone": "+447400123456"}, {("phone", "phone_abroad")}),
        ({"phone": "+23276123456"}, {("phone", "phone_abroad")}),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(asked: dict[str, str], expected: set[tuple[str, str]]) -> None:
    assert faults(**asked) == expected


@pytest.mark.parametrize(
    ("phone", "region", "number"),
    [
        ("9451 2053", "HK", "+85294512053"),
        ("９４５１２０５３", "HK", "+85294512053"),
        ("0912-345-678", "TW", "+886912345678"),
        ("+886 912 345 678", "HK", "+886912345678"),
        ("+853 6612 3456", "HK", "+85366123456"),
        ("00 852 9451 2053", "TW", ""),
    ],
)
def test_phones_are_read_by_the_stores_region_and_served_in_its_market(phone: str, region: str, number: str) -> None:
    if number:
        assert ask(phone=phone, region=region).value == number
    else:
        assert faults(phone=phone, region=region) == {("phone", "invalid_phone")}


def test_an_installation_may_serve_more_regions() -> None:
    asked = CodeRequest.read("", "+447400123456", "s" * 32, "", "", "HK", SMS_REGIONS | {"GB"})
    assert asked.value == "+447400123456"


@pytest.mark.parametrize(
    ("email", "same"),
    [
        (" TAI.MAN@EXAMPLE.COM ", True),
        ("ｔａｉ.ｍａｎ@example.com", True),
        ("tai.man+shop@example.com", False),
        ("taiman@example.com", False),
        ("tаi.man@example.com", False),  # a Cyrillic а
        ("tai.man@exаmple.com", False),
    ],
)
def test_writings_of_one_address_are_counted_as_one_and_look_alikes_are_not(email: str, same: bool) -> None:
    counted = {ask(email=text).subjects()["identifier"] for text in (EMAIL, email)}
    assert (len(counted) == 1) == same


def test_phones_of_one_block_are_counted_together() -> None:
    counted = [ask(phone=f"+8529451{n:04}").subjects()["prefix"] for n in (0, 1, 9_999)]
    assert set(counted) == {"+8529451"}
    assert ask(phone="+85294522053").subjects()["prefix"] != counted[0]


@pytest.mark.parametrize(("kind", "of"), [(kind, limit.of) for kind, limits in LIMITS.items() for limit in limits])
def test_the_last_code_within_a_limit_is_sent_and_the_next_is_not(kind: str, of: str) -> None:
    counts = {limit.of: limit.most for limit in LIMITS[kind]}
    check_counts(kind, counts)
    with pytest.raises(StateConflict, match="too_many_codes"):
        check_counts(kind, counts | {of: counts[of] + 1})


def test_text_messages_are_fewer_than_mails() -> None:
    mails, phones = ({limit.of: limit.most for limit in LIMITS[kind]} for kind in ("email", "phone"))
    assert all(phones[of] < most for of, most in mails.items())


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
