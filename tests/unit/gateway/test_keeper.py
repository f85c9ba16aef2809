"""Whoever has come lately is asked about in the background, once for all (F13)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.authenticator import FRESH_SECONDS, Authenticator
from gateway.keeper import KEPT_SECONDS, MOST_KEPT, Keeper
from onefold.identity_merge.v1.accounts_pb2 import AuthenticateCustomerResponse
from onefold.identity_merge.v1.authentication_pb2 import Verdict
from services.common.errors import Unavailable


class Identity:
    """Stands for identity_merge and for the clock: all credentials are good but those that have ended; the handle is the credential."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.asked: list[str] = []
        self.asked_again: list[list[bytes]] = []
        self.ended: set[str] = set()
        self.away = False

    def ask(self, credential: str, _seconds: float) -> AuthenticateCustomerResponse:
        self.asked.append(credential)
        return AuthenticateCustomerResponse(handle=credential.encode())

    def ask_again(self, handles: Sequence[bytes]) -> Sequence[Verdict]:
        if self.away:
            raise Unavailable("service_unavailable")
        self.asked_again.append(list(handles))
        return [
            Verdict()
            if handle.decode() in self.ended
            else Verdict(customer=AuthenticateCustomerResponse(handle=handle))
            for handle in handles
        ]


def _customer(verdict: Verdict) -> AuthenticateCustomerResponse | None:
    return verdict.customer if verdict.HasField("customer") else None


class Kept:
    """A keeper that asks when it is told to, and an authenticator that it keeps informed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Keeper, "_start", lambda _keeper: None)
        self.identity = Identity()
        self.keeper = Keeper(self.identity.ask_again, lambda: self.identity.time)
        self.authenticator: Authenticator[AuthenticateCustomerResponse] = self.keeper.authenticator(
            self.identity.ask, _customer
        )


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    return Kept(monkeypatch)


def test_whoever_is_kept_is_not_asked_about_when_they_come(kept: Kept) -> None:
    kept.authenticator.holder("one")
    for _ in range(20):
        kept.identity.time += FRESH_SECONDS / 2
        assert kept.keeper.renew() == 1
        kept.authenticator.holder("one")
    assert kept.identity.asked == ["one"]


def test_whoever_has_been_logged_out_is_out_with_the_next_answer(kept: Kept) -> None:
    """F13; the log-in page then learns it from identity_merge itself."""
    for name in ("one", "two"):
        kept.authenticator.holder(name)
    kept.identity.ended = {"one"}
    kept.keeper.renew()
    for name in ("one", "two"):
        kept.authenticator.holder(name)
    assert kept.identity.asked == ["one", "two", "one"]


def test_an_answer_that_took_a_second_is_not_believed_for_another(kept: Kept) -> None:
    kept.authenticator.holder("one")
    answer = kept.identity.ask_again

    def slowly(handles: Sequence[bytes]) -> Sequence[Verdict]:
        kept.identity.time += FRESH_SECONDS
        return answer(handles)

    Keeper.renew(_asking(kept, slowly))
    kept.authenticator.holder("one")
    assert kept.identity.asked == ["one", "one"]


def test_what_is_ended_while_it_is_asked_about_stays_ended(kept: Kept) -> None:
    kept.authenticator.holder("one")
    answer = kept.identity.ask_again

    def meanwhile(handles: Sequence[bytes]) -> Sequence[Verdict]:
        kept.authenticator.forget("one")
        return answer(handles)

    Keeper.renew(_asking(kept, meanwhile))
    kept.authenticator.holder("one")
    assert kept.identity.asked == ["one", "one"]


def test_whoever_has_gone_is_not_asked_about_for_ever(kept: Kept) -> None:
    kept.authenticator.holder("one")
    kept.identity.time += KEPT_SECONDS + 1
    assert kept.keeper.renew() == 0
    assert kept.identity.asked_again == []


def test_of_too_many_those_are_kept_who_came_last(kept: Kept) -> None:
    for number in range(MOST_KEPT + 1):
        kept.identity.time += 0.001
        kept.authenticator.holder(str(number))
    kept.keeper.renew()
    assert len(kept.identity.asked_again[0]) == MOST_KEPT
    assert b"0" not in kept.identity.asked_again[0]


def test_while_identity_is_away_nobody_is_thought_out_or_vouched_for(kept: Kept) -> None:
    kept.authenticator.holder("one")
    kept.identity.away = True
    with pytest.raises(Unavailable):
        kept.keeper.renew()
    kept.authenticator.holder("one")
    kept.identity.time += FRESH_SECONDS
    kept.authenticator.holder("one")
    assert kept.identity.asked == ["one", "one"]


def _asking(kept: Kept, ask: object) -> Keeper:
    """The keeper, with another answer behind it."""
    kept.keeper._ask = ask  # type: ignore[assignment]
    return kept.keeper
