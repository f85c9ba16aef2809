"""Secrets at rest."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.config import ConfigError, Environment
from services.common.sealing import SealBroken, Sealer

OLD, NEW = b"1" * 32, b"2" * 32
SEALER = Sealer({"new": NEW, "old": OLD})


@given(st.text(max_size=300), st.text(max_size=50))
def test_what_is_sealed_opens_in_its_place_alone(value: str, context: str) -> None:
    sealed = SEALER.seal(value, context)
    assert SEALER.open(sealed, context) == value
    assert value.encode() not in sealed or len(value.encode()) < 4
    assert SEALER.seal(value, context) != sealed, "the same never looks the same"
    with pytest.raises(SealBroken):
        SEALER.open(sealed, context + "x")


def test_keys_are_changed_without_a_stop() -> None:
    """The first key seals, all of them open; without its key nothing opens."""
    before = Sealer({"old": OLD}).seal("sk_live", "a")
    assert SEALER.open(before, "a") == "sk_live"
    after = SEALER.seal("sk_live", "a")
    assert Sealer({"new": NEW}).open(after, "a") == "sk_live"
    with pytest.raises(SealBroken):
        Sealer({"old": OLD}).open(after, "a")


@pytest.mark.parametrize("position", range(40))
def test_a_byte_changed_opens_nothing(position: int) -> None:
    sealed = bytearray(SEALER.seal("sk_live_123", "a"))
    sealed[position % len(sealed)] ^= 1
    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed), "a")


@pytest.mark.parametrize(
    "sealed", [b"", b"\x00", b"\x03new", b"\xff"], ids=["empty", "no key", "cut", "longer than it is"]
)
def test_what_was_never_sealed_opens_nothing(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(sealed, "a")


def test_keys_are_read_from_the_environment_and_never_shown() -> None:
    encoded = base64.urlsafe_b64encode(NEW).rstrip(b"=").decode()
    sealer = Sealer.read(Environment({"ONEFOLD_SEALING_KEYS": f"new:{encoded}, old:{encoded}="}))
    assert sealer.open(SEALER.seal("x", "a"), "a") == "x"
    for wrong in ("", encoded, f"new:{encoded[:-2]}", f"a b:{encoded}", f"new:{encoded},", "new:" + "é" * 43):
        with pytest.raises(ConfigError) as refused:
            Sealer.read(Environment({"ONEFOLD_SEALING_KEYS": wrong}))
        assert "ONEFOLD_SEALING_KEYS" in str(refused.value)
        assert encoded[:10] not in str(refused.value)
