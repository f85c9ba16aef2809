"""Customers log in by a code that is sent to them (A4, A8, T)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import event

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import PermissionDenied, StateConflict
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.customers import EMAIL, Browser, issue, wanted, wrong
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods


async def member(service: Service, email: str = EMAIL) -> tuple[ServiceClaims, str]:
    """A store and its one member, who has proved nothing yet."""
    who, somebody = await service.new_store(), enrolled(phone="", email=email)
    await deliver(service, who, somebody)
    return who, somebody.customer_id


async def test_the_code_of_the_mail_logs_in_and_proves_the_address(service: Service) -> None:
    """A4, A7: the code came to that address, so whoever types it holds the address; each proof is told."""
    who, customer = await member(service)
    browser = Browser(service, who)
    asked = await browser.ask("TAI.MAN@example.com", language="zh-Hant")
    assert (asked.customer_id, asked.kind, asked.language) == (customer, "email", "zh-Hant")
    given = await issue(service, who, asked.code_id)
    assert len(given.code) == 6
    begun = await browser.enter(f" {given.code[:3]} {given.code[3:]} ")
    assert (begun.login_method.customer_id, begun.login_method.value) == (customer, EMAIL)
    assert await browser.customer(begun.session_token) == customer
    assert [m.HasField("confirmed_at") for m in await methods(service, who, customer)] == [True]
    await browser.log_in()
    assert len(await service.rows("SELECT 1 FROM outbox WHERE type = 'identity_merge.login_confirmed.v1'")) == 2


async def test_neither_codes_nor_sessions_are_kept_in_clear(service: Service) -> None:
    who, _ = await member(service)
    browser = Browser(service, who)
    code = await browser.code()
    session = await Browser(service, who).log_in()
    kept = await service.rows(
        "SELECT codes::text AS line FROM codes UNION ALL SELECT customer_sessions::text FROM customer_sessions"
        " UNION ALL SELECT encode(payload, 'escape') FROM outbox UNION ALL SELECT encode(response, 'escape') FROM idempotency_keys"
        " UNION ALL SELECT login_attempts::text FROM login_attempts"
    )
    text = "\n".join(row.line for row in kept)
    for secret in (session.rpartition("_")[2], browser.secret, browser.source):
        assert secret not in text
    # Six digits may stand anywhere by chance, but not where the code is kept.
    assert code not in (await service.rows("SELECT code_digest::text AS line FROM codes"))[0].line


async def test_a_code_is_good_once_however_many_send_it_at_the_same_moment(service: Service) -> None:
    who, _ = await member(service)
    browser = Browser(service, who)
    code = await browser.code()
    outcomes = await asyncio.gather(*(browser.enter(code) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(outcome, pb.VerifyCodeResponse) for outcome in outcomes) == 1
    assert len(await service.rows("SELECT 1 FROM customer_sessions")) == 1
    assert await browser.refusal(code) == ("code_gone", "")


async def test_five_tries_are_five_however_many_come_at_the_same_moment(service: Service) -> None:
    who, _ = await member(service)
    browser = Browser(service, who)
    code = await browser.code()
    refusals = await asyncio.gather(*(browser.refusal(wrong(code)) for _ in range(12)))
    assert sorted(refusals) == [("code_gone", "")] * 8 + [("code_wrong", str(left)) for left in (1, 2, 3, 4)]
    assert await browser.refusal(code) == ("code_gone", "")
    assert await service.rows("SELECT 1 FROM customer_sessions") == []


async def test_what_is_no_code_costs_no_try(service: Service) -> None:
    who, _ = await member(service)
    browser = Browser(service, who)
    code = await browser.code()
    for text in ("", "12345", "1234567", "abcdef", "１２３４５", "\0" * 6, "9" * 100_000):
        assert (await browser.refusal(text))[0] in ("not_a_code", "required")
    full_width = "".join(chr(0xFEE0 + ord(digit)) for digit in code)
    assert (await browser.enter(full_width)).session_token


async def test_a_third_person_uses_up_nobody_elses_tries(service: Service) -> None:
    """Each browser has a code of its own for the same address."""
    who, customer = await member(service)
    mine, theirs = Browser(service, who), Browser(service, who)
    code = await mine.code()
    other = await theirs.code()
    for _ in range(5):
        await theirs.refusal(wrong(other))
    assert await theirs.refusal(code) == ("code_gone", "")
    assert await mine.customer((await mine.enter(code)).session_token) == customer


async def test_only_the_newest_code_of_a_browser_is_good(service: Service) -> None:
    """And the mail of an earlier one, if it is still to be sent, is not needed any more."""
    who, _ = await member(service)
    browser = Browser(service, who)
    asked = await browser.ask()
    first = (await issue(service, who, asked.code_id)).code
    again = (await issue(service, who, asked.code_id)).code
    newest = await browser.code()
    assert not (await issue(service, who, asked.code_id)).needed
    for old in {first, again} - {newest}:
        assert (await browser.refusal(old))[0] == "code_wrong"
    assert (await browser.enter(newest)).session_token


async def test_a_code_ends_after_ten_minutes_by_the_databases_clock(service: Service) -> None:
    """Fault 28. A mail that is late is not sent either."""
    who, _ = await member(service)
    browser, late = Browser(service, who), Browser(service, who)
    code, asked = await browser.code(), await late.ask()
    [life] = await service.rows("SELECT max(expires_at) - now() AS left FROM codes")
    assert 590 < life.left.total_seconds() <= 600
    await service.rows("UPDATE codes SET expires_at = expires_at - interval '10 minutes'")
    assert await browser.refusal(code) == ("code_gone", "")
    assert not (await issue(service, who, asked.code_id)).needed


async def test_one_sending_of_the_form_is_one_mail(service: Service) -> None:
    """E7."""
    who, _ = await member(service)
    browser = Browser(service, who)
    asked = await asyncio.gather(*(browser.ask(key="form") for _ in range(4)))
    assert len(await wanted(service)) == 1
    assert len({each.code_id for each in asked}) == 1


async def test_strangers_members_and_merged_addresses_take_the_same_way(service: Service) -> None:
    """A8, F6: same answers, same statements; the message alone tells, and has no code for what can never be used."""
    who, customer = await member(service)
    gone = enrolled(phone="", email="gone@example.com")
    await deliver(service, who, gone)
    await deliver(service, who, membership.MembersAbsorbed(survivor_id=customer, merged_ids=[gone.customer_id]))
    seen: list[str] = []
    engine = service.app.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    ways, refusals = [], []
    purposes = {
        EMAIL: pb.CODE_PURPOSE_LOG_IN,
        "stranger@example.com": pb.CODE_PURPOSE_REGISTER,
        "gone@example.com": pb.CODE_PURPOSE_REFUSED,
    }
    for email, purpose in purposes.items():
        browser = Browser(service, who, source=f"203.0.113.{len(ways)}")
        seen.clear()
        asked = await browser.ask(email)
        ways.append(_statements(seen))
        given = await issue(service, who, asked.code_id)
        assert given.needed
        assert given.purpose == purpose
        assert len(given.code) == (0 if purpose == pb.CODE_PURPOSE_REFUSED else 6)
        assert bool(asked.customer_id) == (email == EMAIL)
        assert bool(given.link_token) == (purpose == pb.CODE_PURPOSE_REGISTER)
        seen.clear()
        refusals.append([await browser.refusal(wrong(given.code or "0")) for _ in range(6)])
        ways[-1] += _statements(seen)
    assert len(set(ways)) == 1
    assert refusals[0] == refusals[1] == refusals[2]


def _statements(seen: list[str]) -> tuple[str, ...]:
    """What was asked of the database, but for the relay's wake-up, which comes when it comes."""
    return tuple(statement for statement in seen if not statement.startswith("NOTIFY"))


