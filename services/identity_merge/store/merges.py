"""Plans, runs and participants of merges in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import telemetry
from services.common.ids import new_id
from services.common.paging import PageRequest
from services.identity_merge.domain.access import Store
from services.identity_merge.domain.merges import (
    Adjustment,
    EndedLogin,
    Foreseen,
    MergeRequest,
    MergeState,
    Plan,
    Run,
)
from services.identity_merge.store import access
from services.identity_merge.store.tables import merge_participants, merge_plans, merge_runs

PLAN_LIFETIME = timedelta(hours=1)
# Longer than the longest step (clients.STEP_SECONDS); renewed by every step.
LEASE = timedelta(seconds=15)


async def add_plan(
    tx: AsyncConnection,
    store_id: UUID,
    plan_id: UUID,
    wanted: MergeRequest,
    foreseen: Foreseen,
    actor: str,
    lifetime: timedelta = PLAN_LIFETIME,
) -> Plan:
    """Writes a plan that is good for so long by the database's clock."""
    plan_hash, marks = wanted.plan_hash(foreseen), foreseen.marks(plan_id)
    statement = insert(merge_plans).values(
        store_id=store_id,
        plan_id=plan_id,
        plan_hash=plan_hash,
        fingerprint=foreseen.fingerprint,
        marks=marks,
        created_by=actor,
        expires_at=func.now() + lifetime,
        **_request_columns(wanted),
    )
    expires_at: datetime = (await tx.execute(statement.returning(merge_plans.c.expires_at))).scalar_one()
    return Plan(plan_id, plan_hash, wanted, foreseen.fingerprint, expires_at, marks=marks)


async def load_plan(tx: AsyncConnection, store_id: UUID, plan_id: UUID, *, lock: bool = False) -> Plan | None:
    """A plan; `lock` holds its row, so that it becomes one run only."""
    query = select(merge_plans, (merge_plans.c.expires_at <= func.now()).label("expired")).where(
        merge_plans.c.store_id == store_id, merge_plans.c.plan_id == plan_id
    )
    row = (await tx.execute(query.with_for_update() if lock else query)).first()
    if row is None:
        return None
    return Plan(
        plan_id=row.plan_id,
        plan_hash=row.plan_hash,
        request=_request(row),
        fingerprint=row.fingerprint,
        expires_at=row.expires_at,
        expired=row.expired,
        merge_run_id=row.merge_run_id,
        marks=row.marks,
    )


async def add_run(tx: AsyncConnection, store_id: UUID, run: Run) -> bool:
    """Writes a run and locks its participants; False when another merge holds one of them (F9, faults 7 and 8).

    Participants are inserted in one order everywhere, so two merges that overlap wait for one another but never in a circle.
    """
    await tx.execute(
        insert(merge_runs).values(
            store_id=store_id,
            merge_run_id=run.merge_run_id,
            plan_id=run.plan_id,
            fingerprint=run.fingerprint,
            started_by=run.started_by,
            started_at=run.started_at,
            traceparent=telemetry.traceparent(),
            **_request_columns(run.request),
            **_progress_columns(run),
        )
    )
    await tx.execute(
        update(merge_plans)
        .where(merge_plans.c.store_id == store_id, merge_plans.c.plan_id == run.plan_id)
        .values(merge_run_id=run.merge_run_id)
    )
    parameters = {
        "store_id": store_id,
        "run": run.merge_run_id,
        "customers": run.request.participants,
        "primary": run.request.primary_id,
    }
    return (await tx.execute(_ADD_PARTICIPANTS, parameters)).rowcount == len(run.request.participants)


_ADD_PARTICIPANTS = text(
    """INSERT INTO merge_participants (store_id, merge_run_id, customer_id, merged)
 SELECT CAST(:store_id AS uuid), CAST(:run AS uuid), c, c <> CAST(:primary AS uuid) FROM unnest(CAST(:customers AS uuid[])) c
 ORDER BY c ON CONFLICT (store_id, customer_id) WHERE active DO NOTHING"""
)


