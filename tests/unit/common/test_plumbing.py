"""Small parts of the plumbing."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.membership.v1 import events_pb2 as membership
from onefold.orders.v1 import events_pb2 as orders
from services.common.config import ConfigError, Environment
from services.common.errors import InvalidInput, Unauthenticated
from services.common.outbox import type_of
from services.common.paging import PageRequest
from services.common.tokens import ServiceClaims, TokenSigner

KEY = "k" * 32


def test_an_event_type_is_made_of_its_contract() -> None:
    assert type_of(orders.OrderPlaced) == "orders.order_placed.v1"
    assert type_of(membership.MembersAbsorbed()) == "membership.members_absorbed.v1"


def test_a_token_brings_its_claims_to_whoever_has_the_key() -> None:
    claims = ServiceClaims(
        actor="staff:1", role="owner", store_id="01a20b5b-d378-76b7-8dec-6f559c792cc0", scopes=("orders:read",)
    )
    assert TokenSigner(KEY).verify(TokenSigner(KEY).sign(claims)) == claims


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-2], lambda t: t.replace("owner", "ownes"), lambda _: "", lambda _: "a.b.c"]
)
def test_a_spoilt_token_is_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    token = TokenSigner(KEY).sign(ServiceClaims(actor="staff:1", role="owner"))
    with pytest.raises(Unauthenticated):
        TokenSigner(KEY).verify(spoil(token))


@pytest.mark.parametrize(("ahead", "believed"), [(-59, True), (-62, False), (0, True), (298, True), (302, False)])
def test_clocks_a_minute_apart_refuse_nobody(ahead: int, believed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of the second to come is what a machine sees whose clock is a millisecond behind (fault 28)."""
    claims = ServiceClaims(actor="staff:1", role="owner")
    token, then = TokenSigner(KEY).sign(claims), time.time() + ahead
    monkeypatch.setattr(time, "time", lambda: then)
    if believed:
        assert TokenSigner(KEY).verify(token) == claims
    else:
        with pytest.raises(Unauthenticated):
            TokenSigner(KEY).verify(token)


def test_while_a_service_key_is_changed_tokens_of_both_are_good() -> None:
    """Everybody learns to read the new key, then signs with it, then forgets the old one: nobody is refused on the way."""
    claims, new = ServiceClaims(actor="staff:1", role="owner"), "n" * 32
    stages = [KEY, f"{KEY},{new}", f"{new},{KEY}", new]
    for before, after in pairwise(stages):
        assert TokenSigner(after).verify(TokenSigner(before).sign(claims)) == claims
        assert TokenSigner(before).verify(TokenSigner(after).sign(claims)) == claims
    with pytest.raises(Unauthenticated):
        TokenSigner(new).verify(TokenSigner(KEY).sign(claims))


def test_each_of_several_keys_is_long_enough() -> None:
    assert Environment({"ONEFOLD_SERVICE_KEY": f"{KEY},{KEY}"}).secrets("SERVICE_KEY") == f"{KEY},{KEY}"
    for wrong in (f"{KEY},short", f"{KEY},", "short"):
        with pytest.raises(ConfigError, match="ONEFOLD_SERVICE_KEY is too short"):
            Environment({"ONEFOLD_SERVICE_KEY": wrong}).secrets("SERVICE_KEY")


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        TokenSigner("x" * 32).verify(TokenSigner(KEY).sign(ServiceClaims(actor="staff:1", role="owner")))


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigError, match="ONEFOLD_NATS_URL is not set"):
        Environment({}).text("NATS_URL")
    with pytest.raises(ConfigError, match="ONEFOLD_SERVICE_KEY is too short"):
        Environment({"ONEFOLD_SERVICE_KEY": "short"}).secret("SERVICE_KEY")
    with pytest.raises(ConfigError, match="ONEFOLD_CONNECTIONS is not a whole number"):
        Environment({"ONEFOLD_CONNECTIONS": "many"}).number("CONNECTIONS", 1)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True).map(sorted), st.integers(1, 100))
def test_pages_put_together_are_the_list(rows: list[int], size: int) -> None:
    seen: list[int] = []
    token = ""
    while True:
        request = PageRequest.read(size, token, keys=1)
        left = [r for r in rows if request.after is None or r > request.after[0]]
        page = request.cut(left[: size + 1], lambda r: (r,))
        seen += page.items
        token = page.next_token
        if not token:
            break
    assert seen == rows


@pytest.mark.parametrize("token", ["x", "!!", "WzFd", "e30=", "bnVsbA=="])
def test_a_page_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        PageRequest.read(25, token, keys=2)
