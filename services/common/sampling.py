"""Looks from time to time at what waits, for whoever watches (H6): queues of the database, and how far behind readers of events are.

Every `work` process looks for itself, for none of them leads for longer than a batch, and one that told for all would be missed when
it dies; what several tell of one database is the same, so that the largest is taken (`max by (service, queue)`). It costs one
transaction of counts by partial indexes, each to a limit, whenever it is time, and nothing when metrics are asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from sqlalchemy import text

from services.common.bus import Bus
from services.common.database import Database
from services.common.telemetry import metrics

EVERY_SECONDS = 10.0
# Beyond it nobody needs to know how many they are, and counting would cost as much as working.
MOST_COUNTED = 50_000
# Each gives, for all that waits, since when; where there are more than are counted, the oldest first if an index says which those are.
PLUMBING = {
    "outbox": "SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY seq",
    "dead_letters": "SELECT failed_at FROM dead_letters WHERE replayed_at IS NULL",
}


class Sampler:
    """Of one service. `queues` names what else waits there, as PLUMBING does; `publishers` are those whose events it reads."""

    def __init__(
        self, service: str, database: Database, bus: Bus, queues: Mapping[str, str], publishers: Iterable[str]
    ) -> None:
        self._service = service
        self._database = database
        self._bus = bus
        self._publishers = tuple(publishers)
        self._count = text(" UNION ALL ".join(_count(*each) for each in (PLUMBING | dict(queues)).items()))

    async def sample(self) -> None:
        """Looks once. Raises BusUnavailable, and the database's errors."""
        async with self._database.across_stores() as tx:
            waiting = (await tx.execute(self._count)).all()
        for row in waiting:
            metrics.QUEUE_LENGTH.labels(self._service, row.queue).set(row.length)
            metrics.QUEUE_OLDEST.labels(self._service, row.queue).set(row.oldest)
        for publisher in self._publishers:
            if lag := await self._bus.lag(self._service, publisher):
                metrics.CONSUMER_PENDING.labels(self._service, publisher).set(lag.pending)
                metrics.CONSUMER_UNACKNOWLEDGED.labels(self._service, publisher).set(lag.unacknowledged)
        metrics.SAMPLED.labels(self._service).set(time.time())


def _count(queue: str, since: str) -> str:
    return (
        f"SELECT '{queue}' AS queue, count(*) AS length,"
        " GREATEST(0, COALESCE(EXTRACT(epoch FROM now() - min(since)), 0))::float AS oldest"
        f" FROM ({since} LIMIT {MOST_COUNTED}) AS {queue}(since)"
    )
