"""Whose order is it: enrolment on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from onefold.membership.v1 import events_pb2
from services.common.contact import Contact
from services.common.ids import new_id
from services.membership.domain import Enrolled, Status
from tests.integration.membership.people import HOME, Shop, buyer, order, settle, some_email, some_phone, told

PHONE, OTHER_PHONE = "+85294512053", "+85298765432"
EMAIL, OTHER_EMAIL = "tai.man@example.com", "siu.ming@example.com"


async def test_a_new_buyer_becomes_a_member_with_name_phone_email_and_address(shop: Shop) -> None:
    """A2, A4: all of it, and the event that asks for a confirmation."""
    person = buyer(PHONE, EMAIL, shipping_address=HOME, language="en")
    enrolled = await shop.enrol(person)
    assert enrolled == Enrolled(person.customer_id, True, Status.MEMBER, "陳大文")
    customer = await shop.customer(person.customer_id)
    assert (customer.name, customer.phone, customer.email, customer.language) == ("陳大文", PHONE, EMAIL, "en")
    assert customer.addresses == [HOME]
    assert customer.joined_at is not None
    [event] = await shop.events("member_enrolled")
    told = events_pb2.MemberEnrolled.FromString(event.payload)
    assert (told.customer_id, told.phone, told.email) == (str(person.customer_id), PHONE, EMAIL)
    assert told.order_id == str(person.order_id)
    await shop.audit()


async def test_asking_again_for_an_order_gives_the_same_answer(shop: Shop) -> None:
    """E5, fault 5: also when it is asked in other words, by the event instead of the gateway."""
    person = buyer(PHONE, EMAIL)
    first = await shop.enrol(person)
    assert await shop.enrol(person) == first
    assert await shop.enrol(replace(person, new_customer=False)) == first
    assert len(await shop.events("member_enrolled")) == 1


async def test_gateway_and_event_at_the_same_moment_make_one_member(shop: Shop) -> None:
    """E5: 20 calls for one order."""
    person = buyer(PHONE, EMAIL)
    answers = await settle(*(shop.enrol(person) for _ in range(20)))
    assert set(answers) == {Enrolled(person.customer_id, True, Status.MEMBER, "陳大文")}
    assert len(await shop.rows("SELECT 1 FROM order_facts")) == 1
    await shop.audit()


async def test_fifty_parallel_orders_of_one_new_phone_make_one_member(shop: Shop) -> None:
    """U, fault 3: half of them with an e-mail too, all with minted ids of their own."""
    people = [buyer(PHONE, EMAIL if n % 2 else "") for n in range(50)]
    answers = await settle(*(shop.enrol(person) for person in people))
    assert len({answer.customer_id for answer in answers}) == 1
    assert sum(answer.created_member for answer in answers) == 1
    assert len(await shop.rows("SELECT 1 FROM customers")) == 1
    assert len(await shop.rows("SELECT 1 FROM order_facts")) == 50
    assert len(await shop.events("buyer_linked")) == 49
    await shop.audit()


async def test_crossed_identifiers_in_parallel_do_not_block_each_other(shop: Shop) -> None:
    """U: two people's phones and e-mails in every combination; no deadlock, no twin."""
    pairs = [(PHONE, EMAIL), (PHONE, OTHER_EMAIL), (OTHER_PHONE, EMAIL), (OTHER_PHONE, OTHER_EMAIL)] * 8
    await settle(*(shop.enrol(buyer(phone, email)) for phone, email in pairs))
    assert len(await shop.rows("SELECT 1 FROM identifiers")) <= 4
    await shop.audit()


@pytest.mark.parametrize("writing", ["tai.man@example.com", "Tai.Man@example.com"])
async def test_a_known_email_in_any_case_leads_to_its_member(shop: Shop, writing: str) -> None:
    """U, rule 11."""
    member = await shop.member(PHONE, EMAIL)
    enrolled = await shop.enrol(buyer("", writing))
    assert enrolled.customer_id == member


async def test_an_order_of_a_known_member_is_linked_and_announced(shop: Shop) -> None:
    """A4, O: even without "add as a member"; the member's own data stay as they are."""
    member = await shop.member(PHONE)
    person = buyer(PHONE, EMAIL, "Another Name", add_as_member=False)
    assert await shop.enrol(person) == Enrolled(member, False, Status.MEMBER, "陳大文")
    [event] = await shop.events("buyer_linked")
    told = events_pb2.BuyerLinked.FromString(event.payload)
    assert (told.order_id, told.customer_id) == (str(person.order_id), str(member))
    assert (await shop.customer(member)).email == ""


