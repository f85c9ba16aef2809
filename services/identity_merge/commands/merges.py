"""Planning and starting merges; `runner` carries them out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.errors import Conflict, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import SERVICE, ServiceClaims
from services.identity_merge import events
from services.identity_merge.clients import OrderSums, Preview, Relink
from services.identity_merge.commands import Context
from services.identity_merge.domain.access import Store
from services.identity_merge.domain.logins import OWNED_KINDS, LoginMethod
from services.identity_merge.domain.merges import MOST, Foreseen, MergeRequest, Plan, Run
from services.identity_merge.store import logins
from services.identity_merge.store import merges as store


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan and what there is to check about it (F4)."""

    plan: Plan
    preview: Preview
    orders: OrderSums
    relink: Relink
    logins: Sequence[LoginMethod]


async def plan_merge(context: Context, claims: ServiceClaims, once: Once[Proposal], wanted: MergeRequest) -> Proposal:
    """What a merge would do, kept for an hour (F1-F4, F8). Raises what membership says against it, Unavailable, Replayed."""
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
    (named, preview), (orders, relink) = await asyncio.gather(
        foresee(context, claims, wanted), _ask_orders(context, claims, wanted)
    )
    if named != wanted:
        wanted = named
        orders, relink = await _ask_orders(context, claims, wanted)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        methods = await logins.list_of(tx, claims.store, wanted.participants)
        plan = await store.add_plan(tx, claims.store, new_id(), wanted, foreseen(preview, methods), claims.actor)
        return await once.finish(tx, Proposal(plan, preview, orders, relink, methods))


async def _ask_orders(context: Context, claims: ServiceClaims, wanted: MergeRequest) -> tuple[OrderSums, Relink]:
    """What orders knows of the accounts, and foresees of their carts. Raises Unavailable."""
    return await asyncio.gather(
        context.orders.summarise(claims, [wanted.primary_id, *wanted.merged_ids]),
        context.orders.preview_relink(claims, wanted),
    )


def foreseen(preview: Preview, methods: Sequence[LoginMethod]) -> Foreseen:
    """Phones and addresses are membership's: its fingerprint knows of them, and ours follow its news a moment later."""
    providers = [method.login_method_id for method in methods if method.kind not in OWNED_KINDS]
    return Foreseen(preview.fingerprint, providers, preview.facts)


async def foresee(context: Context, claims: ServiceClaims, wanted: MergeRequest) -> tuple[MergeRequest, Preview]:
    """What membership foresees, and of whom: an id that was merged earlier stands for its survivor (F10).

    Raises what membership says against it, InvalidInput (repeated_account) when two ids are one account's by now, Unavailable.
    """
    for _ in range(MOST):
        try:
            return wanted, await context.membership.preview(claims, wanted)
        except StateConflict as refusal:
            merged, survivor = refusal.params.get("customer_id"), refusal.params.get("survivor_id")
            if refusal.reason != "already_merged" or not merged or not survivor:
                raise
            wanted = wanted.led_on(UUID(merged), UUID(survivor))
    return wanted, await context.membership.preview(claims, wanted)


async def commit_merge(context: Context, claims: ServiceClaims, once: Once[Run], plan_id: UUID, plan_hash: str) -> Run:
    """Starts a planned merge; it finishes by itself (F9). A plan becomes one run: committing it again answers with that.

    Raises NotFound (plan_not_found), StateConflict (plan_expired), Conflict (stale_plan, merge_in_progress), Unavailable,
    Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
        plan = await _plan(tx, claims.store, plan_id, plan_hash)
    if plan.merge_run_id is None:
        try:
            await _check_unchanged(context, claims, plan)
        except (Conflict, StateConflict):
            async with context.database.transaction(claims.store) as tx:
                # The accounts may have changed by this very plan: the same button was pressed a moment earlier.
                if (await _plan(tx, claims.store, plan_id, plan_hash)).merge_run_id is None:
                    raise
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        plan = await _plan(tx, claims.store, plan_id, plan_hash, lock=True)
        run = await once.finish(tx, await run_of(tx, claims, plan))
        crash.point("merge.commit.before_commit")
    context.waker.wake()
    return run


async def _check_unchanged(context: Context, claims: ServiceClaims, plan: Plan) -> None:
    preview = await context.membership.preview(claims, plan.request)
    async with context.database.transaction(claims.store) as tx:
        methods = await logins.list_of(tx, claims.store, plan.request.participants)
    plan.check_unchanged(foreseen(preview, methods))


async def _plan(tx: AsyncConnection, store_id: UUID, plan_id: UUID, plan_hash: str, *, lock: bool = False) -> Plan:
    plan = await store.load_plan(tx, store_id, plan_id, lock=lock)
    if plan is None:
        raise NotFound("plan_not_found", plan_id=str(plan_id))
    plan.check(plan_hash)
    return plan


async def run_of(tx: AsyncConnection, claims: ServiceClaims, plan: Plan) -> Run:
    """The run that a plan, whose row is held, has become or becomes now. Raises Conflict (merge_in_progress)."""
    known = plan.merge_run_id and await store.load_run(tx, claims.store, plan.merge_run_id)
    if known:
        return known
    run = Run.start(plan, merge_run_id=new_id(), actor=claims.actor, now=clock.now())
    if not await store.add_run(tx, claims.store, run):
        raise Conflict("merge_in_progress", "another merge holds one of the accounts")
    await outbox.add(tx, claims.store, [events.merge_started(run), _noted(claims, run)])
    return run


def claims_of(owner: Store, actor: str) -> ServiceClaims:
    """In a store's name and `actor`'s, where no caller brings claims: an award's last day is reckoned in the store's time zone."""
    return ServiceClaims(
        actor=actor,
        role=SERVICE,
        store_id=str(owner.store_id),
        region=owner.region,
        currency=owner.currency,
        timezone=owner.timezone,
        language=owner.language,
    )


def _noted(claims: ServiceClaims, run: Run) -> Event:
    asked = run.request
    changes = [
        audit.change("merged_ids", "", sorted(map(str, asked.merged_ids))),
        audit.change("points", "", asked.adjustment.points or ""),
        audit.change("expires_on", "", asked.adjustment.expires_on),
        audit.hidden("note", "", asked.adjustment.description),
        audit.change("merge_run_id", "", run.merge_run_id),
    ]
    return events.noted(claims.actor, "customer.merge_started", "customer", asked.primary_id, changes)
