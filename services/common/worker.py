"""The `work` process of a service: relay, consumers, replay of dead letters, housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import text

from services.common import health, service
from services.common.bus import Bus, BusUnavailable, heed_cancellation
from services.common.database import Database, is_transient
from services.common.inbox import Consumer, Subscription
from services.common.outbox import Relay
from services.common.sampling import EVERY_SECONDS, Sampler
from services.common.telemetry import process

log = structlog.get_logger()
# Published events and idempotency keys are kept for a week (rule 2); inbox rows longer than any event can be delivered again.
_HOUSEKEEPING = (
    "DELETE FROM outbox WHERE ctid IN (SELECT ctid FROM outbox WHERE published_at < now() - interval '7 days' LIMIT 5000)",
    "DELETE FROM inbox WHERE ctid IN (SELECT ctid FROM inbox WHERE received_at < now() - interval '30 days' LIMIT 5000)",
    "DELETE FROM idempotency_keys WHERE ctid IN"
    " (SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '7 days' LIMIT 5000)",
)


async def run(
    context: str,
    stop: asyncio.Event,
    listen: str,
    database: Database,
    bus: Bus,
    subscriptions: Mapping[str, Sequence[Subscription]],
    *loops: Coroutine[Any, Any, None],
    queues: Mapping[str, str] | None = None,
    on_events: Callable[[], None] = lambda: None,
) -> None:
    """Works until `stop`, and says so at `listen` to whoever checks its health.

    `subscriptions` maps another context to what this one reads of it; `loops` are the service's own.
    `queues` names what waits in its own tables (`sampling`). `on_events` is called after each commit of events that took effect.
    """
    relay = Relay(database, bus)

    def after() -> None:
        relay.wake()
        on_events()

    consumers = [Consumer(database, bus, context, other, subs, after) for other, subs in subscriptions.items()]
    sampler = Sampler(context, database, bus, queues or {}, subscriptions)
    database.watch()
    try:
        async with health.serving(listen, {"database": database.answers, "broker": bus.answers}):
            await service.until(
                stop,
                _streams(bus),
                relay.run(),
                *(consumer.run() for consumer in consumers),
                every(10, "replay", lambda: _replay(consumers)),
                every(600, "housekeeping", lambda: _clean(database)),
                *([every(EVERY_SECONDS, "sample", sampler.sample)] if process.own().watched else []),
                *loops,
            )
    finally:
        await bus.close()
        await database.close()


async def every(seconds: float, name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Runs `task()` again and again, waiting out dependencies that are away."""
    while True:
        try:
            await task()
        except BusUnavailable as error:
            log.warning("loop_waits_for_broker", loop=name, error=str(error))
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("loop_waits_for_database", loop=name, error=type(error).__name__)
        await asyncio.sleep(seconds)


async def _streams(bus: Bus) -> None:
    """Sees to it that the streams exist, also after somebody has deleted one (fault 22)."""
    while True:
        try:
            await bus.ensure_streams()
        except BusUnavailable as error:
            log.warning("streams_wait_for_broker", error=str(error))
            heed_cancellation()
            await asyncio.sleep(1)
            continue
        heed_cancellation()
        await asyncio.sleep(60)


async def _replay(consumers: Sequence[Consumer]) -> None:
    for consumer in consumers:
        await consumer.replay_wanted()


async def _clean(database: Database) -> None:
    for statement in _HOUSEKEEPING:
        removed = 5_000
        while removed == 5_000:
            async with database.across_stores() as tx:
                removed = (await tx.execute(text(statement))).rowcount
