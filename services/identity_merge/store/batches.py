"""Many merges at once in the database: the batch, its groups, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.errors import Violation
from services.common.paging import PageRequest
from services.identity_merge.domain.batches import Batch, BatchState, Group, GroupState, GroupWish
from services.identity_merge.domain.merges import Plan
from services.identity_merge.store.tables import merge_batches, merge_groups

_b, _g = merge_batches.c, merge_groups.c


async def add_batch(tx: AsyncConnection, store_id: UUID, batch: Batch, wishes: Sequence[GroupWish]) -> None:
    """Writes a batch and its groups, in their places."""
    await tx.execute(
        insert(merge_batches).values(
            store_id=store_id,
            batch_id=batch.batch_id,
            state=batch.state,
            total=batch.total,
            start=batch.start,
            requested_by=batch.requested_by,
            requested_at=batch.requested_at,
        )
    )
    # JSON, for an array of arrays must be rectangular.
    groups = [{"place": n, "wish": [w.primary_id, *w.other_ids], **_cells(w)} for n, w in enumerate(wishes, 1)]
    parameters = {"store_id": store_id, "batch_id": batch.batch_id, "groups": orjson.dumps(groups).decode()}
    await tx.execute(_ADD_GROUPS, parameters)


_ADD_GROUPS = text(
    """INSERT INTO merge_groups (store_id, batch_id, place, asked_primary, asked_others, points, expires_on, description, state)
 SELECT CAST(:store_id AS uuid), CAST(:batch_id AS uuid), g.place, g.wish[1], g.wish[2:], g.points, g.expires_on, g.description, 1
 FROM jsonb_to_recordset(CAST(:groups AS jsonb)) AS g(place int, wish text[], points text, expires_on text, description text)"""
)


def _cells(wish: GroupWish) -> dict[str, str]:
    return {"points": wish.points, "expires_on": wish.expires_on, "description": wish.description}


async def load_batch(tx: AsyncConnection, store_id: UUID, batch_id: UUID, *, lock: bool = False) -> Batch | None:
    """A batch as it stands; `lock` holds it, and waits for whoever does."""
    query = select(merge_batches).where(_b.store_id == store_id, _b.batch_id == batch_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).first()
    return _batch(row) if row else None


async def take_batch(tx: AsyncConnection, store_id: UUID, batch_id: UUID, state: BatchState) -> Batch | None:
    """The batch, if it is in that state and no other worker is at it; nobody else takes it until the transaction ends."""
    query = select(merge_batches).where(_b.store_id == store_id, _b.batch_id == batch_id, _b.state == state)
    row = (await tx.execute(query.with_for_update(skip_locked=True))).first()
    return _batch(row) if row else None


async def batches_under_way(tx: AsyncConnection, most: int) -> list[tuple[UUID, Batch]]:
    """(store, batch) of those that the worker has to do with, in all stores, the oldest first."""
    query = select(merge_batches).where(text("state IN (1, 3)")).order_by(_b.requested_at).limit(most)
    return [(row.store_id, _batch(row)) for row in await tx.execute(query)]


async def list_batches(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> list[Batch]:
    """Newest first, one more than the page holds. `page.after` is (requested_at, batch_id)."""
    query = select(merge_batches).where(_b.store_id == store_id)
    if page.after:
        query = query.where(tuple_(_b.requested_at, _b.batch_id) < tuple_(*page.after))
    query = query.order_by(_b.requested_at.desc(), _b.batch_id.desc()).limit(page.size + 1)
    return [_batch(row) for row in await tx.execute(query)]


async def list_groups(
    tx: AsyncConnection, store_id: UUID, batch_id: UUID, page: PageRequest, *, failed_only: bool
) -> list[Group]:
    """In their places, one more than the page holds. `page.after` is (place,)."""
    query = select(merge_groups).where(_g.store_id == store_id, _g.batch_id == batch_id)
    if page.after:
        query = query.where(_g.place > page.after[0])
    if failed_only:
        query = query.where(_g.state == text("5"))
    return [_group(row) for row in await tx.execute(query.order_by(_g.place).limit(page.size + 1))]


async def groups_in_state(
    tx: AsyncConnection, store_id: UUID, batch_id: UUID, state: GroupState, most: int
) -> list[Group]:
    """The first so many groups in one of the states that are no ends."""
    query = (
        select(merge_groups)
        .where(_g.store_id == store_id, _g.batch_id == batch_id, _g.state == state, text("state < 4"))
        .order_by(_g.place)
        .limit(most)
    )
    return [_group(row) for row in await tx.execute(query)]


async def taken_accounts(tx: AsyncConnection, store_id: UUID, batch_id: UUID) -> dict[UUID, int]:
    """The accounts of the groups that were found good, each with its group's place."""
    query = select(_g.place, _g.primary_id, _g.merged_ids).where(
        _g.store_id == store_id, _g.batch_id == batch_id, _g.plan_id.is_not(None)
    )
    return {i: row.place for row in await tx.execute(query) for i in (row.primary_id, *row.merged_ids)}


