"""The pivot of a merge (F1-F11)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.common.errors import Conflict
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    MANY_LOTS,
    Account,
    Adjustment,
    Cause,
    LevelRules,
    Merge,
    Outcome,
    StoreSettings,
    check_participants,
    merge_outcome,
    read_adjustment,
    search_text,
    write_down,
)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The primary's balance after the pivot, and the accounts that had been merged into the merged ones before (F10)."""

    points_balance: int
    earlier_ids: Sequence[UUID]


async def absorb(context: Context, claims: ServiceClaims, run_id: UUID, merge: Merge, fingerprint: bytes) -> Absorbed:
    """Folds the merged accounts into the primary, all or nothing, once per run (F9); what it did is kept with it (F13).

    Raises InvalidInput, NotFound (customer_not_found), StateConflict (already_merged, not_a_member, points_insufficient),
    Conflict (stale_plan: an account has changed since the preview; idempotency_key_reused: the run was for other accounts).
    """
    check_participants(merge.primary_id, merge.merged_ids)
    run = store.Run(merge.primary_id, tuple(sorted(merge.merged_ids)), fingerprint)
    async with context.database.transaction(claims.store) as tx:
        if not await store.claim_run(tx, claims.store, run_id, run):
            return await _answer_again(tx, claims.store, run_id, run)
        now = clock.now()
        settings = await store.load_settings(tx, claims.store, hold=True)
        adjustment = read_adjustment(
            merge.points, merge.expires_on, merge.description, now, settings, prefix="adjustment."
        )
        accounts = await store.load_accounts(tx, claims.store, merge, settings, now, lock=True)
        outcome = await _reckon(accounts, adjustment, now, settings, claims.actor, run_id)
        if outcome.fingerprint != fingerprint:
            raise Conflict("stale_plan", "an account has changed since the preview")
        done = await _write(tx, claims, run_id, run, merge, accounts[0], outcome, adjustment, settings.rules)
        crash.point("membership.absorb.before_commit")
    crash.point("membership.absorb.after_commit")
    context.wake()
    return done


async def _reckon(
    accounts: Sequence[Account],
    adjustment: Adjustment,
    now: datetime,
    settings: StoreSettings,
    actor: str,
    run_id: UUID,
) -> Outcome:
    def reckon() -> Outcome:
        primary_id = accounts[0].customer.customer_id
        return merge_outcome(accounts, primary_id, adjustment, now, settings, actor=actor, merge_run_id=run_id)

    many = sum(len(account.lots) for account in accounts) >= MANY_LOTS
    return await asyncio.to_thread(reckon) if many else reckon()


async def _write(
    tx: AsyncConnection,
    claims: ServiceClaims,
    run_id: UUID,
    run: store.Run,
    merge: Merge,
    primary: Account,
    outcome: Outcome,
    adjustment: Adjustment,
    rules: LevelRules,
) -> Absorbed:
    now, survivor = clock.now(), outcome.survivor
    search = search_text(survivor.name, survivor.phone, survivor.email, survivor.further)
    earlier = await store.save_outcome(tx, claims.store, run_id, run.merged_ids, outcome, adjustment, search, now)
    before = primary.customer.level_id
    moves = before != outcome.standing.level_id
    setting = store.Setting(survivor.customer_id, before, outcome.standing, Cause.MERGE, claims.actor, noted=moves)
    moved = await store.set_level(tx, claims.store, setting, rules, now)
    done = replace(run, points_balance=outcome.points_after, earlier_ids=earlier)
    await store.finish_run(tx, claims.store, run_id, done, claims.actor, write_down(merge, outcome))
    told = [events.members_absorbed(run_id, outcome, earlier)]
    await outbox.add(tx, claims.store, told + ([events.level_changed(moved)] if moves else []))
    return Absorbed(done.points_balance, earlier)


async def _answer_again(tx: AsyncConnection, store_id: UUID, run_id: UUID, run: store.Run) -> Absorbed:
    earlier = await store.earlier_run(tx, store_id, run_id)
    if (earlier.primary_id, earlier.merged_ids, earlier.fingerprint) != (
        run.primary_id,
        run.merged_ids,
        run.fingerprint,
    ):
        raise Conflict("idempotency_key_reused", "the merge run was for other accounts")
    return Absorbed(earlier.points_balance, earlier.earlier_ids)
