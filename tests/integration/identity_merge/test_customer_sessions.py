"""Sessions of customers end with their login, their time or their will, and are one store's (F6, F13, C9, C12, S)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import service_pb2
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import StateConflict, Unauthenticated, Unavailable
from services.common.ids import new_id
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.customers import EMAIL, Browser
from tests.integration.identity_merge.test_login_changes import change, end
from tests.integration.identity_merge.test_logins import deliver, enrolled


async def test_a_merge_ends_the_sessions_and_codes_of_the_merged_account_at_once(service: Service) -> None:
    """F13: before the first order moves, and even while the orders service is away; the primary's go on."""
    who = await service.new_store()
    primary, merged = enrolled(phone="", email="stays@example.com"), enrolled(phone="")
    await deliver(service, who, primary, merged)
    browser, pending = Browser(service, who), Browser(service, who)
    stays, goes = await browser.log_in("stays@example.com"), await browser.log_in()
    code = await pending.code()
    await service.commit(who, await service.plan(who, UUID(primary.customer_id), UUID(merged.customer_id)))
    assert await browser.customer(goes) == merged.customer_id
    service.script.errors["SummariseCustomers"] = Unavailable("service_unavailable")
    await service.runner().work_one()
    assert await browser.customer(goes) == ""
    assert await browser.customer(stays) == primary.customer_id
    assert len(await service.rows("SELECT 1 FROM customer_sessions")) == 1
    with pytest.raises(StateConflict, match="identifier_retired"):  # said to none but who has read the mail
        await pending.enter(code)
    assert await pending.code() == ""
    assert await pending.refusal("000000") == ("code_wrong", "4")


async def test_a_login_in_the_moment_of_a_merge_ends_with_it_or_never_begins(service: Service) -> None:
    """F13, T: many times."""
    who = await service.new_store()
    for n in range(12):
        merged = enrolled(phone="", email=f"m{n}@example.com")
        await deliver(service, who, merged)
        browser = Browser(service, who)
        code = await browser.code(f"m{n}@example.com")
        absorbed = membership.MembersAbsorbed(survivor_id=str(new_id()), merged_ids=[merged.customer_id])
        begun, _ = await asyncio.gather(browser.enter(code), deliver(service, who, absorbed), return_exceptions=True)
        if isinstance(begun, pb.VerifyCodeResponse):
            assert await browser.customer(begun.session_token) == ""
        else:
            assert isinstance(begun, StateConflict)
    assert await service.rows("SELECT 1 FROM customer_sessions") == []


async def test_erasure_ends_the_sessions(service: Service) -> None:
    """C12, T: and the address never logs in again."""
    who, person = await service.new_store(), enrolled(phone="")
    await deliver(service, who, person)
    browser = Browser(service, who)
    session = await browser.log_in()
    await end(service, who, person.customer_id, how=service_pb2.LOGINS_END_RETIRED)
    assert await browser.customer(session) == ""
    assert await service.rows("SELECT 1 FROM customer_sessions") == []
    assert await browser.code() == ""


async def test_an_address_that_is_given_up_takes_its_sessions_along(service: Service) -> None:
    """C5: a session of the other address stays. Whoever was deleted and comes anew is somebody else (C9)."""
    who, person = await service.new_store(), enrolled(phone="")
    await deliver(service, who, person)
    browser = Browser(service, who)
    old = await browser.log_in()
    await change(service, who, person.customer_id, 2, email="new@example.com")
    new = await browser.log_in("new@example.com")
    assert [await browser.customer(session) for session in (old, new)] == ["", person.customer_id]


async def test_logging_out_ends_one_session_and_time_ends_the_others(service: Service) -> None:
    who, person = await service.new_store(), enrolled(phone="")
    await deliver(service, who, person)
    browser = Browser(service, who)
    first, second = await browser.log_in(), await browser.log_in()
    for _ in range(2):
        wish = pb.LogOutCustomerRequest(session_token=first)
        await service.call(service.accounts.LogOutCustomer, wish, browser.claims)
    assert [await browser.customer(session) for session in (first, second)] == ["", person.customer_id]
    [life] = await service.rows("SELECT expires_at - now() AS left FROM customer_sessions")
    assert 29.9 < life.left.total_seconds() / 86_400 <= 30
    await service.rows("UPDATE customer_sessions SET expires_at = now()")
    assert await browser.customer(second) == ""


