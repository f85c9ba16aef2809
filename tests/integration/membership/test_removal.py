"""Deletion and erasure as membership does them (C9, C10, C12; fault 18). Beside real logins and orders: tests/faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import events_pb2
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict, Unavailable
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.membership import commands
from services.membership.clients import Others
from services.membership.domain import DeletionPolicy, Reason, Removal, RemovalKind, RemovalState, Status
from services.membership.queries import profiles as reading
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import HOME, Shop, buyer, order, settle, some_email, some_phone, told
from tests.integration.membership.test_profiles import confirm, edit, found_by, give_phone
from tests.support.calls import once

DELETE, ERASE = RemovalKind.DELETE, RemovalKind.ERASE


@dataclass
class Desk:
    """Somebody who deletes and erases."""

    shop: Shop
    others: Others
    script: Script

    async def remove(
        self, customer_id: UUID, kind: RemovalKind = DELETE, typed: str | None = None, key: str = ""
    ) -> Removal:
        if typed is None:
            customer = await self.shop.customer(customer_id)
            typed = customer.phone or customer.name or customer.email
        use: Any = once(self.shop.who, key)
        wish = commands.Wish(customer_id, kind, typed)
        return await commands.remove_customer(self.shop.context, self.others, self.shop.who, use, wish)

    async def resume(self) -> int:
        """The worker's turn, after the lease of whoever began has ended."""
        await self.shop.rows("UPDATE removals SET claimed_until = now() RETURNING 1")
        return await commands.resume_removals(self.shop.worker, self.others)


@pytest.fixture
async def desk(shop: Shop) -> AsyncIterator[Desk]:
    script = Script()
    async with scripted_others(script) as others:
        yield Desk(shop, others, script)


# Every column of every table that could name a person.
PERSONAL = (
    "SELECT count(*) AS n FROM customers c WHERE (c.customer_id = :id OR c.survivor_id = :id)"
    " AND (c.name || c.phone || c.email || c.language <> '' OR c.birthday IS NOT NULL OR c.tags <> '{}' OR c.points_balance <> 0)",
    "SELECT count(*) AS n FROM addresses WHERE customer_id = :id",
    "SELECT count(*) AS n FROM customer_notes WHERE customer_id = :id",
    "SELECT count(*) AS n FROM customer_search WHERE customer_id = :id",
    "SELECT count(*) AS n FROM consents WHERE customer_id = :id AND old_phone || new_phone || note <> ''",
    "SELECT count(*) AS n FROM points_entries WHERE customer_id = :id AND note <> ''",
    "SELECT count(*) AS n FROM identifiers WHERE customer_id = :id AND value IS NOT NULL",
)


async def traces(shop: Shop, customer_id: UUID) -> list[int]:
    return [(await shop.rows(query, id=customer_id))[0].n for query in PERSONAL]


async def somebody(shop: Shop) -> UUID:
    """A member with something of everything."""
    member = await shop.member(some_phone(), some_email(), shipping_address=HOME)
    await edit(shop, member, birthday="1990-01-01", tags=["vip"], language="en")
    await give_phone(shop, member, some_phone())
    await commands.add_note(shop.context, shop.who, once(shop.who), member, "allergic to nuts")  # type: ignore[arg-type]
    use: Any = once(shop.who)
    await commands.adjust_points(shop.context, shop.who, use, member, 100, "2099-12-31", "for Mr Chan")
    return member


