"""Outbox → relay → JetStream → inbox on a real PostgreSQL and a real nats-server (architecture, rules 1-3; X)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.local.nats import Nats
from deploy.local.state import DatabaseUrls
from onefold.membership.v1 import events_pb2 as membership
from services.common import inbox, outbox
from services.common.bus import Bus, BusUnavailable, Outgoing
from services.common.database import Database, connect
from services.common.ids import new_id
from services.common.inbox import Consumer, Delivered, Subscription
from services.common.outbox import Relay

Handler = Callable[[AsyncConnection, UUID, Sequence[Delivered[Any]]], Awaitable[None]]


class Reader:
    """A service that reads BuyerLinked and remembers the order of what took effect, poison apart."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.poison: str = ""
        self.batches = 0

    async def handle(
        self, tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.BuyerLinked]]
    ) -> None:
        self.batches += 1
        if any(event.message.order_id == self.poison for event in events):
            raise ValueError("cannot digest this")
        self.seen += [event.message.order_id for event in events]


@pytest.fixture
async def database(service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Database]:
    """One database plays publisher and reader; its worker role reads every store's plumbing."""
    database = Database(connect(service_database("orders").worker, connections=8, name="test"))
    yield database
    await database.close()


@pytest.fixture
async def bus(nats_server: Nats) -> AsyncIterator[Bus]:
    bus = Bus(nats_server.url, name="test")
    await bus.ensure_streams()
    js = await bus.jetstream()
    await js.purge_stream("ONEFOLD_MEMBERSHIP")
    yield bus
    await bus.close()


async def commit(database: Database, store_id: UUID, names: Sequence[str]) -> None:
    async with database.transaction(store_id) as tx:
        for name in names:
            await outbox.add(tx, store_id, [outbox.event(membership.BuyerLinked(order_id=name), new_id(), version=1)])


@asynccontextmanager
async def reading(database: Database, bus: Bus, reader: Reader) -> AsyncIterator[Consumer]:
    name = f"test-{new_id()}"
    consumer = Consumer(
        database, bus, name, "membership", [Subscription(membership.BuyerLinked, reader.handle)], lambda: None
    )
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_events_arrive_once_and_in_order(database: Database, bus: Bus) -> None:
    names = [str(n) for n in range(300)]
    reader = Reader()
    await commit(database, new_id(), names)
    async with reading(database, bus, reader):
        assert await Relay(database, bus).publish_batch() == 300
        assert await Relay(database, bus).publish_batch() == 0
        await until(lambda: len(reader.seen) == 300)
    assert reader.seen == names
    assert reader.batches < 30  # taken in batches, not one by one


async def test_many_events_are_stored_by_one_batch_and_few_one_by_one(bus: Bus) -> None:
    """Each message by itself would wait for the disk by itself."""
    await bus.publish(outgoing(15))
    await bus.publish(outgoing(16))
    js = await bus.jetstream()
    batches = [(await js.get_msg("ONEFOLD_MEMBERSHIP", seq)).headers.get("Nats-Batch-Id") for seq in await seqs(bus)]
    assert batches[:15] == [None] * 15
    assert len(set(batches[15:])) == 1
    assert batches[15]


async def test_what_a_lost_acknowledgement_left_behind_is_not_stored_again(bus: Bus) -> None:
    """A batch with anything that is there already is refused whole; its messages go one by one, and JetStream knows those it has."""
    messages = outgoing(40)
    await bus.publish(messages[:20])
    await bus.publish(messages)
    await bus.publish(messages)
    assert len(await seqs(bus)) == 40


async def test_a_stream_of_an_earlier_release_takes_events_too(bus: Bus) -> None:
    js = await bus.jetstream()
    config = (await js.stream_info("ONEFOLD_MEMBERSHIP")).config
    await js.update_stream(config, allow_atomic=False)
    await bus.publish(outgoing(20))
    await bus.ensure_streams()
    await bus.publish(outgoing(20))
    assert len(await seqs(bus)) == 40


async def test_events_of_several_contexts_go_to_their_streams(bus: Bus) -> None:
    js = await bus.jetstream()
    before = (await js.stream_info("ONEFOLD_ORDERS")).state.messages
    await bus.publish(outgoing(10) + outgoing(10, "orders.order_placed.v1"))
    assert len(await seqs(bus)) == 10
    assert (await js.stream_info("ONEFOLD_ORDERS")).state.messages == before + 10


def outgoing(count: int, type_: str = "membership.buyer_linked.v1") -> list[Outgoing]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [Outgoing(type_, b"x" * 300, new_id(), new_id(), new_id(), 1, at, "") for _ in range(count)]


async def seqs(bus: Bus) -> list[int]:
    state = (await (await bus.jetstream()).stream_info("ONEFOLD_MEMBERSHIP")).state
    return list(range(state.first_seq, state.last_seq + 1)) if state.messages else []


