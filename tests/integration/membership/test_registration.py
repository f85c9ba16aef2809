"""Members who register themselves, and what they prove later, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from onefold.membership.v1 import events_pb2
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.membership import commands, queries
from services.membership.domain import (
    AddOutcome,
    Asked,
    RegisterOutcome,
    Removal,
    RemovalKind,
    RemovalState,
    Status,
)
from services.membership.store import claim_removal
from tests.integration.membership.people import Shop, buyer, settle, some_email, some_phone
from tests.integration.membership.ranks import Ranks, level

CREATED, EXISTS, RETIRED = RegisterOutcome.CREATED, RegisterOutcome.EXISTS, RegisterOutcome.RETIRED


def asked(*identifiers: tuple[str, str], customer_id: UUID | None = None, **changes: Any) -> Asked:
    values: dict[str, Any] = {"name": "陳大文", "birthday": "1990-02-28", "language": "zh-Hant", "source": "phone"}
    values |= {"consents": (), **changes}
    return Asked(customer_id=customer_id or new_id(), identifiers=identifiers, **values)


async def register(shop: Shop, *identifiers: tuple[str, str], **changes: Any) -> tuple[RegisterOutcome, UUID | None]:
    return await commands.register_member(shop.context, shop.store_id, asked(*identifiers, **changes))


async def registered(shop: Shop, *identifiers: tuple[str, str], **changes: Any) -> UUID:
    outcome, customer_id = await register(shop, *identifiers, **changes)
    assert outcome is CREATED
    assert customer_id is not None
    return customer_id


async def add(shop: Shop, customer_id: UUID, kind: str, value: str) -> AddOutcome:
    outcome, _, _ = await commands.add_identifier(shop.context, shop.store_id, customer_id, kind, value)
    return outcome


async def found(shop: Shop, words: str) -> list[UUID]:
    answer = await queries.search_customers(shop.context.database, shop.who, 20, "", words, True)
    return [customer.customer_id for customer in answer.page.items]


async def test_who_registers_is_a_member_at_once_and_found_and_asked_for_no_confirmation(shop: Shop) -> None:
    """A3, C2, C10: the proof was before the account."""
    phone, email = some_phone(), some_email()
    member = await registered(shop, ("email", email), ("phone", phone))
    customer = await shop.customer(member)
    assert (customer.status, customer.name, customer.phone, customer.email) == (Status.MEMBER, "陳大文", phone, email)
    assert (str(customer.birthday), customer.language, customer.version) == ("1990-02-28", "zh-Hant", 1)
    assert customer.joined_at == customer.online_since is not None
    assert customer.identifiers == [("phone", phone), ("email", email)]
    assert await found(shop, phone) == await found(shop, email) == await found(shop, "大文") == [member]
    [event] = await shop.events("member_enrolled")
    told = events_pb2.MemberEnrolled.FromString(event.payload)
    assert (told.customer_id, told.phone, told.email, told.source) == (str(member), phone, email, "phone")
    assert told.without_confirmation
    await shop.audit()


async def test_who_comes_by_a_provider_that_tells_nothing_is_a_member_without_identifiers(shop: Shop) -> None:
    """A3."""
    member = await registered(shop, name="Amy", birthday="", source="google")
    assert not (await shop.customer(member)).identifiers
    await shop.audit()


async def test_registering_again_by_the_same_id_is_the_same_member(shop: Shop) -> None:
    """E7: also at the same moment; with other words the first stands."""
    mine = asked(("phone", some_phone()))
    answers = await settle(*(commands.register_member(shop.context, shop.store_id, mine) for _ in range(10)))
    assert set(answers) == {(CREATED, mine.customer_id)}
    assert len(await shop.events("member_enrolled")) == 1
    await shop.audit()


async def test_the_id_of_a_guest_registers_nobody(shop: Shop) -> None:
    guest = await shop.enrol(buyer(some_phone(), trusted=False))
    with pytest.raises(Conflict):
        await register(shop, ("phone", some_phone()), customer_id=guest.customer_id)


async def test_an_identifier_of_a_member_leads_to_that_member_the_phone_first(shop: Shop) -> None:
    """A8, U: nothing is written."""
    phone, email = some_phone(), some_email()
    by_phone, by_email = await shop.member(phone), await shop.member(some_phone(), email)
    before = await shop.state()
    assert await register(shop, ("email", email)) == (EXISTS, by_email)
    assert await register(shop, ("email", email), ("phone", phone)) == (EXISTS, by_phone)
    assert await register(shop, ("email", email.upper())) == (EXISTS, by_email)
    assert await shop.state() == before


async def test_what_was_merged_away_registers_nobody(shop: Shop) -> None:
    """F6, T: unless the person proves something that a live member has."""
    phone, email = some_phone(), some_email()
    primary, merged = await shop.member(some_phone(), email), await registered(shop, ("phone", phone))
    mine = asked(("phone", phone), customer_id=merged)
    await shop.absorb(primary, merged)
    assert await register(shop, ("phone", phone)) == (RETIRED, None)
    assert await commands.register_member(shop.context, shop.store_id, mine) == (RETIRED, None)
    assert await register(shop, ("phone", phone), ("email", email)) == (EXISTS, primary)
    assert await register(shop, ("phone", phone), ("email", some_email())) == (RETIRED, None)
    await shop.audit()


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": "x" * 121}, "name", "too_long"),
        ({"birthday": "2990-01-01"}, "birthday", "date_in_future"),
        ({"birthday": "yesterday"}, "birthday", "invalid_date"),
        ({"language": "tlh"}, "language", "unknown_value"),
    ],
)
async def test_a_faulty_profile_is_refused_by_field(
    shop: Shop, changes: dict[str, str], field: str, reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await register(shop, ("phone", some_phone()), **changes)
    assert [(v.field, v.reason) for v in refused.value.violations] == [(field, reason)]


async def test_an_identifier_of_no_known_kind_is_refused(shop: Shop) -> None:
    for identifier in (("fax", "1"), ("phone", "12"), ("email", "")):
        with pytest.raises(InvalidInput):
            await register(shop, identifier)


async def test_a_level_that_asks_for_nothing_is_there_with_the_account(shop: Shop) -> None:
    """B1."""
    ranks = Ranks(shop)
    await ranks.save(level("Bronze", 0), level("Silver", 100_000))
    member = await registered(shop, ("phone", some_phone()))
    assert await ranks.of(member) == "Bronze"
    assert len(await shop.events("level_changed")) == 1


async def test_twenty_registrations_of_one_phone_make_one_member(shop: Shop) -> None:
    """U: all learn who it is."""
    phone, email = ("phone", some_phone()), ("email", some_email())
    answers = await settle(*(register(shop, phone, *([email] if n % 2 else [])) for n in range(20)))
    assert len({member for _, member in answers}) == 1
    assert [outcome for outcome, _ in answers].count(CREATED) == 1
    await shop.audit()


async def test_registrations_beside_orders_of_the_same_phones_make_one_member_each(shop: Shop) -> None:
    """U, E5: whoever is first, the other finds the member."""
    phones = [some_phone() for _ in range(10)]
    work = [call for phone in phones for call in (register(shop, ("phone", phone)), shop.enrol(buyer(phone)))]
    answers = await settle(*work)
    for (_, member), enrolled in zip(answers[::2], answers[1::2], strict=True):
        assert member == enrolled.customer_id
    assert len(await shop.rows("SELECT 1 FROM customers WHERE status = 2")) == len(set(phones))
    await shop.audit()


async def test_a_registration_beside_the_merge_of_its_identifier_makes_nobody(shop: Shop) -> None:
    """T, fault 4: it finds the member before the merge, or nobody after it."""
    for _ in range(10):
        phone = some_phone()
        primary, merged = await shop.member(), await shop.member(phone)
        _, (outcome, found) = await asyncio.gather(shop.absorb(primary, merged), register(shop, ("phone", phone)))
        assert (outcome, found) in {(EXISTS, merged), (RETIRED, None)}
    await shop.audit()


async def test_a_further_phone_is_found_listed_told_and_taken_once(shop: Shop) -> None:
    """C2, C6, U: a member may have several."""
    first, second, email = some_phone(), some_phone(), some_email()
    member, other = await registered(shop, ("phone", first)), await shop.member()
    assert await add(shop, member, "phone", second) is AddOutcome.ADDED
    assert await add(shop, member, "phone", second) is AddOutcome.ADDED
    assert await add(shop, member, "email", email) is AddOutcome.ADDED
    assert await add(shop, other, "email", email.upper()) is AddOutcome.HELD
    customer = await shop.customer(member)
    assert (customer.phone, customer.email, customer.version) == (first, email, 3)
    assert customer.identifiers == [("phone", first), ("phone", second), ("email", email)]
    assert await found(shop, second) == await found(shop, second[4:]) == await found(shop, email) == [member]
    told = events_pb2.MemberChanged.FromString((await shop.events("member_changed"))[-1].payload)
    assert sorted((i.kind, i.value) for i in told.identifiers) == sorted(customer.identifiers)
    guest = (await shop.enrol(buyer(second, email, trusted=False))).customer_id
    for words in (second, second[4:], email.upper()):  # also beside somebody whose only phone it is
        everybody = await queries.search_customers(shop.context.database, shop.who, 20, "", words, False)
        assert {each.customer_id for each in everybody.page.items} == {member, guest}
    assert (await shop.enrol(buyer(second))).customer_id == member
    await shop.audit()


async def test_a_retired_identifier_is_added_to_nobody(shop: Shop) -> None:
    """F6, T: not even to the account that it was merged into."""
    phone, gone = some_phone(), some_phone()
    primary, merged = await shop.member(phone), await shop.member(gone)
    await shop.absorb(primary, merged)
    assert await add(shop, primary, "phone", gone) is AddOutcome.RETIRED


async def test_an_old_id_adds_to_the_survivor_and_its_further_identifiers_are_retired(shop: Shop) -> None:
    """F6, F8, F10: the preview says so for each of them."""
    further, added = some_phone(), some_email()
    primary, merged = await shop.member(), await shop.member()
    await add(shop, merged, "phone", further)
    await add(shop, primary, "email", added)
    plan = await shop.preview(primary, merged)
    assert [r.value for r in plan.retired] == [(await shop.customer(merged)).phone, further]
    assert [f.value for f in plan.fields if f.field == "email"] == [added]
    await shop.absorb(primary, merged)
    another = some_phone()
    assert await add(shop, merged, "phone", another) is AddOutcome.ADDED
    assert (another in dict.fromkeys(v for _, v in (await shop.customer(primary)).identifiers)) is True
    assert await found(shop, another) == [primary]
    assert await found(shop, further) == []
    assert await register(shop, ("phone", further)) == (RETIRED, None)
    await shop.audit()


async def test_nothing_is_added_to_a_guest_a_stranger_or_an_account_that_goes(shop: Shop) -> None:
    guest = await shop.enrol(buyer(some_phone(), trusted=False))
    with pytest.raises(StateConflict):
        await add(shop, guest.customer_id, "phone", some_phone())
    with pytest.raises(NotFound):
        await add(shop, new_id(), "phone", some_phone())
    member = await shop.member()
    removal = Removal(
        removal_id=new_id(),
        customer_id=member,
        kind=RemovalKind.DELETE,
        state=RemovalState.CLAIMED,
        requested_by="staff:test",
        requested_at=(await shop.customer(member)).created_at,
        key="k",
        fingerprint=b"",
    )
    async with shop.context.database.transaction(shop.store_id) as tx:
        await claim_removal(tx, shop.store_id, removal)
    with pytest.raises(StateConflict):
        await add(shop, member, "phone", some_phone())


async def test_one_identifier_proved_by_two_accounts_at_once_is_one_accounts(shop: Shop) -> None:
    """U."""
    phone = some_phone()
    members = [await shop.member() for _ in range(6)]
    answers = await settle(*(add(shop, member, "phone", phone) for member in members))
    assert sorted(answers) == [AddOutcome.ADDED] + [AddOutcome.HELD] * 5
    await shop.audit()
