"""What a broker, or somebody at it, can do to streams: lose them, tell events again in any order, carry what nobody can read."""

from __future__ import annotations

import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from deploy.audit.events import readers
from deploy.local.provision import run_sync
from services.common.bus import Bus, stream_of, subject_of
from tests.faults.system import System

# (subject, payload, headers)
Copy = tuple[str, bytes, dict[str, str]]
_MOST_EVENTS = 150
_TIMES = 3


def with_jetstream(system: System, task: Callable[[JetStreamContext], Awaitable[Any]]) -> None:
    """Runs a task on a connection of its own. Raises BusUnavailable and what the task raises."""

    async def run() -> None:
        bus = Bus(system.stack.settings.nats_url, name="test")
        try:
            await task(await bus.jetstream())
        finally:
            await bus.close()

    run_sync(run())


def delete_stream(system: System, context: str) -> None:
    """The stream of a context is gone, with its readers' places; nothing when it is gone already."""

    async def delete(js: JetStreamContext) -> None:
        try:
            await js.delete_stream(stream_of(context))
        except NotFoundError:
            return

    with_jetstream(system, delete)


def copies(system: System, store_id: str, context: str, most: int = 1_000_000) -> list[Copy]:
    """The last events of a store as their publisher told them."""
    query = (
        "SELECT type, payload, event_id, version FROM outbox WHERE store_id = $1 AND published_at IS NOT NULL"
        " ORDER BY seq DESC LIMIT $2"
    )
    return [
        (
            f"onefold.{event_type}",
            payload,
            {"ce-id": str(event_id), "ce-storeid": store_id, "ce-aggregateversion": str(version)},
        )
        for event_type, payload, event_id, version in reversed(system.rows(context, query, uuid.UUID(store_id), most))
    ]


def publish_again(system: System, store_id: str, context: str, dice: random.Random, most: int = _MOST_EVENTS) -> None:
    """The last events of a context three times, in any order, under ids that JetStream does not know."""
    again = copies(system, store_id, context, most) * _TIMES
    dice.shuffle(again)
    with_jetstream(system, lambda js: publish_copies(js, again))


async def publish_copies(js: JetStreamContext, again: list[Copy]) -> None:
    """Publishes them under ids that defeat JetStream's own de-duplication, which is a help and never the guarantee."""
    for subject, payload, headers in again:
        await js.publish(subject, payload, headers=headers | {"Nats-Msg-Id": f"{headers['ce-id']}-{uuid.uuid4()}"})


def poison(system: System, store_id: str, context: str) -> tuple[uuid.UUID, str]:
    """An event of a kind that others read, and that nobody can: its id and type."""
    event_type = next(types[0] for (publisher, _), types in readers().items() if publisher == context)
    event_id = uuid.uuid4()
    headers = {"ce-id": str(event_id), "ce-storeid": store_id, "ce-aggregateversion": "1"}
    subject = subject_of(event_type)
    with_jetstream(system, lambda js: js.publish(subject, b"\xff\xff not an event", headers=headers))
    return event_id, event_type