async def test_a_deleted_member_leaves_nothing_but_a_row_and_the_ledger(desk: Desk) -> None:
    """C9, P: points are written off with an entry; the same phone later is a new member."""
    shop = desk.shop
    member = await somebody(shop)
    known = await shop.customer(member)
    assert min(await traces(shop, member)) > 0, "the test has gone blind"
    await shop.hear(*told(order(member, 5_000)))
    removal = await desk.remove(member)
    assert (removal.state, removal.requested_by) == (RemovalState.DONE, shop.who.actor)
    assert await traces(shop, member) == [0] * len(PERSONAL)
    gone = await shop.customer(member)
    assert (gone.status, gone.points_balance, gone.net_spend, gone.orders_count) == (Status.DELETED, 0, 5_000, 1)
    entries = await shop.rows("SELECT reason, points FROM points_entries ORDER BY entry_id")
    assert sum(entry.points for entry in entries) == 0
    assert {entry.reason for entry in entries} == {Reason.AWARDED, Reason.EARNED, Reason.WRITTEN_OFF}
    [event] = await shop.events("member_deleted")
    assert event.aggregate_id == member
    assert event.version == gone.version
    [ended] = desk.script.ended
    assert (list(ended.customer_ids), ended.how) == ([str(member)], identity.LOGINS_END_FREED)
    again = await shop.enrol(buyer(known.phone, known.email))
    assert again.created_member
    assert await found_by(shop, known.phone[4:]) == [again.customer_id]
    await shop.audit()


async def test_an_erased_person_is_gone_with_all_merged_accounts_and_never_comes_back(desk: Desk) -> None:
    """C12, T: identifiers stay as digests, whoever brings them again is a guest; sums stay."""
    shop = desk.shop
    member, twin = await somebody(shop), await somebody(shop)
    await shop.absorb(member, twin)
    known = await shop.customer(member)
    await shop.hear(*told(order(member, 5_000)))
    await desk.remove(member, ERASE)
    for customer_id in (member, twin):
        assert await traces(shop, customer_id) == [0] * len(PERSONAL)
    gone = await shop.customer(twin)
    assert (gone.customer_id, gone.status, gone.net_spend) == (member, Status.ERASED, 5_000)
    [event] = await shop.events("member_erased")
    told_of = events_pb2.MemberErased.FromString(event.payload)
    assert (told_of.customer_id, list(told_of.merged_ids)) == (str(member), [str(twin)])
    [ended] = desk.script.ended
    assert ({*ended.customer_ids}, ended.how) == ({str(member), str(twin)}, identity.LOGINS_END_RETIRED)
    assert (await shop.enrol(buyer(known.phone, known.email))).status is Status.GUEST
    [record] = await shop.rows("SELECT * FROM removals")
    assert (record.kind, record.state, record.requested_by) == ("erase", "done", shop.who.actor)
    await shop.audit()


async def test_what_forbids_a_deletion_is_said_and_remembered_where_it_came_from_others(desk: Desk) -> None:
    """C10: signed up online, as membership knows or as identity_merge alone knows yet; a running merge; the store's policy."""
    shop = desk.shop
    member, online, merged = await somebody(shop), await somebody(shop), await somebody(shop)
    await shop.absorb(member, merged)
    await confirm(shop, online)
    before = await traces(shop, member)

    async def refused(customer_id: UUID, reason: str, kind: RemovalKind = DELETE, **more: Any) -> None:
        with pytest.raises((StateConflict, NotFound, InvalidInput), match=reason):
            await desk.remove(customer_id, kind, **more)

    await refused(online, "registered_online")
    await refused(merged, "merged_away", typed="x")
    await refused(merged, "merged_away", ERASE, typed="x")
    await refused(new_id(), "customer_not_found", typed="x")
    for typed in ("", "0000", some_phone(), "陳大文"):
        await refused(member, "confirmation_differs", typed=typed)
        await refused(member, "confirmation_differs", ERASE, typed=typed)
    for reason in ("registered_online", "merge_in_progress"):
        desk.script.refusal = StateConflict(reason)
        await refused(member, reason)
    desk.script.refusal = None
    desk.script.unpaid = 2
    await refused(member, "open_orders", ERASE)
    use: Any = once(shop.who)
    await commands.set_deletion_policy(shop.context, shop.who, use, DeletionPolicy.NEVER)
    assert await reading.deletion_policy(shop.context.database, shop.who) is DeletionPolicy.NEVER
    await refused(member, "deletion_forbidden")
    assert await traces(shop, member) == before
    history = (await reading.list_history(shop.context.database, shop.who, 100, "", member)).items
    assert [(e.kind, e.text) for e in history if e.kind.endswith("refused")] == [
        ("deletion_refused", "deletion_forbidden"),
        ("erasure_refused", "open_orders"),
        ("deletion_refused", "merge_in_progress"),
        ("deletion_refused", "registered_online"),
    ]
    desk.script.unpaid = 0
    assert (await desk.remove(online, ERASE)).state is RemovalState.DONE, (
        "erasure needs no policy, and ends proved logins"
    )
    stranger = Desk(shop.another(), desk.others, desk.script)
    with pytest.raises(NotFound):
        await stranger.remove(member, typed="x")


