"""Outbox: an event is written in the transaction of the change it tells of; a relay publishes it afterwards (rules 1-3).

One relay at a time publishes for a service. It holds a transaction-scoped advisory lock, so the lease ends with its
connection, however the process dies; others stand by. That keeps events in order per aggregate without bookkeeping of
claims, and at the measured rates one relay is far from being the bottleneck.

The relay is woken by NOTIFY. The NOTIFY is sent after the commit, on a connection of its own and at most every
100 ms: inside the transaction it would serialise all commits of the database on one lock. A wake-up that is lost to a crash
is made good by the sweep. So what comes alone goes at once, and what comes in crowds goes in batches, which cost far less.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from google.protobuf.message import Message
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import crash, telemetry
from services.common.bus import Bus, BusUnavailable, Outgoing, heed_cancellation
from services.common.database import Database, Statement, is_transient
from services.common.ids import new_id
from services.common.telemetry import process
from services.common.telemetry.metrics import EVENTS_PUBLISHED

CHANNEL = "onefold_outbox"
BATCH = 500
SWEEP_SECONDS = 1.0
GAP_SECONDS = 0.1
_RELAY_LOCK = 0x0F01D  # any constant; advisory locks are per database
log = structlog.get_logger()

# For statements that write an event together with the change: unnest over the six arrays of `columns`.
INSERT = """INSERT INTO outbox (store_id, event_id, type, aggregate_id, version, payload, traceparent)
 SELECT CAST(:store_id AS uuid), e.event_id, e.type, e.aggregate_id, e.version, e.payload, CAST(:traceparent AS text)
 FROM unnest(CAST(:event_ids AS uuid[]), CAST(:event_types AS text[]), CAST(:event_aggregates AS uuid[]),
             CAST(:event_versions AS bigint[]), CAST(:event_payloads AS bytea[]))
      AS e(event_id, type, aggregate_id, version, payload)"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one aggregate, as it will travel. `type` is "<context>.<event in snake case>.v1"."""

    type: str
    aggregate_id: UUID
    version: int
    payload: bytes
    event_id: UUID


def type_of(message: type[Message] | Message, publisher: str = "") -> str:
    """The event type of a protobuf message: onefold.orders.v1.OrderPlaced → orders.order_placed.v1.

    What onefold.common defines, each context publishes as its own: `publisher` says which.
    """
    _, context, version, name = message.DESCRIPTOR.full_name.split(".")
    if context == "common":
        context = publisher
    return f"{context}.{re.sub(r'(?<!^)(?=[A-Z])', '_', name).lower()}.{version}"


def event(message: Message, aggregate_id: UUID, version: int, publisher: str = "") -> Event:
    """Wraps a protobuf event. `version` is the aggregate's after the change; `publisher` as in `type_of`."""
    return Event(type_of(message, publisher), aggregate_id, version, message.SerializeToString(), new_id())


def columns(store_id: UUID, events: Sequence[Event]) -> dict[str, Any]:
    """Parameters of INSERT."""
    return {
        "store_id": store_id,
        "traceparent": telemetry.traceparent(),
        "event_ids": [e.event_id for e in events],
        "event_types": [e.type for e in events],
        "event_aggregates": [e.aggregate_id for e in events],
        "event_versions": [e.version for e in events],
        "event_payloads": [e.payload for e in events],
    }


_INSERT = text(INSERT)


async def add(tx: AsyncConnection, store_id: UUID, events: Sequence[Event], *, even_none: bool = False) -> None:
    """Writes events in the caller's transaction. `even_none`: asks the database also where there are none, for time tells."""
    if events or even_none:
        await tx.execute(_INSERT, columns(store_id, events))


