"""Changes of level rules that the worker applies: the queue, and how far each has come (B6)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import Level, LevelRules, LevelRun, RunState

_ADD = text(
    """INSERT INTO level_runs (store_id, run_id, state, rules, seen, done, total, up, down, refusal, requested_by, requested_at)
 VALUES (:store_id, :run_id, 1, CAST(:rules AS jsonb), :seen, 0, 0, 0, 0, '', :requested_by, :requested_at)
 ON CONFLICT (store_id) WHERE state < 3 DO NOTHING RETURNING run_id"""
)
_ONE = """SELECT run_id, state, rules, seen, done, total, up, down, refusal, requested_by, requested_at, started_at, finished_at
 FROM level_runs WHERE store_id = :store_id AND run_id = :run_id"""
_LOAD = text(_ONE).columns(rules=JSONB)
# The lock is that of the work's transaction, and no row's: how far it is, is written from another one meanwhile.
_HOLD = text("SELECT pg_try_advisory_xact_lock(hashtextextended('level_run ' || CAST(:store_id AS text), 0))")
_OPEN = text(f"{_ONE} AND state < 3").columns(rules=JSONB)
_QUEUE = text("SELECT store_id, run_id FROM level_runs WHERE state < 3 ORDER BY requested_at LIMIT :most")
_PROGRESS = text(
    """UPDATE level_runs SET state = 2, done = :done, total = :total, started_at = COALESCE(started_at, :now)
 WHERE store_id = :store_id AND run_id = :run_id AND state < 3"""
)
_END = text(
    """UPDATE level_runs SET state = :state, up = :up, down = :down, refusal = :refusal,
  started_at = COALESCE(started_at, :now), finished_at = :now
 WHERE store_id = :store_id AND run_id = :run_id AND state < 3"""
)


async def add_level_run(tx: AsyncConnection, store_id: UUID, run: LevelRun) -> bool:
    """Queues a run; False while another one of the store is under way."""
    parameters = {
        "store_id": store_id,
        "run_id": run.run_id,
        "rules": orjson.dumps(asdict(run.rules)).decode(),
        "seen": run.seen,
        "requested_by": run.requested_by,
        "requested_at": run.requested_at,
    }
    return (await tx.execute(_ADD, parameters)).first() is not None


async def load_level_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> LevelRun | None:
    """A run as it stands."""
    return _run((await tx.execute(_LOAD, {"store_id": store_id, "run_id": run_id})).first())


async def take_level_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> LevelRun | None:
    """The run, if it is not at its end and no other worker is at it; nobody else takes it until the transaction ends."""
    if not await tx.scalar(_HOLD, {"store_id": str(store_id)}):
        return None
    return _run((await tx.execute(_OPEN, {"store_id": store_id, "run_id": run_id})).first())


async def level_runs_under_way(tx: AsyncConnection, most: int) -> list[tuple[UUID, UUID]]:
    """(store, run) of those that are not at their end, in all stores, the oldest first."""
    return [(row.store_id, row.run_id) for row in await tx.execute(_QUEUE, {"most": most})]


async def note_level_progress(
    tx: AsyncConnection, store_id: UUID, run_id: UUID, done: int, total: int, now: datetime
) -> None:
    """How many members are judged by now."""
    await tx.execute(_PROGRESS, {"store_id": store_id, "run_id": run_id, "done": done, "total": total, "now": now})


async def end_level_run(
    tx: AsyncConnection, store_id: UUID, run_id: UUID, now: datetime, *, up: int = 0, down: int = 0, refusal: str = ""
) -> None:
    """Done with so many moves, or refused."""
    state = RunState.REFUSED if refusal else RunState.DONE
    parameters = {"state": state, "up": up, "down": down, "refusal": refusal, "now": now}
    await tx.execute(_END, parameters | {"store_id": store_id, "run_id": run_id})


def _run(row: Row[Any] | None) -> LevelRun | None:
    if row is None:
        return None
    levels = [Level(**{**level, "level_id": UUID(level["level_id"])}) for level in row.rules["levels"]]
    return LevelRun(
        run_id=row.run_id,
        rules=LevelRules(row.rules["basis"], levels, row.rules["version"]),
        seen=bytes(row.seen),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        state=RunState(row.state),
        done=row.done,
        total=row.total,
        up=row.up,
        down=row.down,
        refusal=row.refusal,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