async def test_the_phone_outweighs_the_email(shop: Shop) -> None:
    """U: phone of one member, e-mail of another."""
    by_phone, _ = await shop.member(PHONE), await shop.member(OTHER_PHONE, EMAIL)
    assert (await shop.enrol(buyer(PHONE, EMAIL))).customer_id == by_phone


async def test_a_guest_owns_nothing_and_is_linked_to_nobody(shop: Shop) -> None:
    """A1, A7: an online guest checkout with somebody's phone."""
    member = await shop.member(PHONE)
    enrolled = await shop.enrol(buyer(PHONE, EMAIL, trusted=False))
    assert enrolled.customer_id != member
    assert enrolled.status is Status.GUEST
    assert len(await shop.rows("SELECT 1 FROM identifiers")) == 1
    assert not await shop.events("buyer_linked")
    await shop.audit()


async def test_without_the_wish_a_new_buyer_is_a_guest(shop: Shop) -> None:
    """A1, A4."""
    enrolled = await shop.enrol(buyer(PHONE, EMAIL, add_as_member=False))
    assert enrolled.status is Status.GUEST
    assert (await shop.customer(enrolled.customer_id)).phone == PHONE
    assert not await shop.rows("SELECT 1 FROM identifiers")
    # The phone is free still: the next buyer may become its member.
    assert (await shop.enrol(buyer(PHONE))).created_member


async def test_a_guest_of_that_id_becomes_the_member_that_the_order_asked_for(shop: Shop) -> None:
    """A4, E6: a second order had named the minted id before the first one's buyer was enrolled."""
    person = buyer(PHONE)
    second = buyer(order_id=new_id(), customer_id=person.customer_id, new_customer=False, contact=Contact())
    assert (await shop.enrol(second)).status is Status.GUEST
    assert (await shop.enrol(person)).created_member
    assert (await shop.customer(person.customer_id)).phone == PHONE
    await shop.audit()


async def test_a_guest_who_is_picked_becomes_a_member_if_that_was_wished(shop: Shop) -> None:
    """A4: with what the order says, and the guest's own phone where it says nothing; by call, twice, and by event."""
    for by_event in (False, True):
        guest = await shop.enrol(buyer(some_phone(), name="Guest", add_as_member=False))
        known = await shop.customer(guest.customer_id)
        pick = buyer(customer_id=guest.customer_id, new_customer=False, contact=Contact("Chan", "", some_email()))
        if by_event:
            paid = order(guest.customer_id, order_id=pick.order_id, contact=pick.contact)
            plain = order(guest.customer_id)
            await shop.hear(*told(plain), *told(paid))
        assert await shop.enrol(pick) == Enrolled(guest.customer_id, True, Status.MEMBER, "Chan")
        assert (await shop.enrol(pick)).created_member
        member = await shop.customer(guest.customer_id)
        assert (member.status, member.name, member.phone) == (Status.MEMBER, "Chan", known.phone)
        assert member.email == pick.contact.email
    assert len(await shop.events("member_enrolled")) == 2
    await shop.audit()


async def test_a_guest_stays_one_where_nobody_wished_or_nobody_can_vouch(shop: Shop) -> None:
    """A1, A7: without the wish, at an online checkout, and where there is neither phone nor e-mail."""
    guest = (await shop.enrol(buyer(PHONE, add_as_member=False))).customer_id
    for change in ({"add_as_member": False}, {"trusted": False}):
        assert (await shop.enrol(buyer(customer_id=guest, new_customer=False, **change))).status is Status.GUEST
    nameless = (await shop.enrol(buyer(contact=Contact("Ann"), add_as_member=False))).customer_id
    pick = buyer(customer_id=nameless, new_customer=False, contact=Contact("Ann"))
    assert await shop.enrol(pick) == Enrolled(nameless, False, Status.GUEST, "Ann")
    assert not await shop.rows("SELECT 1 FROM identifiers")
    await shop.audit()


async def test_a_picked_guest_whose_phone_is_a_members_leaves_the_order_to_that_member(shop: Shop) -> None:
    """U, A4: as if staff had typed the phone; the guest and its earlier order stay as they are."""
    guest = (await shop.enrol(buyer(PHONE, add_as_member=False))).customer_id
    member = await shop.member(PHONE)
    picks = [buyer(customer_id=guest, new_customer=False) for _ in range(5)]
    answers = await settle(*(shop.enrol(pick) for pick in picks))
    assert {answer.customer_id for answer in answers} == {member}
    assert (await shop.customer(guest)).status is Status.GUEST
    await shop.audit()


