"""One more way to log in to an account: a phone, an address, a provider (A7, A8, C6, F6)."""

from __future__ import annotations

import hashlib
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import events_pb2, service_pb2
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import InvalidInput, StateConflict, Unauthenticated, Unavailable
from services.common.ids import new_id
from services.identity_merge.commands.accounts.codes import send_code
from services.identity_merge.commands.accounts.owning import account_of, add_logins
from services.identity_merge.commands.accounts.proofs import put_proof
from services.identity_merge.commands.accounts.sessions import begin_session
from services.identity_merge.domain.codes import CodeRequest
from services.identity_merge.domain.logins import Visit
from services.identity_merge.domain.proofs import Proved
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.customers import EMAIL, PHONE, Browser, issue, wanted
from tests.integration.identity_merge.test_login_changes import change, end, values
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods
from tests.integration.identity_merge.test_registering import confirmed

GOOGLE = Proved("google", hashlib.sha256(b"subject").digest(), "1234567890", "Tai Man", "Chan Tai Man")


async def member(service: Service) -> tuple[Browser, str, str]:
    """Somebody who has registered by e-mail; browser, session and account."""
    browser = Browser(service, await service.new_store())
    await browser.prove()
    made = await browser.register()
    return browser, made.session.session_token, made.session.login_method.customer_id


async def notices(service: Service) -> list[events_pb2.AccountNoticeRequested]:
    rows = await service.rows("SELECT payload FROM outbox WHERE type LIKE '%account_notice%' ORDER BY seq")
    return [events_pb2.AccountNoticeRequested.FromString(row.payload) for row in rows]


async def test_a_phone_is_added_once_it_is_proved_and_the_old_address_hears_of_it(service: Service) -> None:
    browser, session, customer = await member(service)
    asked = await browser.ask(phone="9451 2053", session=session)
    given = await issue(service, browser.who, asked.code_id)
    assert (given.purpose, given.link_token) == (pb.CODE_PURPOSE_ADD, "")
    done = await browser.enter(given.code, session)
    assert (done.outcome, done.session_token) == (pb.LOG_IN_OUTCOME_ADDED, "")
    assert (done.login_method.value, done.login_method.customer_id) == (PHONE, customer)
    assert await browser.customer(session) == customer
    assert (await confirmed(service))[-1] == (customer, "phone", PHONE)
    [told] = await notices(service)
    assert (told.what, told.kind, told.value, told.detail) == ("login_added", "email", EMAIL, PHONE)
    again = Browser(service, browser.who)
    assert await again.customer(await again.log_in(phone=PHONE)) == customer


async def test_what_is_anothers_is_not_added_and_only_its_holder_hears_so(service: Service) -> None:
    """A8: the code goes out as ever."""
    browser, session, customer = await member(service)
    other = enrolled(phone=PHONE, email="")
    await deliver(service, browser.who, other)
    service.script.owners["phone", PHONE] = other.customer_id
    done = await browser.enter(await browser.code(phone=PHONE, session=session), session)
    assert done.outcome == pb.LOG_IN_OUTCOME_HELD
    assert await values(service, browser.who, customer) == {(EMAIL, True)}
    assert await values(service, browser.who, other.customer_id) == {(PHONE, False)}
    service.script.owners["email", "gone@example.com"] = ""
    code = await browser.code("gone@example.com", session=session)
    with pytest.raises(StateConflict, match="identifier_retired"):
        await browser.enter(code, session)


async def test_only_the_session_that_asked_adds_and_only_while_it_lasts(service: Service) -> None:
    browser, session, _ = await member(service)
    stranger = Browser(service, browser.who)
    await stranger.prove("other@example.com")
    theirs = (await stranger.register()).session.session_token
    for credential in ("ofm_", session[:-1]):
        with pytest.raises(Unauthenticated):
            await browser.ask(phone=PHONE, session=credential)
    code = await browser.code(phone=PHONE, session=session)
    with pytest.raises(InvalidInput, match="code_gone"):
        await browser.enter(code, theirs)
    await service.call(service.accounts.LogOutCustomer, pb.LogOutCustomerRequest(session_token=session), browser.claims)
    for credential in ("", session):
        with pytest.raises(Unauthenticated):
            await browser.enter(code, credential)
    assert service.script.asked("AddIdentifier") == []


async def test_a_code_that_came_while_membership_was_away_can_be_typed_again(service: Service) -> None:
    browser, session, customer = await member(service)
    code = await browser.code(phone=PHONE, session=session)
    service.script.errors["AddIdentifier"] = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        await browser.enter(code, session)
    del service.script.errors["AddIdentifier"]
    assert (await browser.enter(code, session)).outcome == pb.LOG_IN_OUTCOME_ADDED
    assert await browser.refusal(code) == ("code_gone", "")
    assert (PHONE, True) in await values(service, browser.who, customer)