async def test_a_session_is_one_stores_and_nothing_else_is_one(service: Service) -> None:
    """S: another store neither believes nor ends it; staff's tokens and torn ones are refused in the same words."""
    who, person = await service.new_store("mine"), enrolled(phone="")
    other = await service.new_store()
    for store in (who, other):
        await deliver(service, store, person)
    mine, stranger = Browser(service, who), Browser(service, other)
    session = await mine.log_in()
    foreign = session.replace(UUID(who.store_id).hex, UUID(other.store_id).hex)
    assert [await stranger.customer(token) for token in (session, foreign)] == ["", ""]
    for token in (session, foreign):
        wish = pb.LogOutCustomerRequest(session_token=token)
        await service.call(service.accounts.LogOutCustomer, wish, stranger.claims)
    login = service_pb2.LogInRequest(store_slug="mine", email="owner@mine.example", password="correct horse battery")
    staff = (await service.call(service.access.LogIn, login, mine.claims)).session_token
    for token in ("", "\0", session[:-1], "ofs_" + session[4:], staff, session * 3):
        assert await mine.customer(token) == ""
    assert await mine.customer(session) == person.customer_id
    assert EMAIL not in session


async def test_a_log_in_ends_the_session_that_the_browser_had(service: Service) -> None:
    """No session can be planted, and none is left behind: the token is a new one each time, whoever's the old one was."""
    who = await service.new_store()
    mine, theirs = enrolled(phone=""), enrolled(phone="", email="other@example.com")
    await deliver(service, who, mine, theirs)
    browser, attacker = Browser(service, who), Browser(service, who)
    planted = await attacker.log_in("other@example.com")
    session = await browser.log_in(session=planted)
    assert session != planted
    assert [await browser.customer(token) for token in (planted, session)] == ["", mine.customer_id]
    again = await browser.log_in(session=session)
    assert [await browser.customer(token) for token in (session, again)] == ["", mine.customer_id]
    made_up = f"ofm_{UUID(who.store_id).hex}_{'A' * 43}"
    assert await browser.log_in(session=made_up) != made_up
    assert await browser.customer(made_up) == ""


async def test_an_account_shows_its_sessions_and_ends_one_or_all_others(service: Service) -> None:
    """F13, C6."""
    who, person = await service.new_store(), enrolled(phone="")
    await deliver(service, who, person)
    browser = Browser(service, who)
    tokens = []
    for agent in ("Firefox\r\non a laptop", "Safari", "x" * 1_000):
        tokens.append((await browser.enter(await browser.code(), agent=agent)).session_token)
    shown = (await browser.account(tokens[0])).sessions
    assert {session.agent for session in shown} == {"Firefoxon a laptop", "Safari", "x" * 300}
    assert [session.by for session in shown if session.current] == ["email"]
    assert sum(session.current for session in shown) == 1
    [safari] = [session.session_id for session in shown if session.agent == "Safari"]
    other = Browser(service, who)
    await other.prove("other@example.com")
    stranger = (await other.register()).session.session_token

    async def end_by(token: str, session_id: str = "") -> int:
        wish = pb.EndSessionsRequest(session_token=token, session_id=session_id)
        return int((await service.call(service.accounts.EndSessions, wish, browser.claims)).ended)

    assert await end_by(stranger, safari) == 0
    assert await end_by(tokens[0], safari) == 1
    assert [await browser.customer(token) != "" for token in tokens] == [True, False, True]
    assert await end_by(tokens[0]) == 1
    assert [await browser.customer(token) != "" for token in (*tokens, stranger)] == [True, False, False, True]
    with pytest.raises(Unauthenticated):
        await end_by(tokens[1])
    notices = await service.rows("SELECT 1 FROM outbox WHERE type LIKE '%account_notice%'")
    assert len(notices) == 1


async def test_a_session_is_seen_at_most_every_five_minutes(service: Service) -> None:
    who, person = await service.new_store(), enrolled(phone="")
    await deliver(service, who, person)
    browser = Browser(service, who)
    session = await browser.log_in()
    for minutes, seen in ((4, False), (6, True)):
        moved = f"UPDATE customer_sessions SET last_seen = now() - interval '{minutes} minutes'"
        await service.rows(moved)
        assert await browser.customer(session) == person.customer_id
        [row] = await service.rows("SELECT last_seen > now() - interval '1 minute' AS seen FROM customer_sessions")
        assert row.seen == seen
