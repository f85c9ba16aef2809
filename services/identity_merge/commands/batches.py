"""Many merges at once: written down, checked group by group, begun once somebody says so (F1, F8, F9).

A group becomes a plan and then a run, as a single merge does; `runner` carries the runs out. Its plan and the note that it is
checked are one transaction, its run and the note that it has begun are another: whoever dies, none is begun twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.errors import Internal, InvalidInput, NotFound, OnefoldError, Unavailable, Violation
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import SERVICE, ServiceClaims
from services.identity_merge import events
from services.identity_merge.clients import Preview
from services.identity_merge.commands import Context
from services.identity_merge.commands.merges import claims_of, foresee, foreseen, run_of
from services.identity_merge.domain.batches import (
    Batch,
    BatchState,
    Group,
    GroupState,
    GroupWish,
    check_groups,
    in_other_group,
)
from services.identity_merge.domain.merges import MergeRequest
from services.identity_merge.store import access, logins, merges
from services.identity_merge.store import batches as store

# Groups that are asked about side by side; what is lost when a process dies.
CHECKED_AT_ONCE = 8
# Merges of one batch that are under way at a time. Whoever merges by hand waits for no more than these.
RUNNING_AT_ONCE = 8
_BATCHES_AT_ONCE = 20
PLAN_LIFETIME = timedelta(days=1)
# What membership calls what the group calls otherwise.
_FIELDS = {"customer_ids": "other_ids", "merged_ids": "other_ids"}
Outlook = tuple[MergeRequest, Preview]
log = structlog.get_logger()


async def create_batch(
    context: Context, claims: ServiceClaims, once: Once[Batch], wishes: Sequence[GroupWish], *, start: bool
) -> Batch:
    """Writes the groups down; the worker checks them. Raises InvalidInput (no_groups, too_many_groups), Replayed."""
    check_groups(wishes)
    batch = Batch(new_id(), len(wishes), start, claims.actor, clock.now())
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.add_batch(tx, claims.store, batch, [wish.kept() for wish in wishes])
        if start:
            await outbox.add(tx, claims.store, [_noted(claims, batch)])
        await once.finish(tx, batch)
    return batch


async def confirm_batch(context: Context, claims: ServiceClaims, once: Once[Batch], batch_id: UUID) -> Batch:
    """Lets the worker merge the groups that are good.

    Raises NotFound (merge_batch_not_found), StateConflict (merge_batch_not_checked, merge_batch_confirmed), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        batch = await store.load_batch(tx, claims.store, batch_id, lock=True)
        if batch is None:
            raise NotFound("merge_batch_not_found", batch_id=str(batch_id))
        batch.check_confirmable()
        batch = replace(batch, state=BatchState.RUNNING, confirmed_by=claims.actor, confirmed_at=clock.now())
        await store.confirm(tx, claims.store, batch)
        await outbox.add(tx, claims.store, [_noted(claims, batch)])
        return await once.finish(tx, batch)


def _noted(claims: ServiceClaims, batch: Batch) -> Event:
    """One entry for all of them; each merge has its own besides."""
    changes = [audit.change("groups", "", batch.total)]
    return events.noted(claims.actor, "merge_batch.confirmed", "merge_batch", batch.batch_id, changes)


async def tend_batches(context: Context) -> None:
    """Goes on with every batch that is not at its end, in every store. Any number of workers may do so at once."""
    async with context.database.across_stores() as tx:
        found = await store.batches_under_way(tx, _BATCHES_AT_ONCE)
    for store_id, batch in found:
        if batch.state is BatchState.CHECKING:
            await _check(context, store_id, batch)
        else:
            await _begin(context, store_id, batch)


async def _check(context: Context, store_id: UUID, batch: Batch) -> None:
    """The dry run, a handful at a time and in their places. While membership is away nothing is said of any group (L)."""
    while True:
        async with context.database.transaction(store_id) as tx:
            owner = await access.load_store(tx, store_id)
            groups = await store.groups_in_state(tx, store_id, batch.batch_id, GroupState.WAITING, CHECKED_AT_ONCE)
        claims = claims_of(owner, batch.requested_by)
        try:
            found = await asyncio.gather(*(_foreseen(context, claims, group) for group in groups))
        except Unavailable as error:
            log.warning("merge_batch_waits", batch_id=str(batch.batch_id), error=error.reason)
            return
        async with context.database.transaction(store_id) as tx:
            if await store.take_batch(tx, store_id, batch.batch_id, BatchState.CHECKING) is None:
                return
            await _write_down(tx, claims, batch, dict(zip((g.place for g in groups), found, strict=True)))
            await store.reckon(tx, store_id, batch.batch_id)
            crash.point("merge_batch.check.before_commit")
        if not groups:
            return


