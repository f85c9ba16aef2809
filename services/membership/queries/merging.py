"""What merges would do, and what they did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.errors import NotFound
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import (
    MANY_LOTS,
    Account,
    Merge,
    MergeRecord,
    Outcome,
    check_participants,
    merge_outcome,
    read_adjustment,
)


async def preview_absorb(database: Database, claims: ServiceClaims, merge: Merge) -> tuple[Sequence[Account], Outcome]:
    """What absorbing would do, by the very function that does it (F4, F8). Raises as `commands.absorb`."""
    check_participants(merge.primary_id, merge.merged_ids)
    async with database.transaction(claims.store) as tx:
        now = clock.now()
        settings = await store.load_settings(tx, claims.store)
        adjustment = read_adjustment(
            merge.points, merge.expires_on, merge.description, now, settings, prefix="adjustment."
        )
        accounts = await store.load_accounts(tx, claims.store, merge, settings, now, lock=False)
    if sum(len(account.lots) for account in accounts) < MANY_LOTS:
        return accounts, merge_outcome(accounts, merge.primary_id, adjustment, now, settings)
    return accounts, await asyncio.to_thread(merge_outcome, accounts, merge.primary_id, adjustment, now, settings)


async def merge_record(database: Database, claims: ServiceClaims, run_id: UUID) -> MergeRecord:
    """What the merge did (F13). Raises NotFound (merge_not_found)."""
    async with database.transaction(claims.store) as tx:
        record = await store.load_record(tx, claims.store, run_id)
    if record is None:
        raise NotFound("merge_not_found", merge_run_id=str(run_id))
    return record
