"""Editing a person, a member's phone, and notes (C4, C5)."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import events_pb2 as identity
from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.contact import Address
from services.common.errors import Conflict, InvalidInput, NotFound, OnefoldError, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.membership import commands, queries
from services.membership.consumers import subscriptions
from services.membership.domain import Consent, Customer, ProfileChange, Status
from services.membership.queries import profiles as reading
from tests.integration.membership.people import HOME, Shop, buyer, settle, some_email, some_phone
from tests.support.calls import once

OFFICE = Address("陳大文", "", ("德輔道中 1 號", "12 樓"), "中環", "香港", "", "HK")
ASKED = Consent("in_person", "showed the new SIM card")


async def edit(shop: Shop, customer_id: UUID, version: int = 0, key: str = "", **asked: Any) -> Customer:
    change = ProfileChange(**asked)
    use = once(shop.who, key, repr(change).encode())
    return await commands.change_profile(shop.context, shop.who, use, customer_id, version, change)  # type: ignore[arg-type]


async def give_phone(shop: Shop, customer_id: UUID, phone: str, version: int = 0) -> Customer:
    use: Any = once(shop.who)
    return await commands.change_phone(shop.context, shop.who, use, customer_id, version, phone, ASKED)


async def confirm(shop: Shop, customer_id: UUID) -> None:
    """The person signs up on the online store."""
    message = identity.LoginConfirmed(login_method_id=str(new_id()), customer_id=str(customer_id))
    handler = subscriptions(shop.worker)["identity_merge"][1].handler
    async with shop.worker.database.transaction(shop.store_id) as tx:
        await handler(tx, shop.store_id, [Delivered(new_id(), shop.store_id, "", 0, message, "")])


async def found_by(shop: Shop, query: str) -> list[UUID]:
    found = await queries.search_customers(shop.context.database, shop.who, 10, "", query, False)
    return [customer.customer_id for customer in found.page.items]


async def refusal(of: Any) -> list[tuple[str, str]]:
    with pytest.raises(OnefoldError) as caught:
        await of
    if isinstance(caught.value, InvalidInput):
        return [(v.field, v.reason) for v in caught.value.violations]
    return [("", caught.value.reason)]


async def test_a_profile_is_edited_field_by_field_and_search_follows(shop: Shop) -> None:
    """C4: names of any script; what is not asked stays; the event tells what the member owns and which fields changed."""
    member = await shop.member(phone := some_phone(), name="Chan")
    first = await edit(
        shop, member, name=" 歐陽👩‍👩‍👧 עברית ", birthday="2024-02-29", language="en", tags=["vip", "Staff ", ""]
    )
    assert (first.name, first.birthday, first.language) == ("歐陽👩‍👩‍👧 עברית", date(2024, 2, 29), "en")
    assert (list(first.tags), first.phone, first.version) == (["Staff", "vip"], phone, 2)
    assert await found_by(shop, "歐陽") == [member]
    assert await found_by(shop, "Chan") == []
    again = await edit(shop, member, birthday="", tags=[])
    assert (again.birthday, list(again.tags), again.name) == (None, [], first.name)
    assert (await edit(shop, member, tags=[])).version == again.version, "what changes nothing is no change"
    events = [events_pb2.MemberChanged.FromString(event.payload) for event in await shop.events("member_changed")]
    assert [list(event.fields) for event in events] == [["name", "birthday", "language", "tags"], ["birthday", "tags"]]
    assert [(i.kind, i.value) for i in events[1].identifiers] == [("phone", phone)]
    await shop.audit()


async def test_addresses_are_added_changed_removed_and_one_is_the_default(shop: Shop) -> None:
    """C4: the first is the default; the same one twice is one."""
    member = await shop.member(shipping_address=HOME)
    assert (await edit(shop, member, addresses=[OFFICE, HOME, OFFICE])).addresses == [OFFICE, HOME]
    assert (await edit(shop, member, addresses=[HOME, OFFICE])).addresses == [HOME, OFFICE]
    assert (await shop.customer(member)).addresses == [HOME, OFFICE]
    assert (await edit(shop, member, addresses=[OFFICE, Address()])).addresses == [OFFICE]
    assert not (await edit(shop, member, addresses=[])).addresses


@pytest.mark.parametrize(
    ("asked", "field", "reason"),
    [
        ({"name": "n" * 121}, "name", "too_long"),
        ({"birthday": "2023-02-29"}, "birthday", "invalid_date"),
        ({"birthday": "29/02/2024"}, "birthday", "invalid_date"),
        ({"birthday": "1899-12-31"}, "birthday", "invalid_date"),
        ({"birthday": (clock.now().date() + timedelta(days=2)).isoformat()}, "birthday", "date_in_future"),
        ({"language": "fr"}, "language", "unknown_value"),
        ({"tags": ["t" * 41]}, "tags[0]", "too_long"),
        ({"tags": ["VIP", "ｖｉｐ"]}, "tags[1]", "repeated_tag"),
        ({"tags": [f"t{n}" for n in range(21)]}, "tags", "too_many_tags"),
        ({"addresses": [Address("x")] * 21}, "addresses", "too_many_addresses"),
        ({"addresses": [Address("x" * 121)]}, "addresses[0].recipient", "too_long"),
        ({"email": "nobody"}, "email", "invalid_email"),
        ({"phone": "2123 4567"}, "phone", "not_a_mobile_phone"),
        ({"phone": "6123 4567"}, "phone", "login_not_editable"),
        ({"phone": ""}, "phone", "login_not_editable"),
    ],
)
async def test_what_cannot_be_saved_names_its_field_and_changes_nothing(
    shop: Shop, asked: dict[str, Any], field: str, reason: str
) -> None:
    """C4, C5: a member's phone changes with consent alone."""
    member = await shop.member()
    before = await shop.state()
    assert (field, reason) in await refusal(edit(shop, member, **asked))
    assert await shop.state() == before