class Waker:
    """Tells the relay that something was committed; never waits and never fails its caller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """Call after a commit that wrote events."""
        self._wanted.set()

    async def run(self) -> None:
        """Sends at most one NOTIFY every GAP_SECONDS, for as long as the process lives."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                async with self._database.across_stores() as tx:
                    await tx.execute(text(f"NOTIFY {CHANNEL}"))
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("relay_not_woken", error=type(error).__name__)
            await asyncio.sleep(GAP_SECONDS)


class Relay:
    """Publishes what lies in the outbox of one service."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Looks at once instead of at the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Publishes until cancelled; waits out a database or broker that is away."""
        listener = asyncio.create_task(listen(self._database, self._woken.set))
        try:
            while True:
                try:
                    published = await self.publish_batch()
                except BusUnavailable as error:
                    log.warning("relay_waits_for_broker", error=str(error))
                    published = 0
                except Exception as error:
                    if not is_transient(error):
                        raise
                    log.warning("relay_waits_for_database", error=type(error).__name__)
                    published = 0
                heed_cancellation()
                if published < BATCH:
                    await self._rest(GAP_SECONDS if published else 0)
        finally:
            listener.cancel()

    async def _rest(self, at_least: float) -> None:
        await asyncio.sleep(at_least)
        try:
            async with asyncio.timeout(SWEEP_SECONDS):  # wait_for may swallow a cancellation (Python 3.11)
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def publish_batch(self) -> int:
        """Publishes up to BATCH events in order and marks them; 0 when another relay is at work."""
        async with self._database.across_stores() as tx:
            held = await _LOCK.first(tx, {"lock": _RELAY_LOCK})
            if not held[0]:
                return 0
            rows = await _UNPUBLISHED.all(tx, {"batch": BATCH})
            if not rows:
                return 0
            crash.point("outbox.before_publish")
            await self._publish(rows)
            crash.point("outbox.after_publish")
            await _MARK.all(tx, {"seqs": [row["seq"] for row in rows]})
        EVENTS_PUBLISHED.labels(process.own().service).inc(len(rows))
        return len(rows)

    async def _publish(self, rows: Sequence[Mapping[str, Any]]) -> None:
        traceparents = [row["traceparent"] for row in rows]
        with telemetry.span_of(
            traceparents, [f"publish {row['type']}" for row in rows], telemetry.PRODUCER
        ) as going_on:
            await self._bus.publish([_outgoing(*each) for each in zip(rows, going_on, strict=True)])


async def listen(database: Database, heard: Callable[[], object]) -> None:
    """Holds one connection and calls `heard` at each NOTIFY; reconnects for ever."""
    while True:
        try:
            async with database.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver = raw.driver_connection
                if driver is None:
                    raise ConnectionError("no connection")
                await driver.add_listener(CHANNEL, lambda *_: heard())
                lost = asyncio.Event()
                driver.add_termination_listener(lambda _, lost=lost: lost.set())
                await lost.wait()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("not_listening", error=type(error).__name__)
        await asyncio.sleep(1)


def _outgoing(row: Mapping[str, Any], traceparent: str) -> Outgoing:
    return Outgoing(
        row["type"],
        row["payload"],
        row["event_id"],
        row["store_id"],
        row["aggregate_id"],
        row["version"],
        row["occurred_at"],
        traceparent,
    )


# A statement of its own, so that the rows are read by a snapshot taken after the former holder's commit.
_LOCK = Statement("SELECT pg_try_advisory_xact_lock(:lock)")
# Unpublished rows that are visible are read in seq order. A transaction that took a lower seq may still commit later; that
# is no matter across aggregates, and one aggregate's writers follow one another by its row lock.
_UNPUBLISHED = Statement(
    """SELECT store_id, event_id, seq, type, aggregate_id, version, payload, traceparent, occurred_at FROM outbox
 WHERE published_at IS NULL ORDER BY seq LIMIT :batch"""
)
_MARK = Statement(
    "UPDATE outbox SET published_at = now() WHERE published_at IS NULL AND seq = ANY(CAST(:seqs AS bigint[]))"
)
