"""Whether databases that were restored one by one make a state that could have been: nobody may know of what was never sent.

A reader that is behind is no harm: `deploy.reconcile` publishes again what it has not read. A reader that is ahead has the effects of
an event whose sender does not remember it, such as points for an order that is gone; nothing can mend that but an earlier time for the
reader. A server that was restored whole has no such thing; this finds what several servers, with clocks of their own, have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from deploy.audit.events import readers
from deploy.audit.joins import Databases, Row, full_join

# Outboxes keep events for seven days after they were published, receipts stay for longer.
_KEPT = timedelta(days=6)
_SENT = "SELECT store_id, event_id FROM outbox WHERE type = ANY($1) ORDER BY store_id, event_id"
_READ = "SELECT store_id, event_id, received_at FROM inbox WHERE type = ANY($1) ORDER BY store_id, event_id"
_ABSORBED = "SELECT store_id, merge_run_id, at FROM absorptions ORDER BY store_id, merge_run_id"
_RUNS = "SELECT store_id, merge_run_id FROM merge_runs ORDER BY store_id, merge_run_id"


@dataclass(frozen=True, slots=True)
class Ahead:
    """What `reader` knows and `sender` does not: how much, and since when; the reader's time has to be before that."""

    sender: str
    reader: str
    what: str
    count: int
    since: datetime


async def ahead(urls: Mapping[str, str]) -> list[Ahead]:
    """Of all pairs of services; empty where the databases make one state."""
    found: list[Ahead] = []
    async with Databases.open(dict(urls)) as databases:
        for (sender, reader), types in readers().items():
            newest = await (await databases.connection(sender)).fetchval("SELECT max(occurred_at) FROM outbox")
            since = (newest - _KEPT) if newest else datetime.min.replace(tzinfo=UTC)
            sent = databases.stream(sender, _SENT, types)
            read = databases.stream(reader, _READ, types)
            found += await _unknown(sender, reader, "events", sent, read, since)
        applied, runs = databases.stream("membership", _ABSORBED), databases.stream("identity_merge", _RUNS)
        always = datetime.min.replace(tzinfo=UTC)
        found += await _unknown("identity_merge", "membership", "merges", runs, applied, always)
    return found


async def _unknown(
    sender: str, reader: str, what: str, known: AsyncIterator[Row], seen: AsyncIterator[Row], since: datetime
) -> list[Ahead]:
    """What has been seen and is not known. An id tells when it was made: what is from before `since` was forgotten in good order.

    What was seen is read first: nothing seems to be ahead that is sent and read meanwhile, where everybody is at work.
    """
    times = [
        row[2]
        async for row, origin in full_join(seen, known, 2)
        if origin is None and row is not None and _made(row[1]) > since
    ]
    return [Ahead(sender, reader, what, len(times), min(times))] if times else []


def _made(event_id: UUID) -> datetime:
    """The time in a UUIDv7."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1_000, UTC)
