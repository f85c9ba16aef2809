"""Phones, e-mails and texts as the whole system reads them (architecture, rule 11; D2)."""

from __future__ import annotations

import pytest

from services.common.contact import clean_text, comparable_email, parse_email, parse_mobile, read_contact
from services.common.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("94512053", "HK", "+85294512053"),
        ("9451 2053", "HK", "+85294512053"),
        ("+852 9451-2053", "TW", "+85294512053"),
        ("９４５１２０５３", "HK", "+85294512053"),
        ("0912 345 678", "TW", "+886912345678"),
        ("", "HK", ""),
    ],
)
def test_a_mobile_number_in_any_usual_writing_has_one_form(text: str, region: str, expected: str) -> None:
    assert parse_mobile(text, region) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("21234567", "not_a_mobile_phone"),
        ("9.4512053E+07", "invalid_phone"),
        ("123", "invalid_phone"),
        ("abc", "invalid_phone"),
    ],
)
def test_what_is_no_mobile_number_is_refused_by_name(text: str, reason: str) -> None:
    """D2: a phone must be a mobile number."""
    with pytest.raises(InvalidInput) as refused:
        parse_mobile(text, "HK")
    assert [(v.field, v.reason) for v in refused.value.violations] == [("phone", reason)]


def test_every_wrong_field_of_a_contact_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        read_contact("x" * 121, "21234567", "not an address", "HK")
    assert {v.field: v.reason for v in refused.value.violations} == {
        "contact.name": "too_long",
        "contact.phone": "not_a_mobile_phone",
        "contact.email": "invalid_email",
    }


def test_emails_that_differ_in_case_or_width_are_the_same_login() -> None:
    assert comparable_email(parse_email("CS@Boutir.COM")) == comparable_email("cs@boutir.com")
    assert comparable_email("ｃｓ@boutir.com") == comparable_email("cs@boutir.com")


def test_an_email_with_a_line_break_is_refused() -> None:
    with pytest.raises(InvalidInput):
        parse_email("a@example.com\r\nBcc: b@example.com")


def test_control_characters_are_dropped_and_chinese_kept() -> None:
    assert clean_text(" 陳\x00大\u200e文\r\n ", "name") == "陳大\u200e文"
