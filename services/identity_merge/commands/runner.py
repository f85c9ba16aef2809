"""Carries merges out, step by step, from wherever the last worker left them (F9, L).

Each change of state is one local transaction that shows the lease; remote calls lie between transactions and may be repeated.
A dependency that is away delays a run and never ends it. Only membership can refuse one, and only before the pivot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.common import audit, clock, crash, outbox, telemetry
from services.common.database import is_transient
from services.common.errors import (
    AlreadyExists,
    Conflict,
    InvalidInput,
    NotFound,
    OnefoldError,
    PermissionDenied,
    StateConflict,
)
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.commands.logins import retire_login_methods
from services.identity_merge.commands.merges import claims_of
from services.identity_merge.domain.merges import MergeState, Run
from services.identity_merge.store import batches, merges
from services.identity_merge.store.merges import Claim, LeaseLost

# Merges that one process carries out at the same time, so that one that waits for an answer does not hold up the rest.
AT_ONCE = 4
SWEEP_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 10.0
# A definite no. Everything else may be different at the next try.
_REFUSALS = (AlreadyExists, Conflict, InvalidInput, NotFound, PermissionDenied, StateConflict)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Runner:
    """Works off the queue of unfinished merges of all stores; any number of processes may."""

    context: Context

    async def run(self) -> None:
        """Works until cancelled; woken by NOTIFY and by time."""
        woken, turn = asyncio.Event(), asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            group.create_task(outbox.listen(self.context.database, woken.set))
            for _ in range(AT_ONCE):
                group.create_task(self._work(woken, turn))

    async def _work(self, woken: asyncio.Event, turn: asyncio.Lock) -> None:
        """Of those who have nothing to do one looks out, and wakes the next when it has found something."""
        while True:
            try:
                found = await self.work_one(woken.set)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("merges_wait_for_database", error=type(error).__name__)
                found = False
            if not found:
                async with turn:
                    await _rest(woken)

    async def work_one(self, found: Callable[[], None] = lambda: None) -> bool:
        """Takes one run as far as it goes now, having called `found`; False when there is none to take."""
        async with self.context.database.across_stores() as tx:
            claim = await merges.claim_run(tx)
        if claim is None:
            return False
        found()
        telemetry.begin(traceparent=claim.traceparent)
        try:
            with telemetry.span("carry out merge", telemetry.CONSUMER) as span:
                await self._carry_on(claim)
                span.set_attribute("onefold.merge.state", claim.run.state.name)
        finally:
            telemetry.end()
        return True

    async def _carry_on(self, claim: Claim) -> None:
        try:
            while not claim.run.finished:
                with telemetry.span(f"merge {claim.run.state.name.lower()}"):
                    await self._step(claim)
        except LeaseLost:
            log.warning("merge_taken_over", merge_run_id=str(claim.run.merge_run_id))
        except asyncio.CancelledError:  # this process ends; the next one need not wait for the lease
            await self._give_back(claim, 0, claim.attempts, "")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the merge must go on some time
            await self._postpone(claim, error)

    async def _step(self, claim: Claim) -> None:
        match claim.run.state:
            case MergeState.PLANNED:
                await self._absorb(claim)
            case MergeState.ABSORBED:
                await self._retire_logins(claim)
            case MergeState.LOGINS_RETIRED:
                await self._move_orders(claim)

    async def _absorb(self, claim: Claim) -> None:
        """The pivot. It is idempotent by the run's id, so an answer that was lost is had by asking again."""
        crash.point("merge.planned")
        claims = _claims(claim)
        crash.point("merge.before_absorb")
        try:
            earlier_ids = await self.context.membership.absorb(claims, claim.run)
        except _REFUSALS as refusal:
            await self._refuse(claim, refusal)
            return
        crash.point("merge.after_absorb")
        claim.run.absorbed(earlier_ids)
        await self._save(claim)

    async def _refuse(self, claim: Claim, refusal: OnefoldError) -> None:
        reason = refusal.violations[0].reason if isinstance(refusal, InvalidInput) else refusal.reason
        claim.run.refuse(reason, clock.now())
        log.info("merge_refused", merge_run_id=str(claim.run.merge_run_id), reason=reason)
        await self._finish(claim)

    async def _retire_logins(self, claim: Claim) -> None:
        """Before the orders, for those may be many, and the old logins shall die at once (F6, F13)."""
        crash.point("merge.before_retire")
        store_id = claim.store.store_id
        async with self.context.database.transaction(store_id) as tx:
            claim.run.logins_retired(await retire_login_methods(tx, store_id, claim.run.request.merged_ids))
            await merges.save_run(tx, claim)
            await merges.mark_logins_retired(tx, store_id, claim.run.merge_run_id)
        crash.point("merge.after_retire")

    async def _move_orders(self, claim: Claim) -> None:
        """One batch (F5); the last one completes the run."""
        run, claims = claim.run, _claims(claim)
        if run.orders_expected is None:
            run.expect_orders((await self.context.orders.summarise(claims, run.request.merged_ids)).settled)
            await self._save(claim)
        moved, done = await self.context.orders.relink(claims, run)
        crash.point("merge.between_batches")
        if not done:
            run.moved(moved)
            await self._save(claim)
            return
        crash.point("merge.before_complete")
        run.complete(moved, clock.now())
        await self._finish(claim)
        crash.point("merge.after_complete")

    async def _save(self, claim: Claim) -> None:
        async with self.context.database.transaction(claim.store.store_id) as tx:
            await merges.save_run(tx, claim)

    async def _finish(self, claim: Claim) -> None:
        store_id, run = claim.store.store_id, claim.run
        async with self.context.database.transaction(store_id) as tx:
            await merges.save_run(tx, claim)
            await merges.release_participants(tx, store_id, run.merge_run_id)
            await batches.note_end(tx, store_id, run.merge_run_id, run.refusal)
            await outbox.add(tx, store_id, [events.merge_finished(run), _noted(run)])
        self.context.waker.wake()

    async def _postpone(self, claim: Claim, error: Exception) -> None:
        """Tries again later, without limit (L)."""
        expected = isinstance(error, OnefoldError) or is_transient(error)
        log.warning(
            "merge_postponed",
            merge_run_id=str(claim.run.merge_run_id),
            state=claim.run.state.name,
            attempts=claim.attempts + 1,
            error=getattr(error, "reason", type(error).__name__),
            exc_info=None if expected else error,
        )
        wait = min(0.2 * 2 ** min(claim.attempts, 10), LONGEST_WAIT_SECONDS)
        await self._give_back(claim, wait, claim.attempts + 1, f"{type(error).__name__}: {error}")

    async def _give_back(self, claim: Claim, seconds: float, attempts: int, error: str) -> None:
        async with self.context.database.transaction(claim.store.store_id) as tx:
            await merges.give_back(tx, claim, timedelta(seconds=seconds), attempts, error)


def _noted(run: Run) -> Event:
    """In the name of whoever started it; beside the start, for between them it may be refused."""
    action = "customer.merge_refused" if run.state is MergeState.REFUSED else "customer.merge_completed"
    changes = [
        audit.change("merged_ids", "", sorted(map(str, run.request.merged_ids))),
        audit.change("refusal", "", run.refusal),
        audit.change("merge_run_id", "", run.merge_run_id),
    ]
    return events.noted(run.started_by, action, "customer", run.request.primary_id, changes)


async def _rest(woken: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(SWEEP_SECONDS):  # wait_for may swallow a cancellation (Python 3.11)
            await woken.wait()
    except TimeoutError:
        return
    woken.clear()


def _claims(claim: Claim) -> ServiceClaims:
    return claims_of(claim.store, claim.run.started_by)
