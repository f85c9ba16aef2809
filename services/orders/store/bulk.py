"""Runs that change many orders: which orders, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import BulkRun, BulkState, RefusedOrder, Status

_ADD = text(
    """WITH run AS (INSERT INTO bulk_runs (store_id, run_id, state, goal, method, note, total, done, refused, requested_by, requested_at)
  VALUES (:store_id, :run_id, 1, :goal, :method, :note, :total, 0, 0, :requested_by, :requested_at) RETURNING store_id, run_id)
 INSERT INTO bulk_orders (store_id, run_id, place, order_id)
 SELECT run.store_id, run.run_id, i.place, i.order_id FROM run, unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS i(order_id, place)"""
)
_COLUMNS = (
    "run_id, state, goal, method, note, total, done, refused, requested_by, requested_at, started_at, finished_at"
)
_ONE = f"SELECT {_COLUMNS} FROM bulk_runs WHERE store_id = :store_id AND run_id = :run_id"
_LOAD = text(_ONE)
_TAKE = text(f"{_ONE} AND state < 3 FOR UPDATE SKIP LOCKED")
_QUEUE = text("SELECT store_id, run_id FROM bulk_runs WHERE state < 3 ORDER BY requested_at LIMIT :most")
_NEXT = text(
    """SELECT order_id FROM bulk_orders WHERE store_id = :store_id AND run_id = :run_id AND refusal IS NULL
 ORDER BY place LIMIT :most"""
)
_OUTCOMES = text(
    """WITH told AS (UPDATE bulk_orders o SET refusal = t.refusal
   FROM unnest(CAST(:ids AS uuid[]), CAST(:refusals AS text[])) AS t(order_id, refusal)
   WHERE o.store_id = :store_id AND o.run_id = :run_id AND o.order_id = t.order_id RETURNING o.refusal),
 counted AS (SELECT count(*) AS tried, count(*) FILTER (WHERE refusal <> '') AS refused FROM told)
 UPDATE bulk_runs r SET done = r.done + c.tried, refused = r.refused + c.refused, started_at = COALESCE(r.started_at, :now),
  state = CASE WHEN r.done + c.tried < r.total THEN 2 ELSE 3 END,
  finished_at = CASE WHEN r.done + c.tried < r.total THEN NULL ELSE CAST(:now AS timestamptz) END
 FROM counted c WHERE r.store_id = :store_id AND r.run_id = :run_id"""
)
_NEWEST = text(
    f"""SELECT {_COLUMNS} FROM bulk_runs WHERE store_id = :store_id AND (CAST(:at AS timestamptz) IS NULL
  OR (requested_at, run_id) < (CAST(:at AS timestamptz), CAST(:run_id AS uuid)))
 ORDER BY requested_at DESC, run_id DESC LIMIT :most"""
)
_REFUSED = text(
    """SELECT b.place, b.order_id, b.refusal, o.number, o.status, o.total, o.currency FROM bulk_orders b
 LEFT JOIN orders o ON o.store_id = b.store_id AND o.order_id = b.order_id
 WHERE b.store_id = :store_id AND b.run_id = :run_id AND b.refusal <> '' AND b.place > :after ORDER BY b.place LIMIT :most"""
)


async def add_bulk_run(tx: AsyncConnection, store_id: UUID, run: BulkRun, order_ids: Sequence[UUID]) -> None:
    """Queues a run of these orders, each of them named once."""
    parameters = {
        "store_id": store_id,
        "run_id": run.run_id,
        "goal": run.goal,
        "method": run.method,
        "note": run.note,
        "total": run.total,
        "requested_by": run.requested_by,
        "requested_at": run.requested_at,
    }
    await tx.execute(_ADD, parameters | {"ids": list(order_ids)})


async def load_bulk_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> BulkRun | None:
    """A run as it stands."""
    row = (await tx.execute(_LOAD, {"store_id": store_id, "run_id": run_id})).first()
    return _run(row) if row else None


async def take_bulk_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> BulkRun | None:
    """The run, if it is not at its end and no other worker is at it; nobody else takes it until the transaction ends."""
    row = (await tx.execute(_TAKE, {"store_id": store_id, "run_id": run_id})).first()
    return _run(row) if row else None


async def bulk_runs_under_way(tx: AsyncConnection, most: int) -> list[tuple[UUID, UUID]]:
    """(store, run) of those that are not at their end, in all stores, the oldest first."""
    return [(row.store_id, row.run_id) for row in await tx.execute(_QUEUE, {"most": most})]


async def next_bulk_orders(tx: AsyncConnection, store_id: UUID, run_id: UUID, most: int) -> list[UUID]:
    """Orders of which nothing has become yet, in their places."""
    rows = await tx.execute(_NEXT, {"store_id": store_id, "run_id": run_id, "most": most})
    return [row.order_id for row in rows]


async def note_bulk_outcomes(
    tx: AsyncConnection, store_id: UUID, run_id: UUID, outcomes: Mapping[UUID, str], now: datetime
) -> None:
    """Order → why it stays as it is, empty when it was changed. The run's counts follow, and its end."""
    parameters = {"ids": list(outcomes), "refusals": list(outcomes.values()), "now": now}
    await tx.execute(_OUTCOMES, parameters | {"store_id": store_id, "run_id": run_id})


async def bulk_runs_page(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> list[BulkRun]:
    """Newest first, one more than the page holds. `page.after` is (requested_at, run_id)."""
    at, run_id = page.after or (None, None)
    rows = await tx.execute(_NEWEST, {"store_id": store_id, "at": at, "run_id": run_id, "most": page.size + 1})
    return [_run(row) for row in rows]


async def refused_page(tx: AsyncConnection, store_id: UUID, run_id: UUID, page: PageRequest) -> list[RefusedOrder]:
    """What a run could not change, in its places, one more than the page holds. `page.after` is (place,)."""
    after = page.after[0] if page.after else 0
    rows = await tx.execute(_REFUSED, {"store_id": store_id, "run_id": run_id, "after": after, "most": page.size + 1})
    return [
        RefusedOrder(
            place=row.place,
            order_id=row.order_id,
            reason=row.refusal,
            number=row.number,
            status=Status(row.status) if row.status else None,
            total=row.total,
            currency=row.currency,
        )
        for row in rows
    ]


def _run(row: Row[Any]) -> BulkRun:
    return BulkRun(
        run_id=row.run_id,
        goal=Status(row.goal),
        method=row.method,
        note=row.note,
        total=row.total,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        state=BulkState(row.state),
        done=row.done,
        refused=row.refused,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
