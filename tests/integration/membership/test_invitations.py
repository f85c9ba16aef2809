"""Guests who have ordered are invited to become members, on a real PostgreSQL (A5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from onefold.membership.v1 import events_pb2
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.idempotency import Once, Replayed
from services.common.ids import new_id
from services.membership import commands
from services.membership.domain import (
    InvitationOutcome,
    InvitationRun,
    InvitationRunState,
    Invitee,
    ProfileChange,
    RemovalKind,
)
from services.membership.domain.invitations import MOST_AT_ONCE
from services.membership.queries import invitations as queries
from tests.integration.membership.conftest import HASHER
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import Shop, order, some_email, some_phone, told
from tests.integration.membership.test_guests import guest, join, proved, registered
from tests.integration.membership.test_uses import EMAIL, set_uses
from tests.support.calls import once

WEEK = "UPDATE invitations SET invited_at = invited_at - interval '7 days' RETURNING 1"


async def invite(shop: Shop, *ids: UUID, greeting: str = "", key: str = "") -> Sequence[InvitationOutcome]:
    key_ = cast(Once[Sequence[InvitationOutcome]], once(shop.who, key))
    return await commands.invite_guests(shop.context, shop.who, key_, ids, greeting)


async def invite_all(shop: Shop, query: str = "", greeting: str = "") -> InvitationRun:
    key = cast(Once[InvitationRun], once(shop.who))
    return await commands.invite_all(shop.context, shop.who, key, query, greeting)


async def invitees(shop: Shop, query: str = "") -> Sequence[Invitee]:
    return (await queries.list_invitees(shop.context.database, HASHER, shop.who, 25, "", query)).items


async def mails(shop: Shop) -> list[events_pb2.GuestInvited]:
    return [events_pb2.GuestInvited.FromString(event.payload) for event in await shop.events("guest_invited")]


async def test_twenty_presses_at_once_are_one_mail_and_a_week_later_there_is_another(shop: Shop) -> None:
    """A5, E7: an address is invited once in seven days by the database's clock, whichever guest of it is picked, and by whomever."""
    email = some_email()
    guests = [await guest(shop, some_phone(), email), await guest(shop, email=email.upper())]
    pressed = await asyncio.gather(*(invite(shop, *guests, greeting="Come  in") for _ in range(20)))
    refusals = sorted(outcome.refusal for outcomes in pressed for outcome in outcomes)
    assert refusals == ["", *["invited_lately"] * 19, *["same_address"] * 20]
    [mail] = await mails(shop)
    [event] = await shop.events("guest_invited")
    assert (mail.email, mail.greeting, mail.name) == (email, "Come  in", "陳大文")
    [row] = await shop.rows("SELECT * FROM invitations")
    assert (row.invitation_id, str(row.invitation_id), row.times) == (event.event_id, mail.invitation_id, 1)
    [again] = await invite(shop, guests[1])
    assert (again.refusal, again.again_at) == ("invited_lately", row.invited_at + timedelta(days=7))
    [first, second] = await invitees(shop)
    assert {first.refusal, second.refusal} == {"invited_lately"}
    await shop.rows(WEEK)
    assert [each.refusal for each in await invitees(shop)] == ["", ""]
    key = str(new_id())
    [again] = await invite(shop, guests[1], key=key)
    assert again.invitation
    assert (again.invitation.times, again.invitation.customer_id, len(await mails(shop))) == (2, guests[1], 2)
    with pytest.raises(Replayed):
        await invite(shop, guests[1], key=key)


async def test_whoever_cannot_be_invited_is_told_why_and_holds_up_nobody(shop: Shop) -> None:
    """A5, T, C9, C12: members, people who are gone, addresses that are somebody's, and who wants no offers."""
    member_email, merged_email = some_email(), some_email()
    member = await shop.member(email=member_email)
    await shop.absorb(member, await shop.member(email=merged_email))
    silent, deleted, erased, welcome = [await guest(shop, email=some_email()) for _ in range(4)]
    erased_email = (await shop.customer(erased)).email
    await set_uses(shop, silent, (EMAIL, False))
    async with scripted_others(Script()) as others:
        for gone, kind in ((deleted, RemovalKind.DELETE), (erased, RemovalKind.ERASE)):
            wish = commands.Wish(gone, kind, "陳大文")
            await commands.remove_customer(shop.context, others, shop.who, once(shop.who), wish)  # type: ignore[arg-type]
    expected = {
        member: "not_a_guest",
        await guest(shop, email=member_email): "address_of_a_member",
        await guest(shop, email=merged_email): "identifier_retired",
        await guest(shop, phone=some_phone()): "email_missing",
        silent: "marketing_refused",
        deleted: "not_a_guest",
        erased: "not_a_guest",
        new_id(): "customer_not_found",
        welcome: "",
        await guest(shop.another(), email=some_email()): "customer_not_found",
        await guest(shop, email=erased_email): "",  # a guest's address was never a login: this is somebody new
    }
    outcomes = await invite(shop, *expected)
    assert {outcome.customer_id: outcome.refusal for outcome in outcomes} == expected
    assert len(await mails(shop)) == 2
    listed = {each.customer.customer_id: each.refusal for each in await invitees(shop)}
    assert listed == {i: reason or "invited_lately" for i, reason in expected.items() if i in listed}
    assert len(listed) == 5, "guests with an address and an order"
    for ids, reason in (([], "no_guests_chosen"), ([new_id() for _ in range(MOST_AT_ONCE + 1)], "too_large")):
        with pytest.raises(InvalidInput, match=reason):
            await invite(shop, *ids)
    with pytest.raises(InvalidInput, match="too_long"):
        await invite(shop, welcome, greeting="x" * 301)


