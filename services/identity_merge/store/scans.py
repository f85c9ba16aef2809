"""Scans for accounts that may be one person's: a row for each store, claimed by one process at a time (F12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.identity_merge.domain.access import Store
from services.identity_merge.domain.duplicates import Scan, ScanState
from services.identity_merge.store import access
from services.identity_merge.store.duplicates import count_suggested

# Renewed every few seconds while the scan's process lives.
LEASE = timedelta(seconds=30)
# After a change others mostly follow.
SETTLED = timedelta(minutes=5)
# Between the end of a scan and the next that nobody has asked for; at least so many times as long as it took, too.
_TIMES_ITS_OWN = 20


@dataclass(frozen=True, slots=True)
class ScanClaim:
    """The right to scan a store until the lease ends."""

    store: Store
    scan_id: UUID


class ScanLost(Exception):
    """Another process has taken the scan over; nothing was written."""


async def note_change(tx: AsyncConnection, store_id: UUID) -> None:
    """Something is to be looked at that the last scan has not seen. Part of the caller's transaction."""
    await tx.execute(_NOTE, {"store_id": store_id})


_NOTE = text(
    """INSERT INTO duplicate_scans AS s (store_id, changed_at) VALUES (:store_id, now())
 ON CONFLICT (store_id) DO UPDATE SET changed_at = now() WHERE s.changed_at IS NULL"""
)


async def want_scan(tx: AsyncConnection, store_id: UUID) -> None:
    """Somebody waits for a scan; one that is under way is what they wait for."""
    await tx.execute(_WANT, {"store_id": store_id})


_WANT = text(
    """INSERT INTO duplicate_scans AS s (store_id, wanted_at) VALUES (:store_id, now())
 ON CONFLICT (store_id) DO UPDATE SET wanted_at = now(), claimed_until = LEAST(s.claimed_until, now())
 WHERE s.wanted_at IS NULL AND s.scan_id IS NULL"""
)


async def load_scan(tx: AsyncConnection, store_id: UUID) -> Scan:
    """How far the store's scan is."""
    suggested = await count_suggested(tx, store_id)
    row = (await tx.execute(_LOAD, {"store_id": store_id})).first()
    if row is None:
        return Scan(ScanState.NEVER, suggested=suggested)
    waiting = row.wanted_at or (row.scan_id and row.attempts > 1 and not row.alive)
    settled = ScanState.DONE if row.finished_at else ScanState.NEVER
    state = ScanState.RUNNING if row.scan_id and row.alive else ScanState.WAITING if waiting else settled
    return Scan(
        state, row.members, row.members_read, row.started_at, row.finished_at, suggested, max(0, row.attempts - 1)
    )


_LOAD = text("SELECT *, claimed_until > now() AS alive FROM duplicate_scans WHERE store_id = :store_id")


async def is_due(tx: AsyncConnection, every: timedelta) -> bool:
    """Whether a store waits for its scan. With `every` 0 only those that somebody has asked for are due."""
    return await tx.scalar(_IS_DUE, _timing(every)) is not None


async def claim_scan(tx: AsyncConnection, every: timedelta) -> ScanClaim | None:
    """Takes the scan that waits longest, of any store; one whose process has died is begun anew, later with each try."""
    scan_id = new_id()
    row = (await tx.execute(_CLAIM, _timing(every) | {"scan_id": scan_id, "lease": LEASE})).first()
    return ScanClaim(await access.load_store(tx, row.store_id), scan_id) if row else None


def _timing(every: timedelta) -> dict[str, object]:
    return {"every": every, "settled": SETTLED}


# What is under way and has lost its process; what somebody waits for; what has changed, in its time.
_DUE = f"""claimed_until + CASE WHEN scan_id IS NOT NULL AND attempts > 1 THEN LEAST(600, 5 * power(2, LEAST(attempts, 10))) ELSE 0 END
 * interval '1 second' <= now() AND (scan_id IS NOT NULL OR wanted_at IS NOT NULL OR (
 changed_at + LEAST(CAST(:settled AS interval), CAST(:every AS interval)) <= now() AND CAST(:every AS interval) > interval '0'
 AND (finished_at IS NULL OR finished_at + GREATEST(CAST(:every AS interval), {_TIMES_ITS_OWN} * (finished_at - started_at)) <= now())))"""
_IS_DUE = text(f"SELECT 1 FROM duplicate_scans WHERE {_DUE} LIMIT 1")
_CLAIM = text(
    f"""UPDATE duplicate_scans s SET scan_id = :scan_id, started_at = now(), changed_at = NULL, wanted_at = NULL, members_read = 0,
 claimed_until = now() + CAST(:lease AS interval), attempts = s.attempts + 1
 FROM (SELECT store_id FROM duplicate_scans WHERE {_DUE} ORDER BY wanted_at NULLS LAST, claimed_until LIMIT 1
  FOR UPDATE SKIP LOCKED) due
 WHERE s.store_id = due.store_id RETURNING s.store_id"""
)


async def save_progress(tx: AsyncConnection, claim: ScanClaim, members: int, read: int) -> None:
    """Renews the lease. Raises ScanLost when somebody else has the scan."""
    await _update(tx, claim, _PROGRESS, {"members": members, "read": read, "lease": LEASE})


async def finish_scan(tx: AsyncConnection, claim: ScanClaim) -> None:
    """The scan is done. Raises ScanLost."""
    await _update(tx, claim, _FINISH, {})


async def give_back(tx: AsyncConnection, claim: ScanClaim) -> None:
    """Lets others begin the scan anew at once; no matter if they have it already."""
    await tx.execute(_GIVE_BACK, {"store_id": claim.store.store_id, "scan_id": claim.scan_id})


async def _update(tx: AsyncConnection, claim: ScanClaim, statement: object, values: dict[str, object]) -> None:
    parameters = {"store_id": claim.store.store_id, "scan_id": claim.scan_id, **values}
    if (await tx.execute(statement, parameters)).rowcount != 1:  # type: ignore[call-overload]
        raise ScanLost


_MINE = "WHERE store_id = :store_id AND scan_id = :scan_id"
_PROGRESS = text(
    f"""UPDATE duplicate_scans SET members = CAST(:members AS bigint), members_read = CAST(:read AS bigint),
 claimed_until = now() + CAST(:lease AS interval) {_MINE}"""
)
_FINISH = text(
    f"UPDATE duplicate_scans SET scan_id = NULL, finished_at = now(), attempts = 0, claimed_until = now() {_MINE}"
)
_GIVE_BACK = text(f"UPDATE duplicate_scans SET claimed_until = now() {_MINE}")
