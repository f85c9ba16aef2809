"""Staff's second factor, sessions and own passwords, on a real PostgreSQL, through gRPC (H1)."""

from __future__ import annotations

import asyncio

import pytest

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import staff_pb2 as staff_pb
from services.common.errors import InvalidInput, Unauthenticated
from tests.integration.identity_merge.conftest import PASSWORD, Service
from tests.integration.identity_merge.staffing import EMAIL, Office, Person
from tests.integration.identity_merge.test_access import authenticate
from tests.integration.identity_merge.test_staff import refusals


async def in_office(service: Service) -> tuple[Office, Person]:
    office = await Office.open(service)
    return office, await office.join()


async def test_a_log_in_takes_two_steps_once_the_second_factor_is_on(service: Service) -> None:
    """The secret lies sealed; the session begins with the second step, under a token of its own, and the browser's earlier one ends."""
    office, may = await in_office(service)
    codes = await may.turn_on()
    assert len(set(codes)) == 10
    assert (await may.myself()).totp
    assert (await may.myself()).recovery_codes_left == 10
    (kept,) = await service.rows("SELECT sealed FROM staff_totp")
    assert may.secret.encode() not in bytes(kept.sealed)
    first = await office.log_in(session_token=may.session)
    assert first.totp_challenge
    assert (first.session_token, first.HasField("staff"), first.HasField("store")) == ("", False, False)
    assert await refusals(authenticate(service, first.totp_challenge)) == ["credential_refused"]
    assert (await authenticate(service, may.session)).staff.email == EMAIL, "until the second step is done"
    second = await office.second_step(first.totp_challenge, may.code(1), may.session)
    assert (await authenticate(service, second.session_token)).staff.email == EMAIL
    assert await refusals(authenticate(service, may.session), office.second_step(first.totp_challenge, codes[0])) == [
        "credential_refused",
        "login_refused",
    ]


async def test_a_code_is_good_once_also_for_two_at_once(service: Service) -> None:
    """RFC 6238, 5.2: of the app's codes that of a step, and those before it, are good no more; recovery codes likewise."""
    office, may = await in_office(service)
    codes = await may.turn_on()
    challenges = [(await office.log_in()).totp_challenge for _ in range(7)]
    assert await refusals(office.second_step(challenges[0], may.code(-1))) == ["invalid_input"], "its step is over"
    used = may.code(1)
    same = await refusals(*(office.second_step(challenge, used) for challenge in challenges[:4]))
    assert sorted(same) == ["", "invalid_input", "invalid_input", "invalid_input"]
    written = codes[3].upper().replace("-", " ")
    same = await refusals(*(office.second_step(challenge, written) for challenge in challenges[4:]))
    assert sorted(same) == ["", "invalid_input", "invalid_input"]
    assert (await may.myself()).recovery_codes_left == 9


async def test_a_challenge_has_five_tries_and_five_minutes(service: Service) -> None:
    """Tries at once are counted one by one; a day has twenty over all challenges, then even the right code is refused."""
    office, may = await in_office(service)
    codes = await may.turn_on()
    challenge = (await office.log_in()).totp_challenge
    outcomes = await asyncio.gather(
        *(office.second_step(challenge, "000000") for _ in range(8)), return_exceptions=True
    )
    left = [each.violations[0].params["left"] for each in outcomes if isinstance(each, InvalidInput)]
    assert sorted(left) == ["1", "2", "3", "4"]
    assert sum(isinstance(each, Unauthenticated) for each in outcomes) == 4
    assert await refusals(office.second_step(challenge, may.code(1))) == ["login_refused"]
    stale = (await office.log_in()).totp_challenge
    await service.rows("UPDATE staff_challenges SET expires_at = now() - interval '1 second'")
    assert await refusals(office.second_step(stale, may.code(1))) == ["login_refused"]
    for _ in range(3):
        challenge = (await office.log_in()).totp_challenge
        for _ in range(5):
            await refusals(office.second_step(challenge, "nonsense"))
    challenge = (await office.log_in()).totp_challenge
    assert (
        await refusals(*(office.second_step(challenge, code) for code in (may.code(1), codes[0])))
        == ["too_many_tries"] * 2
    )
    await service.rows("UPDATE login_attempts SET since = since - interval '1 day 1 second'")
    assert (await office.second_step(challenge, may.code(1))).session_token