async def _foreseen(context: Context, claims: ServiceClaims, group: Group) -> Outlook | list[Violation]:
    """What the merge would do, or why it cannot be. Raises Unavailable: nothing is known yet."""
    try:
        return await foresee(context, claims, group.wish.read())
    except Unavailable:
        raise
    except InvalidInput as error:
        return [Violation(_field_of(v.field), v.reason, v.params) for v in error.violations]
    except OnefoldError as error:
        if isinstance(error, Internal):
            log.error("merge_group_failed", error=str(error))
        return [Violation(_field_of_account(group, error.params), error.reason, error.params)]


def _field_of(field: str) -> str:
    return _FIELDS.get(field, field.removeprefix("adjustment."))


def _field_of_account(group: Group, params: dict[str, str]) -> str:
    """Where the account stands that the refusal names; empty where it names none that was written so."""
    written = {"primary_id": group.wish.primary_id} | {f"other_ids[{n}]": i for n, i in enumerate(group.wish.other_ids)}
    customer_id = params.get("customer_id")
    return next((field for field, text in written.items() if customer_id and text.strip() == customer_id), "")


async def _write_down(
    tx: AsyncConnection, claims: ServiceClaims, batch: Batch, found: dict[int, Outlook | list[Violation]]
) -> None:
    """Plans for the good, problems for the others; the batch is held. What another worker has said of a group stands."""
    store_id, batch_id = claims.store, batch.batch_id
    taken = await store.taken_accounts(tx, store_id, batch_id)
    for group in await store.groups_in_state(tx, store_id, batch_id, GroupState.WAITING, CHECKED_AT_ONCE):
        told = found.get(group.place)
        if told is None:
            return
        problems = told if isinstance(told, list) else in_other_group(told[0], taken)
        if problems or isinstance(told, list):
            await store.note_failed(tx, store_id, batch_id, group.place, problems)
            continue
        wanted, preview = told
        seen = foreseen(preview, await logins.list_of(tx, store_id, wanted.participants))
        plan = await merges.add_plan(tx, store_id, new_id(), wanted, seen, batch.requested_by, PLAN_LIFETIME)
        await store.note_ready(tx, store_id, batch_id, group.place, plan, list(preview.message.warnings))
        taken |= dict.fromkeys(wanted.participants, group.place)


async def _begin(context: Context, store_id: UUID, batch: Batch) -> None:
    """Begins as many merges as there is room for, and sees whether all have ended."""
    claims = ServiceClaims(batch.confirmed_by or batch.requested_by, SERVICE, str(store_id))
    while await _begin_next(context, claims, batch):
        crash.point("merge_batch.start.after_commit")
        context.waker.wake()
    async with context.database.transaction(store_id) as tx:
        if await store.take_batch(tx, store_id, batch.batch_id, BatchState.RUNNING):
            await store.reckon(tx, store_id, batch.batch_id)


async def _begin_next(context: Context, claims: ServiceClaims, batch: Batch) -> bool:
    """The next group's merge, or why it cannot begin; False when there is no room, none is left, or another worker is at it."""
    refused: dict[int, str] = {}
    while True:
        place = 0
        try:
            async with context.database.transaction(claims.store) as tx:
                group = await _next(tx, claims.store, batch)
                if group is None:
                    return False
                place = group.place
                if place in refused:
                    problems = [Violation("", refused[place])]
                    await store.note_failed(tx, claims.store, batch.batch_id, place, problems)
                else:
                    await _become_run(tx, claims, batch, group)
                crash.point("merge_batch.start.before_commit")
            return True
        except OnefoldError as error:
            # What was written of the run is undone; the reason is noted by itself.
            refused[place] = error.reason


async def _next(tx: AsyncConnection, store_id: UUID, batch: Batch) -> Group | None:
    if await store.take_batch(tx, store_id, batch.batch_id, BatchState.RUNNING) is None:
        return None
    running = await store.groups_in_state(tx, store_id, batch.batch_id, GroupState.RUNNING, RUNNING_AT_ONCE)
    if len(running) == RUNNING_AT_ONCE:
        return None
    ready = await store.groups_in_state(tx, store_id, batch.batch_id, GroupState.READY, 1)
    return ready[0] if ready else None


async def _become_run(tx: AsyncConnection, claims: ServiceClaims, batch: Batch, group: Group) -> None:
    """Raises StateConflict (plan_expired), Conflict (merge_in_progress)."""
    plan = group.plan_id and await merges.load_plan(tx, claims.store, group.plan_id, lock=True)
    if not plan:
        raise NotFound("plan_not_found")
    plan.check(plan.plan_hash)
    run = await run_of(tx, claims, plan)
    await store.note_begun(tx, claims.store, batch.batch_id, group.place, run.merge_run_id)
