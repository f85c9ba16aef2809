"""Guest orders of what a member has proved, on a real PostgreSQL (A7)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

from onefold.identity_merge.v1 import events_pb2 as identity
from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.contact import Contact
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.membership import commands
from services.membership.consumers import subscriptions
from services.membership.domain import Asked, ProfileChange, RemovalKind, Status
from services.membership.queries import profiles as queries
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import (
    HOME,
    Shop,
    buyer,
    order,
    refund,
    settle,
    some_email,
    some_phone,
    told,
)
from tests.integration.membership.ranks import Ranks, level
from tests.support.calls import once


async def proved(shop: Shop, customer_id: UUID, kind: str, value: str) -> None:
    """The event of a proof takes effect; nobody has looked for guests yet."""
    message = identity.LoginConfirmed(
        login_method_id=str(new_id()), customer_id=str(customer_id), kind=kind, value=value
    )
    handler = subscriptions(shop.worker)["identity_merge"][1].handler
    async with shop.worker.database.transaction(shop.store_id) as tx:
        await handler(tx, shop.store_id, [Delivered(new_id(), shop.store_id, "", 0, message, "")])


async def join(shop: Shop) -> None:
    await commands.join_guests(shop.worker)


async def guest(shop: Shop, phone: str = "", email: str = "", total: int = 10_000, *, paid: bool = True) -> UUID:
    """An online guest checkout; the guest's id."""
    person = buyer(phone, email, trusted=False, shipping_address=HOME)
    await shop.enrol(person)
    placed = order(person.customer_id, total, order_id=person.order_id, paid=paid, contact=person.contact)
    await shop.hear(*told(placed))
    return person.customer_id


async def registered(shop: Shop, email: str) -> UUID:
    member = new_id()
    asked = Asked(member, "", "", "en", [("email", email)], (), "email")
    await commands.register_member(shop.context, shop.store_id, asked)
    return member


async def test_a_proved_email_brings_its_guest_orders_whatever_its_capitals(shop: Shop) -> None:
    """A7, A2, N: orders, sums, name and address; the guests' ids lead to the member (F10)."""
    email = some_email()
    guests = [await guest(shop, some_phone(), email), await guest(shop, email=email.upper(), total=500, paid=False)]
    stranger = await guest(shop, email=some_email())
    member = await registered(shop, email)
    await join(shop)
    assert (await shop.customer(member)).orders_count == 0, "nothing is proved by an account alone"
    await proved(shop, member, "email", email)
    await join(shop)
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.orders_count, customer.name) == (10_000, 1, "陳大文")
    assert (customer.addresses, customer.merged_accounts) == ([HOME], [])
    for each in guests:
        assert (await shop.customer(each)).customer_id == member
    assert (await shop.customer(stranger)).status is Status.GUEST
    linked = [events_pb2.BuyerLinked.FromString(event.payload) for event in await shop.events("buyer_linked")]
    assert len(linked) == 2
    assert {event.customer_id for event in linked} == {str(member)}
    [event] = await shop.events("guests_joined")
    joined = events_pb2.GuestsJoined.FromString(event.payload)
    assert (set(joined.guest_ids), joined.kind, joined.orders_count) == ({str(i) for i in guests}, "email", 2)
    await shop.audit()


async def test_the_timeline_tells_of_guest_orders_and_not_of_guests(shop: Shop) -> None:
    """F13."""
    phone = some_phone()
    for _ in range(3):
        await guest(shop, phone)
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    await join(shop)
    past = await queries.list_history(shop.context.database, shop.who, 20, "", member)
    assert [(e.kind, e.text) for e in past.items if e.kind in ("known", "merged", "guest_orders_joined")] == [
        ("guest_orders_joined", "phone,3")
    ]


async def test_an_order_after_the_proof_waits_for_the_next_one(shop: Shop) -> None:
    """A7: whoever typed the address has proved nothing."""
    email = some_email()
    member = await registered(shop, email)
    await proved(shop, member, "email", email)
    await join(shop)
    later = await guest(shop, email=email)
    await join(shop)
    assert (await shop.customer(later)).status is Status.GUEST
    await proved(shop, member, "email", email)
    await join(shop)
    assert (await shop.customer(later)).customer_id == member
    await shop.audit()


async def test_an_order_from_before_the_proof_whose_news_comes_later_is_found(shop: Shop) -> None:
    """A7, E6: membership was away when the order was placed."""
    email, before = some_email(), clock.now() - timedelta(minutes=1)
    member = await registered(shop, email)
    await proved(shop, member, "email", email)
    await join(shop)
    late = order(new_id(), contact=Contact("陳大文", "", email), channel=3)
    late.placed_at.FromDatetime(before)
    await shop.hear(*told(late))
    await join(shop)
    assert (await shop.customer(member)).orders_count == 1
    await shop.audit()


async def test_what_a_guest_has_paid_earns_no_points_but_what_is_paid_later_does(shop: Shop) -> None:
    """B4: points are for members; not even a refund's event earns what the payment did not."""
    phone = some_phone()
    paid = order((await shop.enrol(buyer(phone, trusted=False))).customer_id, 10_000)
    unpaid = order(UUID(paid.customer_id), 5_000, paid=False)
    await shop.hear(*told(paid), *told(unpaid))
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    await join(shop)
    await shop.hear(refund(paid, 4_000, 2))
    assert (await shop.customer(member)).points_balance == 0
    settled = order(UUID(paid.customer_id), 5_000, order_id=UUID(unpaid.order_id), version=2)
    await shop.hear(*told(settled))
    customer = await shop.customer(member)
    assert (customer.points_balance, customer.net_spend, customer.orders_count) == (50, 11_000, 2)
    await shop.audit()