async def test_a_guest_picked_many_times_at_once_becomes_one_member(shop: Shop) -> None:
    """U, A4."""
    guest = (await shop.enrol(buyer(PHONE, EMAIL, add_as_member=False))).customer_id
    picks = [buyer(customer_id=guest, new_customer=False, contact=Contact()) for _ in range(12)]
    answers = await settle(*(shop.enrol(pick) for pick in picks))
    assert {answer.customer_id for answer in answers} == {guest}
    assert sum(answer.created_member for answer in answers) == 1
    await shop.audit()


async def test_an_order_of_a_merged_account_goes_to_the_survivor(shop: Shop) -> None:
    """F10, O."""
    primary, merged = await shop.member(), await shop.member()
    await shop.absorb(primary, merged)
    enrolled = await shop.enrol(buyer(customer_id=merged, new_customer=False))
    assert enrolled.customer_id == primary
    assert len(await shop.events("buyer_linked")) == 1
    await shop.audit()


async def test_a_retired_identifier_leads_to_the_survivor_and_spawns_nobody(shop: Shop) -> None:
    """F6, T."""
    primary, merged = await shop.member(OTHER_PHONE), await shop.member(PHONE, EMAIL)
    await shop.absorb(primary, merged)
    for person in (buyer(PHONE), buyer("", EMAIL), buyer(PHONE, "new@example.com")):
        assert (await shop.enrol(person)).customer_id == primary
    assert len(await shop.rows("SELECT 1 FROM customers")) == 2
    await shop.audit()


async def test_a_live_members_identifier_outweighs_a_retired_one(shop: Shop) -> None:
    """F6, U: the phone was retired by a merge, the e-mail is another member's."""
    primary, merged = await shop.member(OTHER_PHONE), await shop.member(PHONE)
    await shop.absorb(primary, merged)
    by_email = (await shop.enrol(buyer("", EMAIL))).customer_id
    assert (await shop.enrol(buyer(PHONE, EMAIL))).customer_id == by_email


async def test_a_new_member_owns_only_what_nobody_had(shop: Shop) -> None:
    """T: the phone's owner is gone for good; the e-mail is free."""
    gone = await shop.member(PHONE)
    await shop.rows("UPDATE identifiers SET state = 'retired', value = NULL, retired_at = now() RETURNING 1")
    await shop.rows("UPDATE customers SET status = 5 WHERE customer_id = :id RETURNING 1", id=gone)
    enrolled = await shop.enrol(buyer(PHONE, EMAIL))
    customer = await shop.customer(enrolled.customer_id)
    assert enrolled.created_member
    assert (customer.phone, customer.email) == ("", EMAIL)
    # And with nothing free, nobody can be a member.
    assert (await shop.enrol(buyer(PHONE))).status is Status.GUEST


async def test_enrolling_beside_a_retirement_never_revives_the_identifier(shop: Shop) -> None:
    """T, O, fault 4: 20 merges, each raced by four orders with the phone that it retires."""
    for _ in range(20):
        phone = some_phone()
        primary, merged = await shop.member(), await shop.member(phone)
        plan = (await shop.preview(primary, merged)).fingerprint
        results = await asyncio.gather(
            shop.enrol(buyer(phone)),
            shop.enrol(buyer(phone)),
            shop.absorb(primary, merged, plan=plan),
            shop.enrol(buyer(phone)),
            shop.enrol(buyer(customer_id=merged, new_customer=False)),
        )
        assert {r.customer_id for r in results if isinstance(r, Enrolled)} <= {primary, merged}
    assert not await shop.rows("SELECT 1 FROM customers WHERE status = 1")
    await shop.audit()


async def test_another_store_knows_nobody_of_this_one(shop: Shop) -> None:
    """S, fault 30: the same phone is another member there, and ids of here lead nowhere."""
    member = await shop.member(PHONE, EMAIL)
    other = shop.another()
    enrolled = await other.enrol(buyer(PHONE, EMAIL))
    assert enrolled.created_member
    assert enrolled.customer_id != member
    stranger = await other.enrol(buyer(customer_id=member, new_customer=False))
    assert stranger.status is Status.GUEST
    assert (await shop.customer(member)).status is Status.MEMBER
    assert not await other.rows(
        "SELECT 1 FROM customers WHERE phone = :phone AND customer_id = :id", phone=PHONE, id=member
    )