async def test_codes_are_few_for_an_address_a_network_and_a_store(service: Service) -> None:
    """However many ask at the same moment, in whatever writing; another store's are its own."""
    who, _ = await member(service)
    writings = [EMAIL.upper() if n % 2 else EMAIL for n in range(12)]
    asked = [Browser(service, who, source=f"2001:db8:1:{n}::1").ask(email) for n, email in enumerate(writings)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, StateConflict) for outcome in outcomes) == 7
    assert len(await wanted(service)) == 5
    other, _ = await member(service)
    await Browser(service, other).ask()
    neighbours = [Browser(service, who, source=f"2001:db8::{n}").ask(f"p{n}@example.com") for n in range(61)]
    outcomes = await asyncio.gather(*neighbours, return_exceptions=True)
    assert [o.reason for o in outcomes if isinstance(o, StateConflict)] == ["too_many_codes"]
    await service.rows("UPDATE login_attempts SET since = since - interval '61 minutes'")
    await Browser(service, who, source="2001:db8::1").ask()
    await service.rows("UPDATE login_attempts SET attempts = 3000")
    with pytest.raises(StateConflict, match="too_many_codes"):
        await Browser(service, who, source="198.51.100.1").ask("somebody.else@example.com")


async def test_only_services_are_given_codes_and_only_those_of_their_store(service: Service) -> None:
    """S."""
    who, _ = await member(service)
    other = await service.new_store()
    asked = await Browser(service, who).ask()
    with pytest.raises(PermissionDenied):
        await service.call(service.accounts.IssueCode, pb.IssueCodeRequest(code_id=asked.code_id), who)
    assert not (await issue(service, other, asked.code_id)).needed
    assert not (await issue(service, who, str(new_id()))).needed


async def test_a_code_is_one_stores(service: Service) -> None:
    """S: the same person may be a member of both."""
    who, _ = await member(service)
    other, _ = await member(service)
    mine = Browser(service, who)
    code = await mine.code()
    assert await Browser(service, other, secret=mine.secret).refusal(code) == ("code_gone", "")
