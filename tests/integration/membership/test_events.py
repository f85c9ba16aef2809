"""What membership makes of other services' events (B2, N, rules 1-3)."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from uuid import UUID

from deploy.local.nats import Nats
from deploy.local.ports import LOOPBACK, choose
from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.identity_merge.v1 import service_pb2 as identity_merge_pb
from onefold.membership.v1 import events_pb2
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common import clock, outbox, worker
from services.common.bus import Bus, Outgoing
from services.common.contact import Contact
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.membership.consumers import on_store_changed, subscriptions
from services.membership.domain import Status
from tests.integration.membership.people import LONG_AGO, Shop, buyer, order, some_phone, told


async def test_a_paid_order_counts_and_earns_once(shop: Shop) -> None:
    """B2, B5, N: parts of a point are dropped; the points are good for a year to the end of the day."""
    member = await shop.member()
    paid_at = datetime(2026, 3, 31, 18, 0, tzinfo=UTC)  # the first of April in Hong Kong
    await shop.hear(*told(order(member, 12_399, paid_at=paid_at)))
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.orders_count, customer.points_balance) == (12_399, 1, 123)
    [lot] = await shop.rows("SELECT expires_at FROM points_lots")
    assert lot.expires_at == datetime(2027, 4, 1, 15, 59, 59, tzinfo=UTC)
    [event] = await shop.events("points_posted")
    posted = events_pb2.PointsPosted.FromString(event.payload)
    assert (posted.points, posted.balance, posted.customer_id) == (123, 123, str(member))
    await shop.audit()


async def test_an_unpaid_order_counts_when_it_is_paid(shop: Shop) -> None:
    """E1, F7, N."""
    member = await shop.member()
    unpaid = order(member, 5_000, paid=False)
    await shop.hear(*told(unpaid))
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.orders_count, customer.points_balance) == (0, 0, 0)
    await shop.hear(*told(order(member, 5_000, order_id=UUID(unpaid.order_id), version=2)))
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.orders_count, customer.points_balance) == (5_000, 1, 50)
    await shop.audit()


async def test_guests_spend_but_earn_nothing(shop: Shop) -> None:
    """B2."""
    guest = (await shop.enrol(buyer(trusted=False))).customer_id
    await shop.hear(*told(order(guest, 5_000)))
    customer = await shop.customer(guest)
    assert (customer.net_spend, customer.points_balance) == (5_000, 0)


async def test_history_whose_points_would_have_expired_earns_none(shop: Shop) -> None:
    """B2: orders brought from elsewhere."""
    member = await shop.member()
    await shop.hear(*told(order(member, 5_000, paid_at=LONG_AGO)))
    customer = await shop.customer(member)
    assert (customer.net_spend, customer.points_balance) == (5_000, 0)
    assert not await shop.rows("SELECT 1 FROM points_entries")


async def test_events_enrol_buyers_that_nobody_else_has_enrolled(shop: Shop) -> None:
    """E6: the gateway's call never came; a known phone, a new one, an online guest, two orders of one new person."""
    member = await shop.member("+85294512053")
    known = order(new_id(), contact=Contact("A", "+85294512053"))
    new = order(new_id(), contact=Contact("B", some_phone()))
    guest = order(new_id(), contact=Contact("C", "+85294512053"), channel=orders_pb.CHANNEL_STOREFRONT)
    phone = some_phone()
    twice = [order(new_id(), contact=Contact("D", phone)) for _ in range(2)]
    await shop.hear(*(event for one in (known, new, guest, *twice) for event in told(one)))
    assert (await shop.customer(member)).net_spend == 10_000
    assert (await shop.customer(UUID(new.customer_id))).status is Status.MEMBER
    assert (await shop.customer(UUID(guest.customer_id))).status is Status.GUEST
    assert [row.net_spend for row in await shop.rows("SELECT net_spend FROM customers WHERE name = 'D'")] == [20_000]
    await shop.audit()


async def test_events_of_orders_by_known_ids_need_no_call_at_all(shop: Shop) -> None:
    """E6, F10: members, a guest, and an account that has been merged, none of whose orders the gateway has announced."""
    members = [await shop.member() for _ in range(3)]
    guest = (await shop.enrol(buyer(trusted=False))).customer_id
    await shop.absorb(members[0], members[1])
    orders = [order(owner, 1_000) for owner in (*members, guest) for _ in range(3)]
    await asyncio.gather(*(shop.hear(*(event for one in orders for event in told(one))) for _ in range(3)))
    assert [(await shop.customer(i)).net_spend for i in (members[0], members[2], guest)] == [6_000, 3_000, 3_000]
    # Two events a merged account's order: the enrolment's, and that of the paid order that names the old id.
    assert len(await shop.events("buyer_linked")) == 6
    await shop.audit()