async def test_every_event_three_times_and_shuffled_takes_effect_once(database: Database, bus: Bus) -> None:
    """Fault 23."""
    reader, store_id = Reader(), new_id()
    await commit(database, store_id, [str(n) for n in range(50)])
    async with database.across_stores() as tx:
        rows = (await tx.execute(text("SELECT *, NULL AS x FROM outbox"))).mappings().all()
    outgoing = [outbox._outgoing(row, row["traceparent"]) for row in rows] * 3
    random.Random(7).shuffle(outgoing)
    js = await bus.jetstream()
    for number, message in enumerate(outgoing):  # ids that defeat JetStream's own de-duplication
        headers = message.headers() | {"Nats-Msg-Id": f"{message.event_id}-{number}"}
        await js.publish(f"onefold.{message.type}", message.payload, headers=headers)
    async with reading(database, bus, reader):
        await until(lambda: len(reader.seen) >= 50)
        await asyncio.sleep(0.3)
    assert sorted(reader.seen, key=int) == [str(n) for n in range(50)]


async def test_a_poison_message_is_kept_for_replay_and_others_go_on(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 24."""
    monkeypatch.setattr(inbox, "MAX_TRIES", 2)
    reader = Reader()
    reader.poison = "3"
    await commit(database, new_id(), [str(n) for n in range(6)])
    await Relay(database, bus).publish_batch()
    async with reading(database, bus, reader) as consumer:
        await until(lambda: len(reader.seen) == 5)
        while not (letters := await rows(database, "SELECT error, replay_wanted_at FROM dead_letters")):
            await asyncio.sleep(0.05)
        assert letters == [("ValueError: cannot digest this", None)]
        await execute(database, "UPDATE dead_letters SET replay_wanted_at = now()")
        assert await consumer.replay_wanted() == 0  # the cause is still there
        reader.poison = ""
        await execute(database, "UPDATE dead_letters SET replay_wanted_at = now()")
        assert await consumer.replay_wanted() == 1
    assert reader.seen == ["0", "1", "2", "4", "5", "3"]


async def test_a_message_that_is_no_event_is_kept_too(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 24: not even its headers can be read."""
    monkeypatch.setattr(inbox, "MAX_TRIES", 1)
    js = await bus.jetstream()
    await js.publish("onefold.membership.buyer_linked.v1", b"\xff\xff")
    async with reading(database, bus, Reader()):
        async with asyncio.timeout(10):
            while not await rows(database, "SELECT 1 FROM dead_letters WHERE payload = '\\xffff'"):
                await asyncio.sleep(0.05)


async def test_a_handler_that_must_wait_is_asked_again_until_it_can(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Architecture, rule 3: a gap is retried later and never buried."""
    monkeypatch.setattr(inbox, "MAX_TRIES", 2)
    reader, refusals = Reader(), 0
    digest = reader.handle

    async def early(tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[Any]]) -> None:
        nonlocal refusals
        if refusals < inbox.MAX_TRIES + 1:
            refusals += 1
            raise inbox.RetryLater("not yet")
        await digest(tx, store_id, events)

    reader.handle = early  # type: ignore[method-assign]
    await commit(database, new_id(), ["1"])
    await Relay(database, bus).publish_batch()
    async with reading(database, bus, reader):
        await until(lambda: reader.seen == ["1"], seconds=60)
    assert await rows(database, "SELECT 1 FROM dead_letters") == []


async def test_two_relays_publish_each_event_once(database: Database, bus: Bus) -> None:
    await commit(database, new_id(), [str(n) for n in range(200)])
    done = 0
    while done < 200:
        done += sum(await asyncio.gather(*(Relay(database, bus).publish_batch() for _ in range(4))))
    info = await (await bus.jetstream()).stream_info("ONEFOLD_MEMBERSHIP")
    assert (done, info.state.messages) == (200, 200)


async def test_what_is_committed_while_the_broker_is_away_arrives_when_it_is_back(
    database: Database, bus: Bus, nats_server: Nats
) -> None:
    """Fault 21, in short."""
    reader = Reader()
    async with reading(database, bus, reader):
        await commit(database, new_id(), ["before"])
        await Relay(database, bus).publish_batch()
        await until(lambda: reader.seen == ["before"])
        nats_server.process.kill()
        await commit(database, new_id(), ["meanwhile"])
        with pytest.raises(BusUnavailable):
            await Relay(database, bus).publish_batch()
        await asyncio.to_thread(nats_server.start)
        relay = asyncio.create_task(Relay(database, bus).run())
        await until(lambda: reader.seen == ["before", "meanwhile"], seconds=40)
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


async def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    async with database.across_stores() as tx:
        return [tuple(row) for row in await tx.execute(text(query))]


async def execute(database: Database, statement: str) -> None:
    async with database.across_stores() as tx:
        await tx.execute(text(statement))