async def test_a_phone_typed_in_any_writing_confirms_and_a_name_where_there_is_none(desk: Desk) -> None:
    shop = desk.shop
    await desk.remove(await shop.member("+85294512053"), typed=" ９４５１ 2053 ")
    by_name = await shop.enrol(buyer("", some_email(), "Chan Tai Man"))
    await desk.remove(by_name.customer_id, typed="chan  tai man")
    nameless = (await shop.enrol(buyer("", email := some_email(), ""))).customer_id
    await desk.remove(nameless, typed=email.upper())
    assert len(await shop.events("member_deleted")) == 3


async def test_the_same_request_deletes_once_and_a_second_one_is_told(desk: Desk) -> None:
    """E7: ten at once with one key; later with the key, with another key, and with the key for something else."""
    shop, key = desk.shop, str(new_id())
    member = await somebody(shop)
    typed = (await shop.customer(member)).phone
    results = await asyncio.gather(
        *(desk.remove(member, typed=typed, key=key) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(r, (Removal, Replayed)) for r in results), results
    assert len(await shop.events("member_deleted")) == 1
    with pytest.raises(Replayed):
        await desk.remove(member, typed=typed, key=key)
    with pytest.raises(StateConflict, match="already_deleted"):
        await desk.remove(member, typed=typed)
    await shop.audit()


async def test_a_removal_that_was_left_is_finished_by_the_worker_once(desk: Desk) -> None:
    """L, C9: identity_merge is away after the claim; meanwhile nobody edits or merges the account."""
    shop, key = desk.shop, str(new_id())
    member, other = await somebody(shop), await shop.member()
    typed = (await shop.customer(member)).phone
    plan = (await shop.preview(other, member)).fingerprint
    desk.script.refusal = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        await desk.remove(member, typed=typed, key=key)
    for attempt in (
        edit(shop, member, name="x"),
        give_phone(shop, member, some_phone()),
        shop.absorb(other, member, plan=plan),
        desk.remove(member, ERASE, typed=typed),
    ):
        with pytest.raises(StateConflict, match="being_removed"):
            await attempt
    assert await desk.resume() == 1
    assert (await shop.customer(member)).status is Status.MEMBER
    desk.script.refusal = None
    await asyncio.gather(desk.resume(), desk.resume())
    assert (await shop.customer(member)).status is Status.DELETED
    assert await desk.resume() == 0
    # Whoever had asked asks again, and is told of what has been done meanwhile; with the key for something else, not so.
    assert (await desk.remove(member, typed=typed, key=key)).state is RemovalState.DONE
    with pytest.raises((Conflict, Replayed)):
        await desk.remove(member, ERASE, typed=typed, key=key)
    assert len(await shop.events("member_deleted")) == 1
    await shop.audit()


async def test_deleting_beside_orders_points_and_merges_breaks_nothing(desk: Desk) -> None:
    """P, O, U: many times; the account is deleted or merged, and never both."""
    shop = desk.shop
    for _ in range(8):
        member, other = await shop.member(phone := some_phone()), await shop.member()
        await shop.award(member, 10)
        plan = (await shop.preview(other, member)).fingerprint
        await settle(
            desk.remove(member, typed=phone),
            shop.absorb(other, member, plan=plan),
            shop.award(member, 5),
            shop.enrol(buyer(phone)),
            shop.enrol(buyer(customer_id=member, new_customer=False)),
            shop.hear(*told(order(member, 3_000))),
        )
        assert (await shop.customer(member)).status is not Status.GUEST
        await shop.audit()