async def test_a_new_password_ends_all_but_the_own_session_which_gets_a_new_token(service: Service) -> None:
    """A log-in with the old password that is under way ends in nothing, too."""
    office, may = await in_office(service)
    elsewhere = (await office.log_in()).session_token
    wish = staff_pb.ChangeMyPasswordRequest(
        session_token=may.session, current_password="wrong horse battery", new_password="another horse battery"
    )
    with pytest.raises(InvalidInput) as caught:
        await service.call(service.staff.ChangeMyPassword, wish, may.claims)
    assert [(v.field, v.reason) for v in caught.value.violations] == [("current_password", "password_wrong")]
    wish.current_password = PASSWORD
    results = await asyncio.gather(
        service.call(service.staff.ChangeMyPassword, wish, may.claims),
        *(office.log_in() for _ in range(4)),
        return_exceptions=True,
    )
    assert not isinstance(results[0], BaseException)
    fresh = results[0].session.session_token
    begun = [each.session_token for each in results[1:] if isinstance(each, pb.LogInResponse)]
    others = [elsewhere, may.session, *begun]
    assert await refusals(*(authenticate(service, token) for token in others)) == ["credential_refused"] * len(others)
    assert (await authenticate(service, fresh)).staff.email == EMAIL
    sessions = (await may.myself()).sessions
    assert len(sessions) == 1


async def test_a_stolen_session_cannot_try_passwords_without_end(service: Service) -> None:
    office, may = await in_office(service)
    wish = staff_pb.BeginTotpRequest(password="wrong horse battery")
    words = [(await refusals(service.call(service.staff.BeginTotp, wish, may.claims)))[0] for _ in range(11)]
    assert words == ["invalid_input"] * 10 + ["too_many_tries"]
    wish.password = PASSWORD
    assert await refusals(service.call(service.staff.BeginTotp, wish, may.claims)) == ["too_many_tries"]
    assert (await office.log_in()).session_token, "who knows the password still gets in"


async def test_sessions_are_seen_and_ended_one_by_one_or_all(service: Service) -> None:
    """By ids that are no tokens; the own one is marked, another person's is out of reach."""
    office, may = await in_office(service)
    boss = await office.boss()
    second, third = (await office.log_in()).session_token, (await office.log_in()).session_token
    seen = (await may.myself()).sessions
    assert sorted((s.agent, s.current) for s in seen) == [("", True), ("Firefox", False), ("Firefox", False)]
    theirs = (await boss.myself()).sessions[0].session_id

    async def end(session_id: str) -> int:
        wish = staff_pb.EndMySessionsRequest(session_token=may.session, session_id=session_id)
        return int((await service.call(service.staff.EndMySessions, wish, may.claims)).ended)

    assert await end(theirs) == 0
    assert await end(next(s.session_id for s in seen if not s.current)) == 1
    left = await refusals(authenticate(service, second), authenticate(service, third))
    assert sorted(left) == ["", "credential_refused"]
    assert await end("") == 1
    assert await refusals(*(authenticate(service, t) for t in (second, third, may.session, boss.session))) == [
        "credential_refused",
        "credential_refused",
        "",
        "",
    ]


async def test_the_second_factor_ends_by_both_factors_or_by_an_owner(service: Service) -> None:
    """An owner's own takes both as well, for whoever sits at their screen; a reset ends the sessions of whoever lost it."""
    office, may = await in_office(service)
    boss = await office.boss()
    boss.role = "owner"
    codes = await may.turn_on()
    begin = staff_pb.BeginTotpRequest(password=PASSWORD)
    assert await refusals(service.call(service.staff.BeginTotp, begin, may.claims)) == ["totp_on"]

    async def end(password: str, code: str) -> None:
        wish = staff_pb.EndTotpRequest(password=password, code=code)
        await service.call(service.staff.EndTotp, wish, may.claims)

    assert await refusals(end("wrong horse battery", codes[0]), end(PASSWORD, "000000")) == ["invalid_input"] * 2
    assert (await may.myself()).totp
    await end(PASSWORD, codes[0])
    assert not (await may.myself()).totp
    assert (await office.log_in()).session_token
    await may.turn_on()
    challenge = (await office.log_in()).totp_challenge
    for who, reason in ((boss.staff_id, "own_totp"), (may.staff_id, "")):
        wish = staff_pb.ResetTotpRequest(staff_id=who)
        assert await refusals(service.call(service.staff.ResetTotp, wish, boss.claims)) == [reason]
    assert await refusals(authenticate(service, may.session), office.second_step(challenge, may.code(1))) == [
        "credential_refused",
        "login_refused",
    ]
    assert (await office.log_in()).session_token


async def test_a_reset_password_does_not_pass_by_the_second_factor(service: Service) -> None:
    office, may = await in_office(service)
    await may.turn_on()
    await office.forget()
    token = await office.token((await office.reset_links())[0].invitation_id)
    entered = await office.accept(token, "another horse battery")
    assert entered.session_token == ""
    assert (await office.second_step(entered.totp_challenge, may.code(1))).session_token