async def test_of_two_editors_the_later_one_is_told(shop: Shop) -> None:
    """C4: and nothing of either is lost: the first stands, the second comes back."""
    member = await shop.member()
    results = await settle(edit(shop, member, 1, name="First"), edit(shop, member, 1, name="Second"))
    [stale] = [result for result in results if isinstance(result, Conflict)]
    [saved] = [result for result in results if isinstance(result, Customer)]
    assert (stale.reason, stale.params) == ("stale_version", {"version": "2"})
    assert (await shop.customer(member)).name == saved.name
    key = str(new_id())
    await edit(shop, member, 2, key, name="Third")
    with pytest.raises(Replayed):
        await edit(shop, member, 2, key, name="Third")


async def test_a_guests_contact_is_free_and_a_member_is_filled_where_there_is_nothing(shop: Shop) -> None:
    """C4, A4, U: what is filled in is the member's own from then on, and asks for its owner's proof."""
    phone, email = some_phone(), some_email()
    guest = (await shop.enrol(buyer(some_phone(), add_as_member=False))).customer_id
    for number in (some_phone(), phone):
        assert (await edit(shop, guest, phone=number, email=email)).phone == number
    assert await found_by(shop, phone[4:]) == [guest]
    assert not await shop.rows("SELECT 1 FROM identifiers")
    member = await shop.member(phone)
    assert (await edit(shop, member, email=email)).email == email
    [event] = await shop.events("member_changed")
    told = events_pb2.MemberChanged.FromString(event.payload)
    assert {(i.kind, i.value) for i in told.identifiers} == {("phone", phone), ("email", email)}
    other = await shop.member()
    assert await refusal(edit(shop, other, email=email.upper())) == [("email", "identifier_taken")]
    await shop.audit()


async def test_a_retired_identifier_fills_nobody(shop: Shop) -> None:
    """T."""
    email = some_email()
    primary, merged = await shop.member(), await shop.member("", email=email)
    await shop.absorb(primary, merged)
    for member in (primary, await shop.member()):
        assert await refusal(edit(shop, member, email=email)) == [("email", "identifier_retired")]
    await shop.audit()