async def note_ready(
    tx: AsyncConnection, store_id: UUID, batch_id: UUID, place: int, plan: Plan, warnings: Sequence[str]
) -> None:
    """The group can be merged, by this plan."""
    await _note(
        tx,
        store_id,
        batch_id,
        place,
        state=GroupState.READY,
        plan_id=plan.plan_id,
        primary_id=plan.request.primary_id,
        merged_ids=list(plan.request.merged_ids),
        warnings=list(warnings),
    )


async def note_failed(
    tx: AsyncConnection, store_id: UUID, batch_id: UUID, place: int, problems: Sequence[Violation]
) -> None:
    """The group cannot be merged."""
    await _note(tx, store_id, batch_id, place, state=GroupState.FAILED, problems=_problems_json(problems))


async def note_begun(tx: AsyncConnection, store_id: UUID, batch_id: UUID, place: int, merge_run_id: UUID) -> None:
    """The group's merge has begun; in the transaction that begins it, so that none begins twice."""
    await _note(tx, store_id, batch_id, place, state=GroupState.RUNNING, merge_run_id=merge_run_id)


async def _note(tx: AsyncConnection, store_id: UUID, batch_id: UUID, place: int, **values: Any) -> None:
    where = (_g.store_id == store_id, _g.batch_id == batch_id, _g.place == place)
    await tx.execute(update(merge_groups).where(*where).values(**values))


async def note_end(tx: AsyncConnection, store_id: UUID, merge_run_id: UUID, refusal: str) -> None:
    """A merge has ended; where it was a group's, so has that. In the transaction that ends the merge."""
    problems = _problems_json([Violation("", refusal)] if refusal else [])
    await tx.execute(
        update(merge_groups)
        .where(_g.store_id == store_id, _g.merge_run_id == merge_run_id)
        .values(state=GroupState.FAILED if refusal else GroupState.MERGED, problems=problems)
    )


async def reckon(tx: AsyncConnection, store_id: UUID, batch_id: UUID) -> None:
    """Counts the groups of a batch that is held, and brings it further: checked, or running where that was asked; done."""
    await tx.execute(_RECKON, {"store_id": store_id, "batch_id": batch_id})


_RECKON = text(
    """WITH counted AS (SELECT count(*) FILTER (WHERE state = 1) AS waiting, count(*) FILTER (WHERE state = 2) AS ready,
   count(*) FILTER (WHERE state = 3) AS running, count(*) FILTER (WHERE state = 4) AS merged,
   count(*) FILTER (WHERE state = 5) AS failed FROM merge_groups WHERE store_id = :store_id AND batch_id = :batch_id),
 next AS (SELECT b.store_id, b.batch_id, c.*,
   CASE WHEN b.state = 1 AND c.waiting = 0 THEN CASE WHEN c.ready = 0 THEN 4 WHEN b.start THEN 3 ELSE 2 END
    WHEN b.state = 3 AND c.ready + c.running = 0 THEN 4 ELSE b.state END AS state
   FROM merge_batches b, counted c WHERE b.store_id = :store_id AND b.batch_id = :batch_id)
 UPDATE merge_batches b SET state = n.state, ready = n.ready, merged = n.merged, failed = n.failed,
  finished_at = CASE WHEN n.state = 4 THEN now() END
 FROM next n WHERE b.store_id = n.store_id AND b.batch_id = n.batch_id
  AND (b.state, b.ready, b.merged, b.failed) IS DISTINCT FROM (n.state, n.ready, n.merged, n.failed)"""
)


async def confirm(tx: AsyncConnection, store_id: UUID, batch: Batch) -> None:
    """Writes who confirmed a batch; from now on the worker merges."""
    await tx.execute(
        update(merge_batches)
        .where(_b.store_id == store_id, _b.batch_id == batch.batch_id)
        .values(state=batch.state, confirmed_by=batch.confirmed_by, confirmed_at=batch.confirmed_at)
    )


def _problems_json(problems: Sequence[Violation]) -> list[dict[str, Any]]:
    return [{"field": problem.field, "reason": problem.reason, "params": problem.params} for problem in problems]


def _batch(row: Row[Any]) -> Batch:
    return Batch(
        batch_id=row.batch_id,
        total=row.total,
        start=row.start,
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        state=BatchState(row.state),
        ready=row.ready,
        merged=row.merged,
        failed=row.failed,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        finished_at=row.finished_at,
    )


def _group(row: Row[Any]) -> Group:
    wish = GroupWish(row.asked_primary, tuple(row.asked_others), row.points, row.expires_on, row.description)
    return Group(
        place=row.place,
        wish=wish,
        state=GroupState(row.state),
        problems=[Violation(p["field"], p["reason"], p["params"]) for p in row.problems],
        warnings=row.warnings,
        primary_id=row.primary_id,
        merged_ids=row.merged_ids,
        plan_id=row.plan_id,
        merge_run_id=row.merge_run_id,
    )
