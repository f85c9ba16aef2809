"""Inbox: each event takes effect once per service. The inbox row, the effect and the events it causes are one
transaction; only then is the message acknowledged (rule 1).

A batch is tried in one transaction per store. When that fails, its events are tried one by one, so that a poison message
harms nobody else: after MAX_TRIES it is kept in `dead_letters`, where a person can have it replayed (fault 24).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
import structlog
from google.protobuf.message import DecodeError, Message
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import crash, telemetry
from services.common.bus import Bus, BusUnavailable, Msg, fetch, heed_cancellation
from services.common.database import Database, Statement, is_transient
from services.common.errors import Unavailable
from services.common.ids import NIL
from services.common.outbox import type_of
from services.common.telemetry.metrics import EVENTS_APPLIED, EVENTS_FAILED

M = TypeVar("M", bound=Message)
BATCH = 100
# A batch costs its reader hardly more than one message. Besides, an order's buyer has mostly been enrolled by the gateway's call
# when the event is read, instead of at the same moment.
GATHER_SECONDS = 0.02
GATHER_UNDER_LOAD_SECONDS = 0.1
MAX_TRIES = 5
log = structlog.get_logger()


class RetryLater(Exception):
    """Raised by a handler whose event came before something it needs; it is delivered again, without limit."""


@dataclass(frozen=True, slots=True)
class Delivered(Generic[M]):
    """One event as it arrived."""

    event_id: UUID
    store_id: UUID
    type: str
    version: int
    message: M
    traceparent: str

    @property
    def publisher(self) -> str:
        """The context that published it."""
        return self.type.partition(".")[0]


Handler = Callable[[AsyncConnection, UUID, Sequence[Delivered[Any]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A protobuf event and who handles it. The handler gets (transaction, store id, events in order).

    One handler of several types gets them together: placed and paid in turn would make a batch of each.
    """

    message: type[Message]
    handler: Handler