async def test_a_phone_changes_with_consent_and_the_old_one_is_free(shop: Shop) -> None:
    """C5: the consent is kept; the next who brings the old number is somebody new."""
    old, new = some_phone(), some_phone()
    member = await shop.member(old)
    changed = await give_phone(shop, member, new)
    assert (changed.phone, changed.version) == (new, 2)
    assert (await shop.enrol(buyer(new))).customer_id == member
    stranger = await shop.enrol(buyer(old))
    assert stranger.created_member
    assert stranger.customer_id != member
    assert await found_by(shop, new[4:]) == [member]
    [consent] = await shop.rows("SELECT * FROM consents")
    assert (consent.given, consent.taken_by, consent.note) == ("in_person", shop.who.actor, ASKED.note)
    assert (consent.old_phone, consent.new_phone) == (old, new)
    with pytest.raises(Exception, match="permission denied"):
        await shop.rows("UPDATE consents SET given = 'by_phone' RETURNING 1")
    await shop.audit()


async def test_a_phone_that_cannot_be_given_is_refused(shop: Shop) -> None:
    """C5, T, U: another's, a merged account's, the same, a landline, none; a guest; without consent."""
    member, other, merged = await shop.member(), await shop.member(), await shop.member()
    phones = [(await shop.customer(each)).phone for each in (member, other, merged)]
    await shop.absorb(other, merged)
    guest = (await shop.enrol(buyer(some_phone(), add_as_member=False))).customer_id
    before = await shop.state()
    for who, phone, expected in (
        (member, phones[0], ("phone", "same_phone")),
        (member, phones[1], ("phone", "identifier_taken")),
        (member, phones[2], ("phone", "identifier_retired")),
        (member, "2123 4567", ("phone", "not_a_mobile_phone")),
        (member, " ", ("phone", "required")),
        (guest, some_phone(), ("", "not_a_member")),
        (new_id(), some_phone(), ("", "customer_not_found")),
    ):
        assert await refusal(give_phone(shop, who, phone)) == [expected]
    assert await refusal(give_phone(shop, member, some_phone(), version=9)) == [("", "stale_version")]
    assert await shop.state() == before
    for given, reason in (("", "consent_required"), ("by_owl", "unknown_value")):
        with pytest.raises(InvalidInput, match=reason):
            Consent.read(given, "")
    assert await refusal(give_phone(shop.another(), member, some_phone())) == [("", "customer_not_found")]


async def test_phones_that_are_given_registered_and_swapped_at_once_are_one_members_each(shop: Shop) -> None:
    """U, C5: a change beside enrolments with the new phone and with the old one; and two members who swap."""
    for _ in range(10):
        old, new = some_phone(), some_phone()
        member, other = await shop.member(old), await shop.member()
        swapped = (await shop.customer(other)).phone
        results = await asyncio.gather(
            give_phone(shop, member, new),
            shop.enrol(buyer(new)),
            shop.enrol(buyer(old)),
            give_phone(shop, other, old),
            give_phone(shop, member, swapped),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, InvalidInput):
                raise result
        await shop.audit()
        owners = await shop.rows("SELECT phone, count(*) AS n FROM customers WHERE phone <> '' GROUP BY 1")
        assert {row.n for row in owners} == {1}


async def test_notes_are_added_and_struck_and_never_disappear(shop: Shop) -> None:
    """C4: with author and time; a struck note says who struck it, first of all."""
    member = await shop.member()

    async def add(text: str) -> Any:
        use: Any = once(shop.who)
        return await commands.add_note(shop.context, shop.who, use, member, text)

    notes = [await add(f"note {n}\nof two lines") for n in range(3)]
    use: Any = once(shop.who)
    struck = await commands.strike_note(shop.context, shop.who, use, member, notes[1].note_id)
    again = await commands.strike_note(shop.context, shop.who, once(shop.who), member, notes[1].note_id)  # type: ignore[arg-type]
    assert (struck.struck_by, again.struck_at) == (shop.who.actor, struck.struck_at)
    first = await reading.list_notes(shop.context.database, shop.who, 2, "", member)
    rest = await reading.list_notes(shop.context.database, shop.who, 2, first.next_token, member)
    listed = [*first.items, *rest.items]
    assert [note.note_id for note in listed] == [note.note_id for note in reversed(notes)]
    assert [bool(note.struck_at) for note in listed] == [False, True, False]
    assert await refusal(add("  ")) == [("text", "required")]
    assert await refusal(add("x" * 2_001)) == [("text", "too_long")]
    with pytest.raises(NotFound, match="note_not_found"):
        await commands.strike_note(shop.context, shop.who, once(shop.who), member, new_id())  # type: ignore[arg-type]