async def test_levels_follow_what_guests_have_spent(shop: Shop) -> None:
    """B1."""
    phone, ranks = some_phone(), Ranks(shop)
    await ranks.save(level("Silver", 10_000))
    await guest(shop, phone, total=20_000)
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    await join(shop)
    assert await ranks.of(member) == "Silver"


async def test_more_guests_than_a_batch_and_more_workers_than_one(shop: Shop) -> None:
    """A7, N: 130 guests, two workers, orders of theirs being paid and a profile being edited meanwhile; each order once."""
    phone = some_phone()
    guests = [await guest(shop, phone, total=100, paid=number % 5 > 0) for number in range(130)]
    facts = {row.customer_id: row.order_id for row in await shop.rows("SELECT * FROM order_facts")}
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    pay = [order(each, 100, order_id=facts[each], version=2) for each in guests[::5]]
    change = ProfileChange(tags=["vip"])
    edits: list[object] = [
        commands.change_profile(shop.context, shop.who, once(shop.who), member, 0, change)  # type: ignore[arg-type]
    ]
    await settle(join(shop), join(shop), *(shop.hear(*told(each)) for each in pay), *edits)
    await join(shop)
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.orders_count, list(customer.tags)) == (13_000, 130, ["vip"])
    assert not await shop.rows("SELECT 1 FROM proofs WHERE value IS NOT NULL")
    linked = [event.payload for event in await shop.events("buyer_linked")]
    assert {events_pb2.BuyerLinked.FromString(each).order_id for each in linked} == {str(i) for i in facts.values()}
    await shop.audit()


async def test_guests_of_a_member_who_is_being_merged_go_where_the_account_goes(shop: Shop) -> None:
    """O, F10: before, beside and after the merge."""
    for _ in range(8):
        email = some_email()
        one = await guest(shop, email=email)
        primary, merged = await shop.member(), await registered(shop, email)
        await proved(shop, merged, "email", email)
        await settle(join(shop), shop.absorb(primary, merged))
        await join(shop)
        survivor = await shop.customer(merged)
        assert (await shop.customer(one)).customer_id == survivor.customer_id
        assert survivor.net_spend == 10_000
    await shop.audit()


async def test_an_order_of_a_guest_beside_the_joining_is_the_members(shop: Shop) -> None:
    """O: staff pick the guest by its id in that very moment."""
    for _ in range(8):
        phone = some_phone()
        known = await guest(shop, phone)
        member = await shop.member(phone)
        await proved(shop, member, "phone", phone)
        placed = buyer(customer_id=known, new_customer=False, add_as_member=False)
        _, enrolled = await asyncio.gather(join(shop), shop.enrol(placed))
        assert enrolled.customer_id in (known, member)
        await join(shop)
        [row] = await shop.rows("SELECT customer_id FROM order_facts WHERE order_id = :id", id=placed.order_id)
        assert row.customer_id == member
    await shop.audit()


async def test_a_guest_who_is_being_deleted_and_a_member_who_is_gone_join_nothing(shop: Shop) -> None:
    """C9, C12, D: and nothing waits for them."""
    phone = some_phone()
    known = await guest(shop, phone)
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    wish = commands.Wish(member, RemovalKind.ERASE, phone)
    async with scripted_others(Script()) as others:
        await commands.remove_customer(shop.context, others, shop.who, once(shop.who), wish)  # type: ignore[arg-type]
    await join(shop)
    assert (await shop.customer(known)).status is Status.GUEST
    assert not await shop.rows("SELECT 1 FROM proofs")


async def test_an_erased_member_takes_its_guests_along(shop: Shop) -> None:
    """C12: orders is told to forget what the guests' orders name, too."""
    phone = some_phone()
    known = await guest(shop, phone)
    member = await shop.member(phone)
    await proved(shop, member, "phone", phone)
    await join(shop)
    wish = commands.Wish(member, RemovalKind.ERASE, phone)
    async with scripted_others(script := Script()) as others:
        await commands.remove_customer(shop.context, others, shop.who, once(shop.who), wish)  # type: ignore[arg-type]
    [event] = await shop.events("member_erased")
    assert list(events_pb2.MemberErased.FromString(event.payload).merged_ids) == [str(known)]
    assert not await shop.rows("SELECT 1 FROM customers WHERE name <> ''")
    assert [list(each.customer_ids) for each in script.ended] == [[str(member)]]


async def test_newer_proofs_of_one_identifier_take_the_place_of_older_ones(shop: Shop) -> None:
    """U: the phone was given up and is another person's now; news that comes late changes nothing."""
    phone, now = some_phone(), clock.now()
    first, second = await shop.member(), await shop.member()
    proofs: list[tuple[UUID, datetime]] = [(second, now), (first, now - timedelta(hours=1))]
    for customer_id, at in proofs:
        async with shop.worker.database.transaction(shop.store_id) as tx:
            await commands.note_proofs(shop.worker, tx, shop.store_id, [(customer_id, "phone", phone, at)])
    await guest(shop, phone)
    await join(shop)
    assert ((await shop.customer(first)).orders_count, (await shop.customer(second)).orders_count) == (0, 1)
