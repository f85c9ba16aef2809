"""Codes, passwords and words of staff (H1)."""

from __future__ import annotations

import pytest

from services.common.errors import InvalidInput
from services.common.ids import NIL
from services.identity_merge.domain.access import StaffMember, StaffRole, Store
from services.identity_merge.domain.staff import (
    RECOVERY_CODES,
    Browser,
    Invitation,
    hints_of,
    make_recovery_codes,
    read_staff_password,
    read_totp,
)

STORE = Store(NIL, "demo", "示範商店", "HK", "HKD", "Asia/Hong_Kong", "zh-Hant")
MAY = StaffMember(NIL, "May.Chan@people.example", "陳小美", StaffRole.MANAGER)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("１２３４５６", "123456"),
        ("ABCDE-FGH23", "abcdefgh23"),
        ("abcde fgh23", "abcdefgh23"),
        ("12345", ""),
        ("1234567", ""),
        ("abcde-fgh21", ""),
        ("abcde-fghi2", ""),
        ("٠١٢٣٤٥", ""),
        ("", ""),
        ("x" * 10_000, ""),
    ],
)
def test_a_code_is_read_as_people_type_it(typed: str, read: str) -> None:
    assert read_totp(typed) == read


def test_recovery_codes_are_ten_that_read_back_as_they_are_shown() -> None:
    codes = make_recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES == 10
    assert [read_totp(code) for code in codes] == [code.replace("-", "") for code in codes]


@pytest.mark.parametrize(
    "password",
    [
        "my DEMO is yours",
        "ｄｅｍｏ is a store",
        "歡迎來到示範商店請進來坐坐吧",
        "may.chan@people.example",
        "hello May.Chan!",
    ],
)
def test_a_password_names_neither_store_nor_person_in_any_writing(password: str) -> None:
    with pytest.raises(InvalidInput, match="guessable_password"):
        read_staff_password(password, "password", hints_of(STORE, MAY))


def test_short_names_stand_in_too_many_words_to_be_forbidden() -> None:
    """A store called "tea" does not forbid steam."""
    hints = ("tea", "a", "", "茶")
    assert read_staff_password("steam and a team 茶", "password", hints) == "steam and a team 茶"


def test_an_invitation_names_every_fault_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        Invitation.read("nobody", " ", 9)
    assert {(v.field, v.reason) for v in caught.value.violations} == {
        ("email", "invalid_email"),
        ("name", "required"),
        ("role", "unknown_value"),
    }


def test_what_a_browser_calls_itself_is_cut_and_cleaned() -> None:
    assert Browser.read("Fire\nfox\0" + "x" * 10_000, "").agent == "Firefox" + "x" * 293
