"""Strangers prove a phone or an address and become members (A3, A8, F6, T)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import events_pb2, service_pb2
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import InvalidInput, NotFound, StateConflict, Unavailable
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.customers import EMAIL, PASSWORD, PHONE, Browser, issue
from tests.integration.identity_merge.test_login_changes import end
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods


async def confirmed(service: Service) -> list[tuple[str, str, str]]:
    """(customer, kind, value) of LoginConfirmed, in order."""
    rows = await service.rows("SELECT payload FROM outbox WHERE type LIKE '%login_confirmed%' ORDER BY seq")
    told = [events_pb2.LoginConfirmed.FromString(row.payload) for row in rows]
    return [(event.customer_id, event.kind, event.value) for event in told]


async def follow(browser: Browser, token: str) -> pb.FollowLinkResponse:
    wish = pb.FollowLinkRequest(token=token, browser=browser.secret)
    answer: pb.FollowLinkResponse = await browser.service.call(
        browser.service.accounts.FollowLink, wish, browser.claims
    )
    return answer


async def test_a_phone_makes_a_member_who_logs_in_by_it_from_then_on(service: Service) -> None:
    """A3, A7: the proof is told with the identifier, for its guest orders."""
    who = await service.new_store()
    browser = Browser(service, who)
    await browser.prove(phone="9451 2053")
    assert await browser.proofs() == [("phone", PHONE)]
    made = await browser.register(name="陳大文", birthday="1990-02-03", consents=["email_marketing"])
    customer = made.session.login_method.customer_id
    assert (made.created, made.session.login_method.value) == (True, PHONE)
    assert await browser.customer(made.session.session_token) == customer
    assert await confirmed(service) == [(customer, "phone", PHONE)]
    [asked] = service.script.asked("RegisterMember")
    assert (asked.customer_id, asked.name, asked.birthday, asked.source) == (customer, "陳大文", "1990-02-03", "phone")
    assert await browser.proofs() == []
    again = Browser(service, who)
    assert await again.customer(await again.log_in(phone="+852 9451 2053")) == customer


async def test_all_that_a_browser_has_proved_becomes_one_account(service: Service) -> None:
    who = await service.new_store()
    browser = Browser(service, who)
    await browser.prove(phone=PHONE)
    await browser.prove(EMAIL)
    assert await browser.proofs() == [("email", EMAIL), ("phone", PHONE)]
    made = await browser.register(password=PASSWORD)
    customer = made.session.login_method.customer_id
    assert {each[1:] for each in await confirmed(service)} == {("phone", PHONE), ("email", EMAIL)}
    for typed in ({"email": EMAIL}, {"email": "", "phone": "9451 2053"}):
        begun = await browser.type_password(**typed)
        assert begun.login_method.customer_id == customer


async def test_the_link_of_the_mail_is_a_proof_for_the_first_browser_that_opens_it(service: Service) -> None:
    who, other = await service.new_store("shop"), await service.new_store()
    asking, opening, third = (Browser(service, who) for _ in range(3))
    given = await issue(service, who, (await asking.ask()).code_id)
    assert (given.purpose, given.store_slug) == (pb.CODE_PURPOSE_REGISTER, "shop")
    for _ in range(2):  # people click twice
        assert (await follow(opening, given.link_token)).proof == pb.Proof(kind="email", value=EMAIL)
    foreign = given.link_token.replace(UUID(who.store_id).hex, UUID(other.store_id).hex)
    stranger = Browser(service, other)
    for browser, token in (
        (third, given.link_token),
        (stranger, given.link_token),
        (stranger, foreign),
        (third, "ofr_"),
    ):
        with pytest.raises(NotFound, match="confirmation_refused"):
            await follow(browser, token)
    assert (await opening.proofs(), await asking.proofs()) == ([("email", EMAIL)], [])
    assert (await opening.register()).created
    late = await issue(service, who, (await third.ask("late@example.com")).code_id)
    await service.rows("UPDATE codes SET expires_at = now()")
    with pytest.raises(NotFound, match="confirmation_refused"):
        await follow(third, late.link_token)
    assert given.link_token not in str(await service.rows("SELECT codes::text FROM codes"))


async def test_a_proof_is_one_browsers_and_ends_after_half_an_hour(service: Service) -> None:
    """Crossed between browsers it is nothing; what somebody left at a shared computer is gone soon."""
    who = await service.new_store()
    browser, thief = Browser(service, who), Browser(service, who)
    await browser.prove()
    assert await thief.proofs() == []
    with pytest.raises(StateConflict, match="nothing_proved"):
        await thief.register()
    with pytest.raises(StateConflict, match="nothing_proved"):
        await Browser(service, await service.new_store(), secret=browser.secret).register()
    [life] = await service.rows("SELECT expires_at - now() AS left FROM proofs")
    assert 29 * 60 < life.left.total_seconds() <= 30 * 60
    await service.rows("UPDATE proofs SET expires_at = now()")
    with pytest.raises(StateConflict, match="nothing_proved"):
        await browser.register()
    assert service.script.asked("RegisterMember") == []


async def test_twelve_registrations_at_the_same_moment_make_one_account(service: Service) -> None:
    who = await service.new_store()
    browser = Browser(service, who)
    await browser.prove(phone=PHONE)
    await browser.prove()
    made = await asyncio.gather(*(browser.register(password=PASSWORD) for _ in range(12)))
    assert len({each.session.login_method.customer_id for each in made}) == 1
    assert len(await service.rows("SELECT 1 FROM login_methods WHERE state = 2")) == 2
    assert len(await confirmed(service)) == 2
    assert len({asked.customer_id for asked in service.script.asked("RegisterMember")}) == 1


async def test_a_registration_that_lost_its_answer_is_repeated_into_the_same_account(service: Service) -> None:
    """Membership has made the member and nobody heard of it; the event comes before, between or after."""
    who = await service.new_store()
    browser = Browser(service, who)
    await browser.prove()
    service.script.errors["RegisterMember"] = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        await browser.register()
    del service.script.errors["RegisterMember"]
    [customer] = {asked.customer_id for asked in service.script.asked("RegisterMember")}
    await deliver(service, who, enrolled(UUID(customer), phone=""))
    assert [m.HasField("confirmed_at") for m in await methods(service, who, customer)] == [False]
    made = await browser.register()
    assert (made.session.login_method.customer_id, made.created) == (customer, True)
    await deliver(service, who, enrolled(UUID(customer), phone=""))
    assert [m.HasField("confirmed_at") for m in await methods(service, who, customer)] == [True]
    again = await browser.register()
    assert again.session.login_method.customer_id == customer
    assert again.session.session_token != made.session.session_token


async def test_an_account_that_was_there_is_logged_in_and_not_made_twice(service: Service) -> None:
    """A8: it has proved itself. What it had not is added, and its owner hears of that; a password is not set on the way."""
    who = await service.new_store()
    browser, customer = Browser(service, who), str(new_id())
    await browser.prove(phone=PHONE)
    await browser.prove()
    service.script.owners["phone", PHONE] = customer
    made = await browser.register(password=PASSWORD)
    assert (made.created, made.session.login_method.customer_id) == (False, customer)
    assert {m.value for m in await methods(service, who, customer)} == {PHONE, EMAIL}
    assert await service.rows("SELECT 1 FROM customer_passwords") == []


async def test_what_was_merged_away_never_registers(service: Service) -> None:
    """F6, T: membership knows it, or this service does; nothing is left behind."""
    who = await service.new_store()
    browser, late = Browser(service, who), Browser(service, who)
    await browser.prove()
    service.script.owners["email", EMAIL] = ""
    with pytest.raises(StateConflict, match="identifier_retired"):
        await browser.register()
    merged = enrolled(phone=PHONE, email="")
    await late.prove(phone=PHONE)
    await deliver(service, who, merged)
    await deliver(service, who, membership.MembersAbsorbed(survivor_id=str(new_id()), merged_ids=[merged.customer_id]))
    with pytest.raises(StateConflict, match="identifier_retired"):
        await late.register()
    assert await service.rows("SELECT 1 FROM customer_sessions") == []
    assert await service.rows("SELECT 1 FROM login_methods WHERE state = 2") == []


async def test_a_registration_beside_a_merge_of_its_account_is_in_or_out_and_never_both(service: Service) -> None:
    """T, F13: many times, the merge at every moment of it."""
    who = await service.new_store()
    for n in range(10):
        account, phone = new_id(), f"+8529451200{n}"
        browser = Browser(service, who, source=f"203.0.113.{n}")
        await browser.prove(phone=phone)
        service.script.owners["phone", phone] = str(account)
        await service.commit(who, await service.plan(who, new_id(), account))
        made, _ = await asyncio.gather(browser.register(), service.runner().work_one(), return_exceptions=True)
        if isinstance(made, pb.RegisterResponse):
            assert await browser.customer(made.session.session_token) == ""
        else:
            assert isinstance(made, StateConflict)
    assert await service.rows("SELECT 1 FROM customer_sessions") == []
    assert await service.rows("SELECT 1 FROM login_methods WHERE state <> 3") == []


async def test_a_registration_of_a_deleted_account_is_refused(service: Service) -> None:
    """C9: the deletion came between membership's answer and ours."""
    who, account = await service.new_store(), str(new_id())
    browser = Browser(service, who)
    await browser.prove()
    service.script.owners["email", EMAIL] = account
    await end(service, who, account, how=service_pb2.LOGINS_END_FREED)
    with pytest.raises(StateConflict, match="identifier_retired"):
        await browser.register()
    assert await methods(service, who, account) == []