class Consumer:
    """Reads one context's stream for one service."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        reader: str,
        context: str,
        subscriptions: Sequence[Subscription],
        after: Callable[[], None],
    ) -> None:
        self._database = database
        self._bus = bus
        self._reader = reader
        self._context = context
        self._by_type: Mapping[str, Subscription] = {type_of(s.message, context): s for s in subscriptions}
        self._after = after

    async def run(self) -> None:
        """Consumes until cancelled; subscribes again whenever the broker or stream was away."""
        while True:
            try:
                subscription = await self._bus.subscribe(self._reader, self._context, list(self._by_type))
                gather = GATHER_SECONDS
                while True:
                    batch = await fetch(subscription, BATCH, wait_seconds=5, gather_seconds=gather)
                    gather = GATHER_UNDER_LOAD_SECONDS if len(batch) > 1 else GATHER_SECONDS
                    await self._consume(batch)
                    heed_cancellation()
            except BusUnavailable as error:
                log.warning("consumer_waits_for_broker", context=self._context, error=str(error))
                heed_cancellation()
                await asyncio.sleep(1)

    async def _consume(self, messages: Sequence[Msg]) -> None:
        if not messages:
            return
        readable: list[tuple[Msg, Delivered[Any]]] = []
        for message in messages:
            try:
                readable.append((message, self._decode(message.subject, message.headers or {}, message.data)))
            except (DecodeError, KeyError, ValueError) as error:
                await self._fail(message, NIL, error)
        readable.sort(key=lambda pair: pair[1].store_id)  # stable: order within a store stays
        for store_id, pairs in groupby(readable, key=lambda pair: pair[1].store_id):
            await self._consume_store(store_id, list(pairs))

    async def _consume_store(self, store_id: UUID, pairs: Sequence[tuple[Msg, Delivered[Any]]]) -> None:
        try:
            await self._apply(store_id, [event for _, event in pairs])
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is retried or buried, never lost
            if len(pairs) > 1:
                for pair in pairs:
                    await self._consume_store(store_id, [pair])
            else:
                await self._fail(pairs[0][0], store_id, error)
            return
        crash.point("inbox.before_ack")
        for message, _ in pairs:
            await message.ack()

    async def _apply(self, store_id: UUID, events: Sequence[Delivered[Any]]) -> None:
        telemetry.begin(traceparent=events[0].traceparent)
        traceparents = [event.traceparent for event in events]
        try:
            with telemetry.span_of(traceparents, [f"process {e.type}" for e in events], telemetry.CONSUMER) as going_on:
                # What an event causes goes on in its own trace.
                events = [
                    event if traceparent == event.traceparent else replace(event, traceparent=traceparent)
                    for event, traceparent in zip(events, going_on, strict=True)
                ]
                await self._take_effect(store_id, events)
        finally:
            telemetry.end()

    async def _take_effect(self, store_id: UUID, events: Sequence[Delivered[Any]]) -> None:
        async with self._database.transaction(store_id) as tx:
            new = {
                row["event_id"]
                for row in await _CLAIM.all(
                    tx,
                    {
                        "store_id": store_id,
                        "event_ids": [e.event_id for e in events],
                        "types": [e.type for e in events],
                    },
                )
            }
            fresh = {
                e.event_id: e for e in events if e.event_id in new
            }  # a doubled delivery within the batch counts once
            for handler, run in groupby(fresh.values(), key=lambda e: self._by_type[e.type].handler):
                await handler(tx, store_id, list(run))
            crash.point("inbox.before_commit")
        if fresh:
            EVENTS_APPLIED.labels(self._reader, self._context).inc(len(fresh))
            self._after()

    async def _fail(self, message: Msg, store_id: UUID, error: Exception) -> None:
        tries = message.metadata.num_delivered
        waiting = isinstance(error, (RetryLater, Unavailable)) or is_transient(error)
        log.warning(
            "event_failed",
            subject=message.subject,
            tries=tries,
            waiting=waiting,
            error=type(error).__name__,
        )
        if waiting or tries < MAX_TRIES:
            EVENTS_FAILED.labels(self._reader, self._context, "waits" if waiting else "retried").inc()
            await message.nak(delay=min(0.2 * 2 ** min(tries, 8), 30))
            return
        try:
            await self._bury(message, store_id, error)
        except Exception as storage_error:
            if not is_transient(storage_error):
                raise
            await message.nak(delay=30)
            return
        EVENTS_FAILED.labels(self._reader, self._context, "buried").inc()
        await message.term()

    async def _bury(self, message: Msg, store_id: UUID, error: Exception) -> None:
        headers = message.headers or {}
        async with self._database.transaction(store_id) as tx:
            await tx.execute(
                _BURY,
                {
                    "store_id": store_id,
                    "event_id": _event_id(message),
                    "subject": message.subject,
                    "headers": orjson.dumps(headers),
                    "payload": message.data,
                    "error": f"{type(error).__name__}: {error}"[:2_000],
                },
            )

    def _decode(self, subject: str, headers: Mapping[str, str], payload: bytes) -> Delivered[Any]:
        event_type = subject.removeprefix("onefold.")
        message = self._by_type[event_type].message.FromString(payload)
        return Delivered(
            UUID(headers["ce-id"]),
            UUID(headers["ce-storeid"]),
            event_type,
            int(headers["ce-aggregateversion"]),
            message,
            headers.get("traceparent", ""),
        )

    async def replay_wanted(self) -> int:
        """Applies dead letters of this context whose replay a person asked for; returns how many went through."""
        async with self._database.across_stores() as tx:
            rows = (await tx.execute(_WANTED, {"subject": f"onefold.{self._context}.%"})).all()
        done = 0
        for row in rows:
            try:
                event = self._decode(row.subject, orjson.loads(row.headers), row.payload)
                # The event's own store: a message that could not be read was buried without one.
                await self._apply(event.store_id, [event])
            except Exception as error:  # noqa: BLE001 - written beside the dead letter for the person who asked
                log.warning("replay_failed", subject=row.subject, error=type(error).__name__)
                result = {"error": f"{type(error).__name__}: {error}"[:2_000], "replayed": False}
            else:
                done += 1
                result = {"error": row.error, "replayed": True}
            async with self._database.transaction(row.store_id) as tx:
                await tx.execute(_REPLAYED, {"store_id": row.store_id, "event_id": row.event_id, **result})
        return done


def _event_id(message: Msg) -> UUID:
    try:
        return UUID((message.headers or {})["ce-id"])
    except (KeyError, ValueError):
        return UUID(int=message.metadata.sequence.stream)  # no id of its own: its place in the stream is one


_CLAIM = Statement(
    """INSERT INTO inbox (store_id, event_id, type)
 SELECT CAST(:store_id AS uuid), e.event_id, e.type FROM unnest(CAST(:event_ids AS uuid[]), CAST(:types AS text[])) AS e(event_id, type)
 ORDER BY e.event_id ON CONFLICT DO NOTHING RETURNING event_id"""
)
_BURY = text(
    """INSERT INTO dead_letters (store_id, event_id, subject, headers, payload, error)
 VALUES (:store_id, :event_id, :subject, :headers, :payload, :error)
 ON CONFLICT (store_id, event_id) DO UPDATE SET error = excluded.error, failed_at = now(), replay_wanted_at = NULL, replayed_at = NULL"""
)
_WANTED = text(
    """SELECT store_id, event_id, subject, headers, payload, error FROM dead_letters
 WHERE replay_wanted_at IS NOT NULL AND replayed_at IS NULL AND subject LIKE :subject ORDER BY failed_at LIMIT 100"""
)
_REPLAYED = text(
    """UPDATE dead_letters SET error = :error, replay_wanted_at = NULL, replayed_at = CASE WHEN :replayed THEN now() END
 WHERE store_id = :store_id AND event_id = :event_id"""
)
