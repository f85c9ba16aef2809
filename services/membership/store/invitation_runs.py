"""Runs that invite all guests of a list: the queue, and how far each has come (A5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import InvitationRun, InvitationRunState

_ADD = text(
    """INSERT INTO invitation_runs (store_id, run_id, state, query, greeting, guest_ids, total, requested_by, requested_at)
 VALUES (:store_id, :run_id, 1, :query, :greeting, :guest_ids, :total, :requested_by, :requested_at)
 ON CONFLICT (store_id) WHERE state < 3 DO NOTHING RETURNING run_id"""
)
_ONE = """SELECT run_id, state, query, greeting, total, done, invited, refused, requested_by, requested_at, finished_at
 FROM invitation_runs WHERE store_id = :store_id AND run_id = :run_id"""
_LOAD = text(_ONE).columns(refused=JSONB)
_TAKE = text(f"{_ONE} AND state < 3 FOR UPDATE SKIP LOCKED").columns(refused=JSONB)
_QUEUE = text("SELECT store_id, run_id FROM invitation_runs WHERE state < 3 ORDER BY requested_at LIMIT :most")
_NEXT = text(
    """SELECT guest_ids[done + 1 : done + CAST(:most AS int)] AS ids FROM invitation_runs
 WHERE store_id = :store_id AND run_id = :run_id"""
)
_NOTE = text(
    """UPDATE invitation_runs SET done = done + :tried, invited = invited + :invited, refused = CAST(:refused AS jsonb),
  state = CASE WHEN done + :tried < total THEN 2 ELSE 3 END, query = CASE WHEN done + :tried < total THEN query ELSE '' END,
  greeting = CASE WHEN done + :tried < total THEN greeting ELSE '' END,
  guest_ids = CASE WHEN done + :tried < total THEN guest_ids ELSE '{}' END,
  finished_at = CASE WHEN done + :tried < total THEN NULL ELSE now() END WHERE store_id = :store_id AND run_id = :run_id"""
)


async def add_invitation_run(tx: AsyncConnection, store_id: UUID, run: InvitationRun, guests: Sequence[UUID]) -> bool:
    """Queues a run; False while another one of the store is under way."""
    parameters = {
        "store_id": store_id,
        "run_id": run.run_id,
        "query": run.query,
        "greeting": run.greeting,
        "guest_ids": list(guests),
        "total": run.total,
        "requested_by": run.requested_by,
        "requested_at": run.requested_at,
    }
    return (await tx.execute(_ADD, parameters)).first() is not None


async def load_invitation_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> InvitationRun | None:
    """A run as it stands."""
    return _run((await tx.execute(_LOAD, {"store_id": store_id, "run_id": run_id})).first())


async def take_invitation_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> InvitationRun | None:
    """The run, if it is not at its end and no other worker is at it; nobody else takes it until the transaction ends."""
    return _run((await tx.execute(_TAKE, {"store_id": store_id, "run_id": run_id})).first())


async def invitation_runs_under_way(tx: AsyncConnection, most: int) -> list[tuple[UUID, UUID]]:
    """(store, run) of those that are not at their end, in all stores, the oldest first."""
    return [(row.store_id, row.run_id) for row in await tx.execute(_QUEUE, {"most": most})]


async def next_guests(tx: AsyncConnection, store_id: UUID, run_id: UUID, most: int) -> list[UUID]:
    """The guests whose turn it is in a run that is held."""
    parameters = {"store_id": store_id, "run_id": run_id, "most": most}
    return list(await tx.scalar(_NEXT, parameters) or ())


async def note_invited(
    tx: AsyncConnection, store_id: UUID, run_id: UUID, tried: int, invited: int, refused: Mapping[str, int]
) -> None:
    """So many more were tried; `refused` is by reason of the whole run. At the end nothing stays but numbers."""
    counts = {"tried": tried, "invited": invited, "refused": orjson.dumps(dict(refused)).decode()}
    await tx.execute(_NOTE, {"store_id": store_id, "run_id": run_id, **counts})


def _run(row: Row[Any] | None) -> InvitationRun | None:
    if row is None:
        return None
    return InvitationRun(
        run_id=row.run_id,
        query=row.query,
        greeting=row.greeting,
        total=row.total,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        state=InvitationRunState(row.state),
        done=row.done,
        invited=row.invited,
        refused=row.refused,
        finished_at=row.finished_at,
    )