async def test_what_is_still_anothers_by_the_news_so_far_is_tried_again_later(service: Service) -> None:
    """The event that frees it is on its way."""
    who, former = await service.new_store(), enrolled(phone="")
    browser = Browser(service, who)
    await browser.prove()
    await deliver(service, who, former)
    with pytest.raises(Unavailable):
        await browser.register()
    await end(service, who, former.customer_id, how=service_pb2.LOGINS_END_FREED)
    assert (await browser.register()).session.session_token


async def test_a_second_person_at_the_same_browser_does_not_become_the_first(service: Service) -> None:
    """What became an account leaves when something else is proved."""
    who = await service.new_store()
    browser = Browser(service, who)
    await browser.prove(phone=PHONE)
    first = await browser.register()
    await browser.prove()
    assert await browser.proofs() == [("email", EMAIL)]
    second = await browser.register()
    assert second.session.login_method.customer_id != first.session.login_method.customer_id


@pytest.mark.parametrize(
    ("values", "fault"),
    [({"password": "short"}, ("password", "weak_password")), ({"browser": "x"}, ("browser", "unknown_value"))],
)
async def test_what_cannot_be_registered_is_refused_by_field(
    service: Service, values: dict[str, str], fault: tuple[str, str]
) -> None:
    browser = Browser(service, await service.new_store())
    await browser.prove()
    with pytest.raises(InvalidInput) as caught:
        await browser.register(**values)
    assert [(v.field, v.reason) for v in caught.value.violations] == [fault]


async def test_text_messages_are_few_for_numbers_that_follow_one_another(service: Service) -> None:
    """A walk through a block of rented numbers ends soon, from however many networks it comes."""
    who: ServiceClaims = await service.new_store()
    walkers = [Browser(service, who, source=f"2001:db8:{n}::1") for n in range(34)]
    asked = [walker.ask(phone=f"+8529451{n:04}") for n, walker in enumerate(walkers)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, StateConflict) for outcome in outcomes) == 4
    await walkers[0].ask(phone="+85295550000")
    await walkers[0].ask()
