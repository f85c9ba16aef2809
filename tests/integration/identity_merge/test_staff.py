"""Staff are invited, join, change and leave, on a real PostgreSQL, through gRPC (H1)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy import event

from onefold.identity_merge.v1 import events_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import staff_pb2 as staff_pb
from services.common.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    OnefoldError,
    StateConflict,
)
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import PASSWORD, Service
from tests.integration.identity_merge.staffing import CASHIER, EMAIL, MANAGER, NAME, OWNER, Office, Person
from tests.integration.identity_merge.test_access import authenticate


async def refusals(*calls: Awaitable[object]) -> list[str]:
    """Why each of several calls at once was refused; "" for one that was not."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(not isinstance(each, BaseException) or isinstance(each, OnefoldError) for each in outcomes), outcomes
    return [getattr(each, "reason", "") for each in outcomes]


async def test_an_invitation_makes_a_member_of_staff_who_is_logged_in(service: Service) -> None:
    """A repeat of the invitation is one; the token of the mail is good once, also for two at once."""
    office = await Office.open(service)
    invited = await office.invite(key="k")
    assert await office.invite(key="k") == invited
    events = await service.rows("SELECT payload FROM outbox WHERE type = 'identity_merge.staff_invited.v1'")
    told = [events_pb2.StaffInvited.FromString(bytes(e.payload)) for e in events]
    assert [(t.invitation_id, t.email, t.name, t.role, t.invited_by, t.language) for t in told] == [
        (invited.invitation_id, EMAIL, NAME, MANAGER, "Ada", "zh-Hant")
    ]
    token = await office.token(invited.invitation_id)
    shown = await office.read(token)
    assert (shown.store.slug, shown.email, shown.name, shown.role, shown.reset) == ("shop", EMAIL, NAME, MANAGER, False)
    outcomes = await asyncio.gather(*(office.accept(token) for _ in range(2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in outcomes) == ["LogInResponse", "NotFound"]
    session = next(each for each in outcomes if isinstance(each, pb.LogInResponse))
    assert (await authenticate(service, session.session_token)).staff == session.staff
    assert (session.staff.role, session.staff.name) == (MANAGER, NAME)
    assert (await office.log_in()).session_token
    entries = (await office.entries()).entries
    assert [(e.staff.name, e.invitation_id, e.HasField("last_seen")) for e in entries] == [
        ("Ada", "", False),
        (NAME, "", True),
    ]
    with pytest.raises(AlreadyExists) as caught:
        await office.invite()
    assert caught.value.reason == "staff_exists"


async def test_a_second_invitation_takes_the_place_of_the_first(service: Service) -> None:
    """Of its mail as well, sent or not; withdrawn, run out or of another store, a link says the same as one that never was."""
    office, other = await Office.open(service), await Office.open(service, "other")
    first = await office.invite()
    link = await office.token(first.invitation_id)
    second = await office.invite("MAY@people.example", CASHIER)
    assert [e.staff.role for e in (await office.entries()).entries if e.invitation_id] == [CASHIER]
    assert await office.token(first.invitation_id) == ""
    assert await other.token(second.invitation_id) == ""
    newer = await office.token(second.invitation_id)
    newest = await office.token(second.invitation_id)  # the mail had to be tried again
    withdrawal = staff_pb.WithdrawInvitationRequest(invitation_id=second.invitation_id)
    with pytest.raises(NotFound) as caught:
        await service.call(service.staff.WithdrawInvitation, withdrawal, other.owner)
    assert caught.value.reason == "invitation_not_found"
    assert (await office.read(newest)).email == "MAY@people.example"
    await service.rows("UPDATE staff_invitations SET expires_at = now() - interval '1 second'")
    words = await refusals(*(office.accept(t) for t in (link, newer, newest, "ofi_x", f"{newest}x")))
    assert set(words) == {"invitation_refused"}
    assert await office.token(second.invitation_id) == ""
    await service.rows("UPDATE staff_invitations SET expires_at = now() + interval '1 day'")
    await service.call(service.staff.WithdrawInvitation, withdrawal, office.owner)
    assert await refusals(office.read(newest), office.accept(newest)) == ["invitation_refused"] * 2


async def test_mails_that_an_owner_can_have_sent_are_counted(service: Service) -> None:
    office = await Office.open(service)
    words = [(await refusals(office.invite()))[0] for _ in range(11)]
    assert words == [""] * 10 + ["too_many_invitations"]
    assert await refusals(office.invite("next@people.example")) == [""]


GUESSED = (
    *("the SHOP is mine", "峯 records are mine", "may@people.example"),
    *("Password12345", "qwertyuiop[]12", "abcabcabcabcabc", "陳小美陳小美陳小美陳小美"),
)


async def test_a_password_that_whoever_guesses_tries_first_is_refused(service: Service) -> None:
    """Names of store and person, and what many people use; the link stays good."""
    office = await Office.open(service)
    token = await office.token((await office.invite()).invitation_id)
    for password, reason in (("eleven char", "weak_password"), *((each, "guessable_password") for each in GUESSED)):
        with pytest.raises(InvalidInput) as caught:
            await office.accept(token, password)
        assert [(v.field, v.reason) for v in caught.value.violations] == [("password", reason)], password
    may = await office.accept(token, "奶茶少甜走冰唔該晒你呀多謝")
    person = Person(office, EMAIL, may.session_token, may.staff.staff_id)
    wish = staff_pb.ChangeMyPasswordRequest(
        session_token=person.session, current_password="奶茶少甜走冰唔該晒你呀多謝", new_password="Password12345"
    )
    with pytest.raises(InvalidInput, match="new_password: guessable_password"):
        await service.call(service.staff.ChangeMyPassword, wish, person.claims)


async def test_only_people_who_may_have_a_say_about_staff(service: Service) -> None:
    """Managers, cashiers, support and API keys have none; keys are nobody who could have a second factor."""
    office = await Office.open(service)
    store, staff = office.owner.store_id, service.staff
    calls = (
        (staff.ListStaff, staff_pb.ListStaffRequest()),
        (staff.InviteStaff, staff_pb.InviteStaffRequest(email=EMAIL, name=NAME, role=OWNER)),
        (staff.WithdrawInvitation, staff_pb.WithdrawInvitationRequest(invitation_id=str(new_id()))),
        (staff.ChangeStaff, staff_pb.ChangeStaffRequest(staff_id=office.owner.actor[6:], role=CASHIER)),
        (staff.RemoveStaff, staff_pb.RemoveStaffRequest(staff_id=str(new_id()))),
        (staff.ResetTotp, staff_pb.ResetTotpRequest(staff_id=str(new_id()))),
    )
    mine = (
        (staff.GetMyself, staff_pb.GetMyselfRequest()),
        (staff.BeginTotp, staff_pb.BeginTotpRequest(password=PASSWORD)),
        (staff.ChangeMyPassword, staff_pb.ChangeMyPasswordRequest()),
    )
    key = ServiceClaims(actor=f"api_key:{new_id()}", role="api_key", store_id=store, scopes=("orders:write",))
    for role in ("manager", "cashier", "support"):
        claims = ServiceClaims(actor=f"staff:{new_id()}", role=role, store_id=store)
        assert await refusals(*(service.call(m, r, claims, "k") for m, r in calls)) == ["permission_denied"] * 6
    assert await refusals(*(service.call(m, r, key, "k") for m, r in calls + mine)) == ["permission_denied"] * 9


async def test_of_two_owners_who_demote_or_remove_each_other_at_once_one_stays(service: Service) -> None:
    """Whatever the order: a store is never without an owner."""
    office = await Office.open(service)
    boss = await office.boss()
    boss.role = "owner"
    for removing in (False, True):
        other = await office.join(f"owner{int(removing)}@people.example", OWNER)
        other.role = "owner"
        first = (office.remove if removing else _demote(office))(other.staff_id, boss.claims)
        second = (office.remove if removing else _demote(office))(boss.staff_id, other.claims)
        assert sorted(await refusals(first, second)) == ["", "last_owner"]
        owners = await service.rows("SELECT staff_id FROM staff WHERE role = 1 AND removed_at IS NULL")
        assert len(owners) == 1
        await service.rows("UPDATE staff SET role = 4 - 3 * (staff_id = :id)::int", id=boss.staff_id)


def _demote(office: Office) -> Callable[[str, ServiceClaims], Coroutine[Any, Any, object]]:
    return lambda staff_id, claims: office.change(staff_id, CASHIER, claims)


async def test_the_last_owner_stays_one_and_another_role_goes_on_at_once(service: Service) -> None:
    office = await Office.open(service)
    boss, may = await office.boss(), await office.join()
    with pytest.raises(StateConflict) as caught:
        await office.change(boss.staff_id, MANAGER)
    assert caught.value.reason == "last_owner"
    with pytest.raises(StateConflict):
        await office.remove(boss.staff_id)
    assert (await office.change(may.staff_id, CASHIER)).staff.role == CASHIER
    assert (await authenticate(service, may.session)).staff.role == CASHIER, "the session goes on, with the new role"
    assert await refusals(office.change(str(new_id()), CASHIER)) == ["staff_not_found"]


async def test_who_is_removed_is_out_at_once_and_may_be_invited_again(service: Service) -> None:
    """The name stays for what they did; a log-in that is half done, a reset link and a second factor end with the access."""
    office, other = await Office.open(service), await Office.open(service, "other")
    may = await office.join()
    await may.turn_on()
    challenge = (await office.log_in()).totp_challenge
    await office.forget()
    link = await office.token((await office.reset_links())[0].invitation_id)
    assert await refusals(other.remove(may.staff_id)) == ["staff_not_found"]
    assert (await authenticate(service, may.session)).staff.email == EMAIL, "another store's owner removes nobody here"
    await office.remove(may.staff_id)
    await office.remove(may.staff_id)  # no error
    assert await refusals(
        authenticate(service, may.session),
        office.second_step(challenge, may.code(1)),
        office.log_in(),
        office.read(link),
        may.myself(),
    ) == ["credential_refused", "login_refused", "login_refused", "invitation_refused", "credential_refused"]
    assert [e.staff.name for e in (await office.entries()).entries] == ["Ada"]
    gone = await service.rows("SELECT name, email FROM staff WHERE removed_at IS NOT NULL")
    assert [(row.name, row.email) for row in gone] == [(NAME, EMAIL)]
    again = await office.join()
    assert again.staff_id != may.staff_id
    assert not (await again.myself()).totp


async def test_the_list_is_paged_by_name(service: Service) -> None:
    """Staff and invitations in one order, nobody twice, nobody left out."""
    office = await Office.open(service)
    for n in range(3):
        await office.join(f"staff{n}@people.example")
        await office.invite(f"waits{n}@people.example")
    seen, token = [], ""
    while True:
        page = await office.entries(2, token)
        seen += [(e.staff.name, e.staff.email, bool(e.invitation_id)) for e in page.entries]
        token = page.next_page_token
        if not token:
            break
    everybody = {f"{kind}{n}@people.example" for kind in ("staff", "waits") for n in range(3)} | {"owner@shop.example"}
    assert [name for name, _email, _waits in seen] == ["Ada", *[NAME] * 6]
    assert {email for _name, email, _waits in seen} == everybody
    assert {email for _name, email, waits in seen if waits} == {f"waits{n}@people.example" for n in range(3)}
    assert await refusals(office.entries(2, "bm90IGEgdG9rZW4=")) == ["invalid_input"]


async def test_a_forgotten_password_is_set_by_a_link_and_ends_all_sessions(service: Service) -> None:
    office = await Office.open(service)
    may = await office.join()
    for _ in range(12):
        await refusals(office.log_in(password="wrong horse battery"))
    await office.forget(EMAIL.upper())
    (told,) = await office.reset_links()
    assert (told.email, told.name, told.language) == (EMAIL, NAME, "zh-Hant")
    token = await office.token(told.invitation_id)
    assert (await office.read(token)).reset
    session = await office.accept(token, "another horse battery", name="Eve")
    assert (session.staff.name, session.staff.staff_id) == (NAME, may.staff_id)
    assert await refusals(authenticate(service, may.session), office.accept(token)) == [
        "credential_refused",
        "invitation_refused",
    ]
    assert (await authenticate(service, session.session_token)).staff.email == EMAIL
    assert await refusals(office.log_in(), office.log_in(password="another horse battery")) == ["login_refused"] * 2
    await service.rows("UPDATE login_attempts SET since = since - interval '16 minutes'")
    assert (await office.log_in(password="another horse battery")).session_token


async def test_asking_for_a_new_password_tells_nobody_anything(service: Service) -> None:
    """A8: whoever, wherever and however often, the same statements and the same answer; mails are bounded."""
    office = await Office.open(service)
    await office.join()
    seen: list[str] = []
    engine = service.app.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: seen.append(statement))
    ways = set()
    for email, slug in ((EMAIL, "shop"), ("no@people.example", "shop"), (EMAIL, "nowhere"), ("\0", "No Slug!")):
        seen.clear()
        await office.forget(email, slug=slug)
        ways.add(tuple(statement for statement in seen if not statement.startswith("NOTIFY")))
    assert len(await office.reset_links()) == 1
    assert len(ways) == 1
    for _ in range(7):
        await office.forget()
    assert len(await office.reset_links()) == 5, "at most five an hour for an address"
    await service.rows("UPDATE login_attempts SET since = since - interval '61 minutes'")
    for n in range(31):
        await office.forget(f"x{n}@people.example", source="198.51.100.7")
    await office.forget(source="198.51.100.7")
    assert len(await office.reset_links()) == 5, "nor from a network that asks for everybody"
    await office.forget(source="2001:db8::1")
    assert len(await office.reset_links()) == 6