async def load_run(tx: AsyncConnection, store_id: UUID, merge_run_id: UUID) -> Run | None:
    """A run by id."""
    query = select(merge_runs).where(merge_runs.c.store_id == store_id, merge_runs.c.merge_run_id == merge_run_id)
    row = (await tx.execute(query)).first()
    return _run(row) if row else None


async def list_runs(tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_id: UUID | None) -> list[Run]:
    """Runs newest first, one more than the page holds. `page.after` is (started_at, merge_run_id)."""
    query = select(merge_runs).where(merge_runs.c.store_id == store_id)
    if customer_id:
        mine = select(merge_participants.c.merge_run_id).where(
            merge_participants.c.store_id == store_id, merge_participants.c.customer_id == customer_id
        )
        query = query.where(merge_runs.c.merge_run_id.in_(mine))
    if page.after:
        query = query.where(tuple_(merge_runs.c.started_at, merge_runs.c.merge_run_id) < tuple_(*page.after))
    query = query.order_by(merge_runs.c.started_at.desc(), merge_runs.c.merge_run_id.desc()).limit(page.size + 1)
    return [_run(row) for row in await tx.execute(query)]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one run until the lease ends; `lease` is the key that every write must show."""

    store: Store
    run: Run
    lease: UUID
    attempts: int
    traceparent: str


class LeaseLost(Exception):
    """Another worker has taken the run over; nothing was written."""


async def claim_run(tx: AsyncConnection) -> Claim | None:
    """Takes the unfinished run that waits longest and that nobody works on, of any store."""
    lease = new_id()
    row = (await tx.execute(_CLAIM, {"lease": lease, "seconds": LEASE})).first()
    if row is None:
        return None
    return Claim(await access.load_store(tx, row.store_id), _run(row), lease, row.attempts, row.traceparent)


_CLAIM = text(
    """UPDATE merge_runs r SET claimed_by = :lease, claimed_until = now() + CAST(:seconds AS interval)
 FROM (SELECT store_id, merge_run_id FROM merge_runs WHERE finished_at IS NULL AND claimed_until <= now()
   ORDER BY claimed_until LIMIT 1 FOR UPDATE SKIP LOCKED) picked
 WHERE r.store_id = picked.store_id AND r.merge_run_id = picked.merge_run_id RETURNING r.*"""
)


async def save_run(tx: AsyncConnection, claim: Claim) -> None:
    """Writes the claimed run after one change and renews the lease. Raises LeaseLost when somebody else holds the run."""
    statement = (
        update(merge_runs)
        .where(*_claimed(claim), merge_runs.c.version == claim.run.version - 1)
        .values(claimed_until=func.now() + LEASE, attempts=0, last_error="", **_progress_columns(claim.run))
    )
    if (await tx.execute(statement)).rowcount != 1:
        raise LeaseLost


async def give_back(tx: AsyncConnection, claim: Claim, wait: timedelta, attempts: int, error: str) -> None:
    """Lets others take the run after `wait`; no matter if they have it already."""
    await tx.execute(
        update(merge_runs)
        .where(*_claimed(claim))
        .values(claimed_by=None, claimed_until=func.now() + wait, attempts=attempts, last_error=error[:500])
    )


async def release_participants(tx: AsyncConnection, store_id: UUID, merge_run_id: UUID) -> None:
    """Lets the accounts take part in other merges."""
    await tx.execute(_participants_of(store_id, merge_run_id).values(active=False))


async def mark_logins_retired(tx: AsyncConnection, store_id: UUID, merge_run_id: UUID) -> None:
    """From now on a login method of a merged account is born retired; waits for one that is just being made."""
    await tx.execute(
        _participants_of(store_id, merge_run_id).where(merge_participants.c.merged).values(logins_retired=True)
    )


async def forget_descriptions(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """What staff wrote about merges of these customers goes (C9, C12)."""
    for forget in _FORGET:
        await tx.execute(forget, {"store_id": store_id, "customers": list(customer_ids)})


_FORGET = [
    text(
        f"""UPDATE {table} SET adjustment_description = '' WHERE store_id = :store_id AND adjustment_description <> ''
 AND merge_run_id IN (SELECT merge_run_id FROM merge_participants
  WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[])))"""
    )
    for table in ("merge_runs", "merge_plans")
]


async def in_merge(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> bool:
    """Whether a merge that has not ended holds one of the customers."""
    return await tx.scalar(_IN_MERGE, {"store_id": store_id, "customers": list(customer_ids)}) is not None


_IN_MERGE = text(
    """SELECT 1 FROM merge_participants
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[])) AND active LIMIT 1"""
)


async def customers_with_retired_logins(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]
) -> list[UUID]:
    """Which of the customers were merged and have lost their logins; a merge that is about to do that waits for us."""
    rows = await tx.execute(_RETIRED_CUSTOMERS, {"store_id": store_id, "customers": sorted(customer_ids)})
    return [row.customer_id for row in rows if row.logins_retired]


_RETIRED_CUSTOMERS = text(
    """SELECT customer_id, logins_retired FROM merge_participants
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[])) AND merged
 ORDER BY merge_run_id, customer_id FOR SHARE"""
)


def _participants_of(store_id: UUID, merge_run_id: UUID) -> Any:
    return update(merge_participants).where(
        merge_participants.c.store_id == store_id, merge_participants.c.merge_run_id == merge_run_id
    )


def _claimed(claim: Claim) -> tuple[Any, ...]:
    return (
        merge_runs.c.store_id == claim.store.store_id,
        merge_runs.c.merge_run_id == claim.run.merge_run_id,
        merge_runs.c.claimed_by == claim.lease,
    )


def _request_columns(wanted: MergeRequest) -> dict[str, Any]:
    return {
        "primary_id": wanted.primary_id,
        "merged_ids": list(wanted.merged_ids),
        "adjustment_points": wanted.adjustment.points,
        "adjustment_expires_on": wanted.adjustment.expires_on,
        "adjustment_description": wanted.adjustment.description,
    }


def _progress_columns(run: Run) -> dict[str, Any]:
    return {
        "state": run.state,
        "orders_moved": run.orders_moved,
        "orders_expected": run.orders_expected,
        "earlier_ids": list(run.earlier_ids),
        "ended_logins": [_ended(each) for each in run.ended_logins],
        "refusal": run.refusal,
        "finished_at": run.finished_at,
        "version": run.version,
    }


def _request(row: Row[Any]) -> MergeRequest:
    adjustment = Adjustment(row.adjustment_points, row.adjustment_expires_on, row.adjustment_description)
    return MergeRequest(row.primary_id, tuple(row.merged_ids), adjustment)


def _ended(login: EndedLogin) -> list[str]:
    proved = login.confirmed_at.isoformat() if login.confirmed_at else ""
    return [str(login.customer_id), login.kind, login.mask, proved]


def _read_ended(row: list[str]) -> EndedLogin:
    customer_id, kind, mask, proved = row
    return EndedLogin(UUID(customer_id), kind, mask, datetime.fromisoformat(proved) if proved else None)


def _run(row: Row[Any]) -> Run:
    return Run(
        merge_run_id=row.merge_run_id,
        plan_id=row.plan_id,
        state=MergeState(row.state),
        request=_request(row),
        fingerprint=row.fingerprint,
        started_by=row.started_by,
        started_at=row.started_at,
        orders_moved=row.orders_moved,
        orders_expected=row.orders_expected,
        earlier_ids=tuple(row.earlier_ids),
        ended_logins=[_read_ended(each) for each in row.ended_logins],
        refusal=row.refusal,
        finished_at=row.finished_at,
        version=row.version,
    )