async def test_older_news_does_not_end_what_was_added_since(service: Service) -> None:
    """Membership's event of an earlier version is on its way while the proof is taken."""
    browser, session, customer = await member(service)
    service.script.version = 6
    await browser.enter(await browser.code(phone=PHONE, session=session), session)
    await change(service, browser.who, customer, 5, email=EMAIL)
    await change(service, browser.who, customer, 6, email=EMAIL, phone=PHONE)
    assert await values(service, browser.who, customer) == {(EMAIL, True), (PHONE, True)}
    await change(service, browser.who, customer, 7, email=EMAIL)
    assert await values(service, browser.who, customer) == {(EMAIL, True)}


async def test_nothing_is_added_to_an_account_that_is_merged_meanwhile(service: Service) -> None:
    """T: membership gave it to the survivor; nothing is retired with the old account."""
    browser, session, customer = await member(service)
    code = await browser.code(phone=PHONE, session=session)
    service.script.survivors[customer] = str(new_id())
    with pytest.raises(Unavailable):
        await browser.enter(code, session)
    await deliver(service, browser.who, membership.MembersAbsorbed(merged_ids=[customer]))
    with pytest.raises(Unauthenticated):
        await browser.enter(code, session)
    assert await service.rows("SELECT 1 FROM login_methods WHERE kind = 'phone'") == []


async def test_what_a_provider_vouches_for_registers_and_outlives_what_membership_says(service: Service) -> None:
    """A3: its subject is shown to nobody, and membership never hears of it."""
    browser = Browser(service, await service.new_store())
    database = service.app.database
    async with database.transaction(browser.who.store) as tx:
        await put_proof(tx, browser.who.store, browser.secret, GOOGLE)
    assert await browser.proofs() == [("google", "Tai Man")]
    made = await browser.register()
    customer = made.session.login_method.customer_id
    assert made.session.login_method.value == "Tai Man"
    assert [len(asked.identifiers) for asked in service.script.asked("RegisterMember")] == [0]
    assert await confirmed(service) == [(customer, "google", "")]
    await change(service, browser.who, customer, 2, phone=PHONE)
    assert [m.kind for m in await methods(service, browser.who, customer)] == ["google", "phone"]
    async with database.transaction(browser.who.store) as tx:
        known = await account_of(tx, browser.who.store, GOOGLE.kind, GOOGLE.digest)
        assert known
        assert str(known.customer_id) == customer
        begun = await begin_session(tx, browser.who.store, known, Visit(earlier=made.session.session_token))
    assert [await browser.customer(token) for token in (begun.token, made.session.session_token)] == [customer, ""]
    await end(service, browser.who, customer, how=service_pb2.LOGINS_END_RETIRED)
    assert await browser.customer(begun.token) == ""
    assert {(row.value, row.label) for row in await service.rows("SELECT value, label FROM login_methods")} == {
        (None, "")
    }


async def test_two_browsers_with_one_provider_s_subject_make_one_account(service: Service) -> None:
    """Nobody but this service knows whose a subject is: it is reserved before membership is asked, and no more kept of it."""
    who = await service.new_store()
    first, second = Browser(service, who), Browser(service, who)
    for browser in (first, second):
        async with service.app.database.transaction(who.store) as tx:
            await put_proof(tx, who.store, browser.secret, GOOGLE)
    service.script.errors["RegisterMember"] = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        await first.register()
    assert [row.value for row in await service.rows("SELECT value FROM login_methods")] == [""]
    del service.script.errors["RegisterMember"]
    made = [await browser.register() for browser in (second, first)]
    assert len({each.session.login_method.customer_id for each in made}) == 1
    assert len({asked.customer_id for asked in service.script.asked("RegisterMember")}) == 1


async def test_a_provider_that_names_a_members_address_is_connected_by_the_code_of_that_alone(service: Service) -> None:
    """A8: no take-over; another code that is asked for later does not bring it along."""
    browser, _, customer = await member(service)
    who, visitor = browser.who, Browser(service, browser.who)

    async def begin() -> str:
        async with service.app.database.transaction(who.store) as tx:
            asked = CodeRequest.read(EMAIL, "", visitor.secret, "", visitor.source, "HK")
            pending = await send_code(service.app, tx, who.store, asked)
            await put_proof(tx, who.store, visitor.secret, GOOGLE, pending.code_id)
        assert await visitor.proofs() == []
        return (await issue(service, who, (await wanted(service))[-1].code_id)).code

    await begin()
    await visitor.log_in()
    assert await values(service, who, customer) == {(EMAIL, True)}
    done = await visitor.enter(await begin())
    assert done.outcome == pb.LOG_IN_OUTCOME_LOGGED_IN
    assert await values(service, who, customer) == {(EMAIL, True), ("Tai Man", True)}
    assert [(told.what, told.detail) for told in await notices(service)] == [("login_added", "Tai Man")]


async def test_another_accounts_provider_is_left_where_it_is(service: Service) -> None:
    browser, _, customer = await member(service)
    async with service.app.database.transaction(browser.who.store) as tx:
        assert len(await add_logins(tx, browser.who.store, UUID(customer), [GOOGLE], tell=False)) == 1
    async with service.app.database.transaction(browser.who.store) as tx:
        assert await add_logins(tx, browser.who.store, new_id(), [GOOGLE], tell=False) == []
    assert len(await values(service, browser.who, customer)) == 2