async def test_events_three_times_and_shuffled_change_nothing_more(shop: Shop) -> None:
    """Fault 23, N, P: even without the inbox, in batches of any size, with stale versions among them."""
    members = [await shop.member() for _ in range(5)]
    events = []
    for n in range(30):
        first = order(members[n % 5], 1_000 + n, paid=n % 3 != 0)
        events += told(first)
        if n % 3 == 0:
            events += told(order(members[n % 5], 1_000 + n, order_id=UUID(first.order_id), version=2))
    await shop.hear(*events)
    after_once = await shop.state()
    again = events * 3
    random.Random(23).shuffle(again)
    for start in range(0, len(again), 17):
        await shop.hear(*again[start : start + 17])
    assert await shop.state() == after_once
    await shop.audit()


async def test_parallel_batches_with_the_same_buyers_do_not_block_each_other(shop: Shop) -> None:
    """N, P: two workers, and the gateway's enrolments beside them."""
    members = [await shop.member() for _ in range(6)]
    orders = [order(members[n % 6], 1_000) for n in range(60)]
    batches = [orders[n::4] for n in range(4)]
    await asyncio.gather(
        *(shop.hear(*(event for one in batch for event in told(one))) for batch in batches),
        *(
            shop.enrol(buyer(customer_id=UUID(o.customer_id), order_id=UUID(o.order_id), new_customer=False))
            for o in orders[:20]
        ),
    )
    assert [row.net_spend for row in await shop.rows("SELECT net_spend FROM customers")] == [10_000] * 6
    await shop.audit()


async def test_a_payment_that_passed_a_merge_is_sent_to_the_survivor(shop: Shop) -> None:
    """O, fault 12: the paid order still names the merged account."""
    primary, merged = await shop.member(), await shop.member()
    unpaid = order(merged, 900, paid=False)
    await shop.hear(*told(unpaid))
    await shop.absorb(primary, merged)
    await shop.hear(*told(order(merged, 900, order_id=UUID(unpaid.order_id), version=2)))
    [event] = await shop.events("buyer_linked")
    linked = events_pb2.BuyerLinked.FromString(event.payload)
    assert (linked.order_id, linked.customer_id) == (unpaid.order_id, str(primary))
    assert (await shop.customer(primary)).net_spend == 900
    await shop.audit()


async def test_an_unpaid_order_of_a_merged_account_is_left_where_it_is(shop: Shop) -> None:
    """F7: nobody is told to move it; it counts for nobody until it is paid."""
    primary, merged = await shop.member(), await shop.member()
    unpaid = order(merged, 900, paid=False)
    await shop.hear(*told(unpaid))
    await shop.absorb(primary, merged)
    await shop.hear(*told(order(merged, 900, order_id=UUID(unpaid.order_id), version=2, paid=False)))
    assert not await shop.events("buyer_linked")
    assert (await shop.customer(primary)).orders_count == 0


async def test_the_stores_settings_are_followed_and_never_backwards(shop: Shop) -> None:
    """Rule 3: time zone and currency decide what an order earns, and until when."""

    def change(version: int, **settings: str) -> Delivered[identity_merge.StoreChanged]:
        told_store = identity_merge_pb.Store(store_id=str(shop.store_id), **settings)
        message = identity_merge.StoreChanged(store=told_store, version=version)
        return Delivered(new_id(), shop.store_id, outbox.type_of(message), version, message, "")

    yen = change(2, region="TW", currency="JPY", timezone="Asia/Taipei", language="zh-Hant")
    stale = change(1, region="HK", currency="HKD", timezone="Asia/Hong_Kong", language="en")
    async with shop.worker.database.transaction(shop.store_id) as tx:
        await on_store_changed(tx, shop.store_id, [yen, stale])
    member = await shop.member()
    await shop.hear(*told(order(member, 300)))
    assert (await shop.customer(member)).points_balance == 300


async def test_events_arrive_by_the_broker_and_take_effect(shop: Shop, nats_server: Nats) -> None:
    """Rule 1, X: the worker as it runs; published twice, in effect once, and what it causes is published in turn."""
    phone = some_phone()
    one = order(new_id(), 4_000, contact=Contact("王小明", phone))
    messages = [outbox.event(event, UUID(one.order_id), 1) for event in told(one)]
    bus = Bus(nats_server.url, name="test")
    await bus.ensure_streams()
    outgoing = [
        Outgoing(m.type, m.payload, m.event_id, shop.store_id, m.aggregate_id, m.version, clock.now(), "")
        for m in messages
    ]
    stop = asyncio.Event()
    running = asyncio.create_task(
        worker.run(
            "membership",
            stop,
            f"{LOOPBACK}:{choose(['work'], {})['work']}",
            shop.worker.database,
            Bus(nats_server.url, name="w"),
            subscriptions(shop.worker),
        )
    )
    await bus.publish(outgoing)
    async with asyncio.timeout(20):
        while not await shop.rows("SELECT 1 FROM outbox WHERE type LIKE '%posted%' AND published_at IS NOT NULL"):
            await asyncio.sleep(0.05)
    stop.set()
    await running
    await bus.close()
    customer = await shop.customer(UUID(one.customer_id))
    assert (customer.status, customer.phone, customer.net_spend, customer.points_balance) == (
        Status.MEMBER,
        phone,
        4_000,
        40,
    )
    assert len(await shop.rows("SELECT 1 FROM inbox")) == 1
    await shop.audit()
