"""The broker loses, doubles or garbles what it carries; the databases hold the truth (X, E; fault matrix, rows 21-24)."""

from __future__ import annotations

import asyncio
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from nats.js import JetStreamContext

from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS
from deploy.reconcile import reconcile
from services.common.bus import stream_of
from tests.faults.client import Shop, somebody, until
from tests.faults.flows import NewMember
from tests.faults.soak.broker import copies, poison, publish_copies, with_jetstream
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


def test_deleted_streams_are_made_again_and_nothing_is_missed(system: System, shop: Shop) -> None:
    """Fault 22: all streams vanish while orders come in; reconcile has published again what no reader has seen."""
    before, after = NewMember(system, shop), NewMember(system, shop)
    before.run()
    with _orders_coming_in(shop) as orders:
        until(lambda: len(orders) >= 5, 60, "orders come in")
        with_jetstream(system, _delete_streams)
        mark = len(orders)
        until(lambda: len(orders) >= mark + 5, 60, "orders come in after the loss")
    after.run()
    _reconcile_until_quiet(system)
    for flow in (before, after):
        flow.check()
    for order_id, phone in orders:
        [member] = shop.members_with(phone)
        assert shop.api.get(f"/orders/{order_id}")["customer_id"] == member["customer_id"]


def test_a_broker_rolled_back_to_an_earlier_state_is_caught_up(system: System, shop: Shop) -> None:
    """Fault 22: the broker's disk is that of a moment ago, as after a restored volume; its readers were further."""
    broker, folder = system.process("nats"), system.stack.data.path / "nats"
    saved = folder.with_name("nats-saved")
    first, lost, unread = (NewMember(system, shop) for _ in range(3))
    first.run()
    system.audit()
    broker.terminate()
    shutil.copytree(folder, saved)
    broker.start()
    lost.run()  # published and read; the broker will not know of it any more
    system.audit()
    with system.without("notification-work", "identity_merge-work"):
        unread.run()  # published, not read by these two, and then lost
        published = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        until(
            lambda: all(system.rows(c, published) == [(0,)] for c in ("orders", "membership")), 30, "all is published"
        )
        broker.terminate()
        shutil.rmtree(folder)
        saved.rename(folder)
        broker.start()
    _reconcile_until_quiet(system)
    for flow in (first, lost, unread):
        flow.check()


def test_every_event_three_times_shuffled_and_from_the_first_changes_nothing(system: System, shop: Shop) -> None:
    """Fault 23: what came late, twice and in the wrong order leaves state and mails as they were."""
    who = somebody()
    accounts = [shop.member(who), *shop.members(3)]
    shop.pay(shop.order(accounts[1], paid=False)["order_id"])
    shop.merge(accounts[:3])
    shop.order(who)
    system.audit()
    before, mails = system.content(shop.store_id), system.mails(who.email)
    again = [copy for context in CONTEXTS for copy in copies(system, shop.store_id, context)] * 3
    random.Random(23).shuffle(again)
    with_jetstream(system, lambda js: publish_copies(js, again))
    _settle_consumers(system)
    system.audit()
    assert system.content(shop.store_id) == before
    assert system.mails(who.email) == mails


def test_poison_is_put_aside_and_others_go_on(system: System, shop: Shop) -> None:
    """Fault 24: an event that nobody can read ends where a person finds it; orders do not wait for that."""
    event_id, _ = poison(system, shop.store_id, "orders")
    flow = NewMember(system, shop)
    flow.run()
    kept = "SELECT subject FROM dead_letters WHERE event_id = $1"
    readers = ("membership", "notification")
    try:
        for reader in readers:
            look = partial(system.rows, reader, kept, event_id)
            assert until(look, 60, "the poison is put aside") == [("onefold.orders.order_placed.v1",)]
    finally:
        for reader in readers:
            system.rows(reader, "DELETE FROM dead_letters WHERE event_id = $1", event_id)
    system.audit()
    flow.check()


@contextmanager
def _orders_coming_in(shop: Shop) -> Iterator[list[tuple[str, str]]]:
    """New members buy, one after the other, until the end: (order id, phone) of each."""
    stop, placed, troubles = threading.Event(), [], []

    def buy() -> None:
        try:
            while not stop.is_set():
                who = somebody()
                placed.append((shop.order(who)["order_id"], who.phone))
        except Exception as error:  # noqa: BLE001 - raised below, in the test's own thread
            troubles.append(error)

    thread = threading.Thread(target=buy, daemon=True)
    thread.start()
    try:
        yield placed
    finally:
        stop.set()
        thread.join(90)
    assert not troubles, troubles


async def _delete_streams(js: JetStreamContext) -> None:
    for context in CONTEXTS:
        await js.delete_stream(stream_of(context))


def _settle_consumers(system: System) -> None:
    """Until every consumer has acknowledged all that its stream holds for it."""

    async def settle(js: JetStreamContext) -> None:
        for context in CONTEXTS:
            async with asyncio.timeout(60):
                while any(c.num_pending or c.num_ack_pending for c in await js.consumers_info(stream_of(context))):
                    await asyncio.sleep(0.05)

    with_jetstream(system, settle)


def _reconcile_until_quiet(system: System) -> None:
    """Runs reconcile, as an operator would after such a loss, and lets things come to rest. A second run finds nothing."""
    urls = {context: urls.worker for context, urls in system.stack.settings.databases.items()}
    unpublished = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
    until(
        lambda: all(system.rows(context, unpublished) == [(0,)] for context in CONTEXTS), 60, "the relays publish again"
    )
    run_sync(reconcile(urls, 0))
    system.audit()
    assert not any(found.unread for found in run_sync(reconcile(urls, 0)))