async def test_signing_up_on_the_online_store_is_noted_once(shop: Shop) -> None:
    """C10: the first time counts; a merged account's is its survivor's."""
    primary, merged = await shop.member(), await shop.member()
    await confirm(shop, merged)
    since = (await shop.customer(merged)).online_since
    assert since is not None
    await confirm(shop, merged)
    assert (await shop.customer(merged)).online_since == since
    await shop.absorb(primary, merged)
    await confirm(shop, merged)
    assert (await shop.customer(primary)).online_since == since
    await confirm(shop, new_id())


async def test_a_merge_brings_tags_notes_consents_and_the_default_address(shop: Shop) -> None:
    """F8: the preview says so; of one word in two writings the primary's stays; notes say whom they were about."""
    primary, merged = await shop.member(shipping_address=HOME), await shop.member(shipping_address=OFFICE)
    await edit(shop, primary, tags=["VIP", "tea"], addresses=[HOME])
    await edit(shop, merged, tags=["vip", "coffee"], addresses=[OFFICE])
    use: Any = once(shop.who)
    await commands.add_note(shop.context, shop.who, use, merged, "likes oolong")
    await give_phone(shop, merged, some_phone())
    plan = await shop.preview(primary, merged)
    assert [(f.value, f.from_customer_id) for f in plan.fields if f.field == "tag"] == [
        ("coffee", merged),
        ("tea", primary),
        ("VIP", primary),
    ]
    await shop.absorb(primary, merged)
    survivor = await shop.customer(primary)
    assert list(survivor.tags) == list(plan.survivor.tags) == ["coffee", "tea", "VIP"]
    assert survivor.addresses == list(plan.survivor.addresses) == [HOME, OFFICE]
    [note] = (await reading.list_notes(shop.context.database, shop.who, 10, "", merged)).items
    assert (note.content, note.origin) == ("likes oolong", merged)
    assert [row.customer_id for row in await shop.rows("SELECT customer_id FROM consents")] == [primary]
    await shop.audit()


async def test_the_past_is_told_newest_first_with_what_came_from_whom(shop: Shop) -> None:
    """F13: page by page as in one; a merge says who came and with how many points."""
    primary, merged = await shop.member(name="Primary"), await shop.member(name="Twin")
    await shop.award(merged, 40)
    await edit(shop, merged, name="Twin B")
    use: Any = once(shop.who)
    await commands.add_note(shop.context, shop.who, use, merged, "same person")
    await give_phone(shop, primary, some_phone())
    await confirm(shop, primary)
    await shop.absorb(primary, merged)

    async def page(size: int, token: str = "") -> Any:
        return await reading.list_history(shop.context.database, shop.who, size, token, merged)

    whole = (await page(100)).items
    assert whole[0].kind == "merged"
    kinds = sorted(entry.kind for entry in whole)
    assert kinds == sorted(
        [*("joined",) * 2, "points", "profile_changed", "note", "phone_changed", "signed_up_online", "merged"]
    )
    [brought] = [entry for entry in whole if entry.kind == "merged"]
    assert (brought.text, brought.points, brought.customer_id) == ("Twin B", 40, merged)
    assert [entry.customer_id for entry in whole if entry.kind in ("points", "note")] == [merged] * 2
    token, seen = "", []
    while True:
        part = await page(2, token)
        seen += part.items
        if not (token := part.next_token):
            break
    assert seen == list(whole)
    assert whole == sorted(whole, key=lambda entry: (entry.at, entry.entry_id), reverse=True)
    assert await refusal(page(2, "bm9uc2Vuc2U=")) == [("page.token", "invalid_page_token")]


async def test_nobody_who_is_gone_is_edited(shop: Shop) -> None:
    member = await shop.member()
    await shop.rows(
        "UPDATE customers SET status = :gone WHERE customer_id = :id RETURNING 1", gone=Status.DELETED, id=member
    )
    with pytest.raises(StateConflict, match="customer_gone"):
        await edit(shop, member, name="Ghost")