async def test_an_invitation_is_accepted_once_its_address_is_proved(shop: Shop) -> None:
    """A5, A7: the orders come along; an erasure of the member takes the address from the invitation, too (C12)."""
    email = some_email()
    invited = await guest(shop, email=email)
    await invite(shop, invited, await guest(shop, email=some_email()))
    member = await registered(shop, email.upper())
    found = await queries.list_invitations(shop.context.database, shop.who, 1, "")
    assert (found.invited, found.accepted, bool(found.page.next_token)) == (2, 0, True)
    await proved(shop, member, "email", email)
    await join(shop)
    found = await queries.list_invitations(shop.context.database, shop.who, 25, "")
    accepted = {each.email: each.accepted_by for each in found.page.items if each.accepted_at}
    assert (found.accepted, accepted) == (1, {email: member})
    assert (await shop.customer(invited)).customer_id == member
    async with scripted_others(Script()) as others:
        wish = commands.Wish(member, RemovalKind.ERASE, "陳大文")
        await commands.remove_customer(shop.context, others, shop.who, once(shop.who), wish)  # type: ignore[arg-type]
    assert len(await shop.rows("SELECT 1 FROM invitations WHERE email = ''")) == 1


async def test_all_of_a_list_are_invited_by_a_run_one_for_each_address(shop: Shop) -> None:
    """A5, L: those who were invited lately or cannot be are left out; several workers at once invite nobody twice."""
    emails = [some_email() for _ in range(60)]
    await asyncio.gather(*(guest(shop, email=email) for email in emails))
    await guest(shop, email=emails[0])
    early = await guest(shop, email=some_email())
    await invite(shop, early)
    other = await guest(shop, email="somebody.else@mail.example")
    assert await queries.count_invitees(shop.context.database, HASHER, shop.who, "") == (61, False)
    assert await queries.count_invitees(shop.context.database, HASHER, shop.who, "somebody.el") == (1, False)
    run = await invite_all(shop, greeting="Hello")
    assert (run.total, run.state) == (61, InvitationRunState.QUEUED)
    with pytest.raises(StateConflict, match="invitations_under_way"):
        await invite_all(shop, "somebody.el")
    [late] = await invite(shop, other)
    assert not late.refusal, "whoever is quicker than the run"
    for _ in range(3):
        await asyncio.gather(*(commands.run_invitations(shop.worker) for _ in range(3)))
    done = await queries.get_invitation_run(shop.context.database, shop.who, run.run_id)
    assert (done.state, done.done, done.invited, done.refused) == (
        InvitationRunState.DONE,
        61,
        60,
        {"invited_lately": 1},
    )
    sent = await mails(shop)
    assert sorted(mail.email for mail in sent if mail.greeting == "Hello") == sorted(emails)
    assert len(sent) == 62
    assert not await shop.rows("SELECT 1 FROM invitation_runs WHERE greeting <> '' OR cardinality(guest_ids) > 0")
    with pytest.raises(InvalidInput, match="no_guests_chosen"):
        await invite_all(shop)
    with pytest.raises(NotFound, match="invitation_run_not_found"):
        await queries.get_invitation_run(shop.context.database, shop.another().who, run.run_id)


async def test_guests_are_listed_newest_first_with_their_orders_and_last_invitation(shop: Shop) -> None:
    """A5: what was ordered since the first order counts, too; another address is another person's until it is invited."""
    older, newer = [await guest(shop, email=some_email()) for _ in range(2)]
    await shop.hear(*told(order(older, 500)))
    await invite(shop, newer)
    first, second = await invitees(shop)
    assert [each.customer.customer_id for each in (first, second)] == [newer, older]
    assert (second.customer.orders_count, second.customer.net_spend) == (2, 10_500)
    assert second.last_order_at
    assert first.last_order_at
    assert second.last_order_at > first.last_order_at
    assert (first.last and first.last.times, second.last) == (1, None)
    change = ProfileChange(email=some_email())
    await commands.change_profile(shop.context, shop.who, once(shop.who), newer, 0, change)  # type: ignore[arg-type]
    [moved] = [each for each in await invitees(shop) if each.customer.customer_id == newer]
    assert (moved.last, moved.refusal) == (None, "")
