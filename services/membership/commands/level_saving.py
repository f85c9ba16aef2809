"""Saving level rules: asked for, then applied by the worker, exactly the simulated moves or nothing (B6)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import structlog

from services.common import audit, clock, crash, outbox
from services.common.database import is_transient
from services.common.errors import Conflict, InvalidInput, OnefoldError, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import Basis, Level, LevelRules, LevelRun, StoreSettings, read_rules, simulation_hash

_RUNS_AT_ONCE = 20
log = structlog.get_logger()


async def save_rules(
    context: Context, claims: ServiceClaims, once: Once[LevelRun], asked: LevelRules, seen: bytes
) -> LevelRun:
    """Queues the saving of rules whose simulation has the hash `seen`; the worker does it (`run_level_saves`).

    Raises InvalidInput, Conflict (stale_version), StateConflict (levels_being_saved: another run of the store is under way),
    Replayed.
    """
    if not seen:
        raise InvalidInput.of("simulation_hash", "required")
    run = LevelRun(new_id(), asked, seen, claims.actor, clock.now())
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        read_rules(claims.store, asked, (await store.load_settings(tx, claims.store)).rules)
        if not await store.add_level_run(tx, claims.store, run):
            raise StateConflict("levels_being_saved")
        return await once.finish(tx, run)


async def run_level_saves(context: Context) -> None:
    """Goes on with every run that is not at its end, in every store. A run whose worker died begins anew: nothing was written."""
    async with context.database.across_stores() as tx:
        runs = await store.level_runs_under_way(tx, _RUNS_AT_ONCE)
    for store_id, run_id in runs:
        try:
            await _run(context, store_id, run_id)
        except OnefoldError as error:
            await _refuse(context, store_id, run_id, error.reason)
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("level_run_failed")
            await _refuse(context, store_id, run_id, "internal")


async def _run(context: Context, store_id: UUID, run_id: UUID) -> None:
    """Moves first and compares then, in one transaction. Raises Conflict (stale_version; stale_simulation: others would move)."""

    async def progress(done: int, total: int) -> None:
        async with context.database.transaction(store_id) as beside:
            await store.note_level_progress(beside, store_id, run_id, done, total, clock.now())
        crash.point("membership.levels.between_parts")

    async with context.database.transaction(store_id) as tx:
        run = await store.take_level_run(tx, store_id, run_id)
        if run is None:
            return
        settings = await store.lock_settings(tx, store_id)
        rules, now = read_rules(store_id, run.rules, settings.rules), clock.now()
        judging = store.Judging(rules, settings.rules, now, settings.timezone)
        steps = await store.move_everybody(tx, store_id, judging, run.requested_by, progress)
        if simulation_hash(rules, steps) != run.seen:
            raise Conflict("stale_simulation", "other members would move by now")
        await store.save_rules(tx, store_id, replace(rules, version=rules.version + 1), now)
        up, down = (sum(step.members for step in steps if step.down == way) for way in (False, True))
        await store.end_level_run(tx, store_id, run_id, clock.now(), up=up, down=down)
        await outbox.add(tx, store_id, [_noted(store_id, run, settings, rules)])
        crash.point("membership.levels.before_commit")
    context.wake()


def _noted(store_id: UUID, run: LevelRun, settings: StoreSettings, new: LevelRules) -> Event:
    """One change for each level that differs."""
    changes = [audit.change("basis", Basis(settings.rules.basis), Basis(new.basis))]
    was, now = ({level.level_id: level for level in rules.levels} for rules in (settings.rules, new))
    for level_id in was | now:
        texts = [_in_words(levels.get(level_id), settings.currency) for levels in (was, now)]
        changes.append(audit.change("level", *texts))
    return events.noted(run.requested_by, "levels.saved", "store", store_id, changes)


def _in_words(level: Level | None, currency: str) -> str:
    if level is None:
        return ""
    figures = (level.discount, level.multiplier, level.birthday_points, level.validity_months)
    return f"{level.name}: {audit.amount(level.threshold, currency)}, -{figures[0]}%, ×{figures[1]}%, +{figures[2]}, {figures[3]} m"


async def _refuse(context: Context, store_id: UUID, run_id: UUID, reason: str) -> None:
    async with context.database.transaction(store_id) as tx:
        await store.end_level_run(tx, store_id, run_id, clock.now(), refusal=reason)
