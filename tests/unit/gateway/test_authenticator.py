"""How long a credential is believed (E6, F13)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gateway.auth import Principal, principal_of
from gateway.authenticator import FRESH_SECONDS, STALE_SECONDS, Authenticator
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1.accounts_pb2 import AuthenticateCustomerResponse
from services.common.errors import OnefoldError, Unauthenticated, Unavailable


class Identity:
    """Stands for the answers of identity_merge and for the clock."""

    def __init__(self) -> None:
        self.asked = 0
        self.patience = 0.0
        self.time = 1_000.0
        self.error: OnefoldError | None = None

    def ask(self, credential: str, seconds: float) -> Principal:
        self.asked += 1
        self.patience = seconds
        if self.error:
            raise self.error
        key = identity.ApiKey(api_key_id=credential, scopes=["orders:write"])
        return principal_of(identity.AuthenticateResponse(store=identity.Store(store_id="0199"), api_key=key))


@pytest.fixture
def known() -> Identity:
    return Identity()


@pytest.fixture
def principal(known: Identity) -> Callable[[str], Principal]:
    return Authenticator(known.ask, lambda: known.time).holder


def test_one_question_serves_a_second(known: Identity, principal: Callable[[str], Principal]) -> None:
    for _ in range(10):
        assert principal("ofk_1").claims.actor == "api_key:ofk_1"
    assert known.asked == 1


def test_two_credentials_are_never_mixed_up(known: Identity, principal: Callable[[str], Principal]) -> None:
    assert principal("ofk_1").claims.actor == "api_key:ofk_1"
    assert principal("ofk_2").claims.actor == "api_key:ofk_2"


def test_a_revoked_credential_stops_working_within_a_second(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    principal("ofk_1")
    known.error = Unauthenticated("credential_refused")
    known.time += FRESH_SECONDS
    with pytest.raises(Unauthenticated):
        principal("ofk_1")


def test_a_refused_credential_does_not_come_back_when_identity_goes_away(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    principal("ofk_1")
    known.time += FRESH_SECONDS
    known.error = Unauthenticated("credential_refused")
    with pytest.raises(Unauthenticated):
        principal("ofk_1")
    known.error = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        principal("ofk_1")


def test_whoever_was_vouched_for_stays_while_identity_is_away(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    """E6: an order is taken while identity_merge is down."""
    principal("ofk_1")
    known.error = Unavailable("service_unavailable")
    known.time += STALE_SECONDS - 1
    assert principal("ofk_1").claims.actor == "api_key:ofk_1"


def test_not_every_request_waits_for_an_identity_that_is_away(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    principal("ofk_1")
    known.error = Unavailable("deadline_exceeded")
    known.time += 5
    for _ in range(10):
        principal("ofk_1")
    assert known.asked == 2


def test_somebody_known_does_not_wait_long_for_an_identity_that_hangs(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    principal("ofk_1")
    patience = known.patience
    known.time += 5
    principal("ofk_1")
    assert known.patience < patience


def test_nobody_is_believed_for_more_than_ten_minutes(known: Identity, principal: Callable[[str], Principal]) -> None:
    principal("ofk_1")
    known.error = Unavailable("service_unavailable")
    for _ in range(int(STALE_SECONDS)):
        known.time += 1
        principal("ofk_1")
    known.time += 1
    with pytest.raises(Unavailable):
        principal("ofk_1")


def test_a_stranger_is_not_let_in_because_identity_is_away(
    known: Identity, principal: Callable[[str], Principal]
) -> None:
    known.error = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        principal("ofk_1")


def test_fifty_threads_with_one_credential_ask_once(known: Identity, principal: Callable[[str], Principal]) -> None:
    threads = [threading.Thread(target=principal, args=("ofk_1",)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known.asked == 1


def test_ending_all_sessions_of_an_account_forgets_them_at_once_and_no_others() -> None:
    asked: list[str] = []

    def ask(credential: str, _seconds: float) -> AuthenticateCustomerResponse:
        asked.append(credential)
        return AuthenticateCustomerResponse(login_method=identity.LoginMethod(customer_id=credential[0]))

    authenticator = Authenticator(ask, lambda: 0.0)
    for credential in ("a1", "a2", "b1"):
        authenticator.holder(credential)
    authenticator.forget_all(lambda holder: holder.login_method.customer_id == "a")
    for credential in ("a1", "a2", "b1"):
        authenticator.holder(credential)
    assert asked == ["a1", "a2", "b1", "a1", "a2"]


def test_who_is_not_let_in_unasked_is_not_let_in_while_identity_is_away(known: Identity) -> None:
    """A member's session: without identity_merge the member is a guest (F13)."""
    holder = Authenticator(known.ask, lambda: known.time, stale_seconds=0).holder
    holder("ofk_1")
    known.error = Unavailable("service_unavailable")
    known.time += FRESH_SECONDS
    with pytest.raises(Unavailable):
        holder("ofk_1")
