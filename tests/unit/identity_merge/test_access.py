"""Stores, staff and keys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.common.errors import InvalidInput
from services.identity_merge.commands.passwords import Passwords
from services.identity_merge.domain.access import KeyWish, is_slug, is_timezone, read_password


@pytest.mark.parametrize("slug", ["a", "demo", "shop-2", "0", "a" * 40])
def test_a_slug_is_of_lower_case_letters_digits_and_inner_hyphens(slug: str) -> None:
    assert is_slug(slug)


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a b", "a_b", "峯", "a" * 41, "a\n", "ａ", "٣"])
def test_anything_else_is_no_slug(slug: str) -> None:
    assert not is_slug(slug)


@pytest.mark.parametrize("name", ["", "Asia", "Asia/Nowhere", "../etc/passwd", "/etc/passwd", "a\0b", "x" * 5_000])
def test_what_is_no_zone_of_the_iana_database_is_none(name: str) -> None:
    assert not is_timezone(name)


def test_zones_of_the_iana_database_are_known() -> None:
    assert is_timezone("Asia/Hong_Kong")
    assert is_timezone("Asia/Taipei")


def test_a_password_has_12_to_1000_characters() -> None:
    assert read_password("密" * 12, "p") == "密" * 12
    for password, reason in (("a" * 11, "weak_password"), ("a" * 1_001, "too_long")):
        with pytest.raises(InvalidInput) as caught:
            read_password(password, "p")
        assert [(v.field, v.reason) for v in caught.value.violations] == [("p", reason)]


def test_a_key_has_a_name_and_known_scopes_each_once() -> None:
    """H4"""
    wish = KeyWish.read(" Till ", ["orders:write", "orders:read", "orders:write"], 90)
    assert (wish.name, wish.scopes, wish.lifetime) == ("Till", ("orders:read", "orders:write"), timedelta(days=90))
    assert KeyWish.read("Till", ["orders:read"]).lifetime is None
    for days in -1, 3_651:
        with pytest.raises(InvalidInput) as caught:
            KeyWish.read("", ["orders:read", "*"], days)
        assert [(v.field, v.reason) for v in caught.value.violations] == [
            ("name", "required"),
            ("scopes[1]", "unknown_value"),
            ("valid_days", "out_of_range"),
        ]


async def test_a_password_is_kept_as_argon2id_and_never_matches_nobody() -> None:
    """Rule 10"""
    passwords = Passwords()
    kept = await passwords.hash("correct horse battery")
    assert kept.startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert await passwords.hash("correct horse battery") != kept
    assert await passwords.verify(kept, "correct horse battery")
    assert not await passwords.verify(kept, "correct horse batterY")
    assert not await passwords.verify(None, "correct horse battery")
    assert not await passwords.verify(None, "nobody's password")
