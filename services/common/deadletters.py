"""The `dead-letters` command of every service: what could not be digested, and its replay by a person (rule 3, fault 24).

    python -m services.<context>.main dead-letters [list]
    python -m services.<context>.main dead-letters replay <event id>|all

It only marks letters as wanted; the `work` process replays them within ten seconds, where the handlers are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from services.common.config import ConfigError, Environment
from services.common.database import Database, connect

USAGE = "dead-letters [list | replay <event id> | replay all]"
_LIST = text(
    """SELECT event_id, subject, error, failed_at, replay_wanted_at IS NOT NULL AS wanted FROM dead_letters
 WHERE replayed_at IS NULL ORDER BY failed_at, event_id"""
)
_WANT = text(
    """UPDATE dead_letters SET replay_wanted_at = now()
 WHERE replayed_at IS NULL AND (CAST(:event_id AS uuid) IS NULL OR event_id = CAST(:event_id AS uuid))"""
)


async def command(environment: Environment, _: asyncio.Event) -> None:
    """Runs with the worker's database URL. Raises ConfigError on wrong words."""
    words = sys.argv[2:]
    database = Database(connect(environment.text("DATABASE_URL"), connections=1, name="dead-letters"))
    try:
        sys.stdout.write(await _run(database, words))
    finally:
        await database.close()


async def _run(database: Database, words: Sequence[str]) -> str:
    match words:
        case [] | ["list"]:
            return await list_letters(database)
        case ["replay", "all"]:
            return _told(await want_replay(database, None))
        case ["replay", event_id]:
            try:
                return _told(await want_replay(database, UUID(event_id)))
            except ValueError:
                raise ConfigError(f"not an event id: {event_id}") from None
    raise ConfigError(f"usage: {USAGE}")


async def list_letters(database: Database) -> str:
    """One line for each letter that has not been replayed; payloads hold personal data and are not shown."""
    async with database.across_stores() as tx:
        letters = (await tx.execute(_LIST)).all()
    lines = [
        f"{x.event_id}  {x.failed_at:%Y-%m-%d %H:%M:%S}  {x.subject}  {'replay wanted: ' if x.wanted else ''}{x.error}"
        for x in letters
    ]
    return "".join(f"{line}\n" for line in [*lines, f"{len(letters)} dead letters"])


async def want_replay(database: Database, event_id: UUID | None) -> int:
    """Marks one letter, or all of them, for replay; returns how many."""
    async with database.across_stores() as tx:
        return (await tx.execute(_WANT, {"event_id": event_id})).rowcount


def _told(count: int) -> str:
    return f"{count} dead letters will be replayed by the work process\n"
