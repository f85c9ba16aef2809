"""Signatures of payment notices: good only for the body, the secret and the time that they were made for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.payments.courier import signature
from services.orders.domain import TOLERANCE, is_signed, sign

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
BODY, SECRET = b'{"id": "evt_1"}', "whsec_1"
GOOD = sign(BODY, SECRET, NOW)
_DIGEST = GOOD.partition("v1=")[2]


def test_the_sender_writes_what_is_read_here() -> None:
    """Stripe's scheme, written twice: by the test provider, and for tests."""
    assert signature(BODY, SECRET, NOW.timestamp()) == GOOD
    assert is_signed(BODY, GOOD, [SECRET], NOW)


def test_a_known_signature_is_what_it_was() -> None:
    """A vector reckoned with openssl: printf '1.{}' | openssl dgst -sha256 -hmac secret."""
    made = sign(b"{}", "secret", datetime.fromtimestamp(1, UTC))
    assert made == "t=1,v1=1122767b193110cfec322b6f199b599edbf608ed087f2d27afb0b97d99523908"


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (TOLERANCE, True),
        (TOLERANCE + timedelta(seconds=1), False),
        (-TOLERANCE, True),
        (-TOLERANCE - timedelta(seconds=1), False),
    ],
)
def test_a_signature_is_good_for_five_minutes(age: timedelta, good: bool) -> None:
    """What is older may be somebody else's copy."""
    assert is_signed(BODY, GOOD, [SECRET], NOW + age) is good


def test_secrets_are_changed_without_a_notice_lost() -> None:
    """Several at the sender, several here: one that fits is enough."""
    both = f"{GOOD},v1={sign(BODY, 'whsec_2', NOW).partition('v1=')[2]}"
    for secrets in (["whsec_1"], ["whsec_2"], ["whsec_3", "whsec_2"]):
        assert is_signed(BODY, both, secrets, NOW)
    assert is_signed(BODY, f"v1={_DIGEST}, t={int(NOW.timestamp())},v0=x", [SECRET], NOW), "in any order, with others"
    assert not is_signed(BODY, both, ["whsec_3"], NOW)
    assert not is_signed(BODY, both, [], NOW)
    assert not is_signed(BODY, sign(BODY, "", NOW), [""], NOW), "an empty secret signs nothing"


WRONG = {
    "empty": "",
    "no time": f"v1={_DIGEST}",
    "no signature": "t=1764000000",
    "two times": f"{GOOD},t=1",
    "time is no number": f"t=now,v1={_DIGEST}",
    "time beyond reckoning": f"t={'9' * 400},v1={_DIGEST}",
    "another scheme": GOOD.replace("v1", "v0"),
    "not ASCII": GOOD + ",v1=é",
    "upper case": GOOD.upper(),
    "huge": GOOD + ",v1=" + "0" * 5_000,
}


@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG)
def test_what_is_no_signature_is_refused(header: str) -> None:
    assert not is_signed(BODY, header, [SECRET], NOW)


@given(
    body=st.binary(max_size=200),
    secret=st.text("abc_123", min_size=1),
    position=st.integers(0),
    flip=st.integers(1, 255),
)
def test_any_other_body_or_secret_is_refused(body: bytes, secret: str, position: int, flip: int) -> None:
    """Whatever is signed is good; one byte changed, one more, another secret: not."""
    header = sign(body, secret, NOW)
    assert is_signed(body, header, [secret], NOW)
    assert not is_signed(body + b"x", header, [secret], NOW)
    assert not is_signed(body, header, [secret + "x"], NOW)
    if body:
        changed = bytearray(body)
        changed[position % len(body)] ^= flip
        assert not is_signed(bytes(changed), header, [secret], NOW)
