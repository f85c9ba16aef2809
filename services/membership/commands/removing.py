"""Deleting and erasing people, step by step (C9, C10, C12; fault 18).

    claim (one transaction here) ──► identity_merge ends the logins, or refuses ──► finish (one transaction here)

The claim holds the account and survives whoever dies; the worker takes over what has been left (L). Every step may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.errors import Conflict, NotFound, OnefoldError, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.clients import Others
from services.membership.commands.context import Context
from services.membership.domain import (
    Customer,
    DeletionPolicy,
    Ledger,
    Reason,
    Removal,
    RemovalKind,
    RemovalState,
    check_confirmation,
    check_removable,
    why_not,
)

_TAKEN_AT_ONCE = 20
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom to remove, how, and what was typed to confirm it."""

    customer_id: UUID
    kind: RemovalKind
    confirmation: str


async def remove_customer(
    context: Context, others: Others, claims: ServiceClaims, once: Once[Removal], wish: Wish
) -> Removal:
    """Deletes or erases; done when this returns. After Unavailable it goes on by itself, and asking again is safe.

    Raises InvalidInput (confirmation_differs), NotFound (customer_not_found), StateConflict (merged_away, already_deleted,
    deletion_forbidden, registered_online, merge_in_progress, open_orders), Conflict, Unavailable, Replayed.
    """
    # Asked before anything is claimed: after that only identity_merge can refuse, in the very moment in which it ends the logins.
    erased = wish.kind is RemovalKind.ERASE
    unpaid = await _unpaid_orders(context, others, claims.store, wish.customer_id) if erased else 0
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
        removal = await _claim(tx, claims, once, wish, "open_orders" if unpaid else "")
    if removal.state is RemovalState.REFUSED:
        raise StateConflict(removal.refusal, count=str(unpaid))
    crash.point("membership.removal.claimed")
    return await _carry_out(context, others, claims.store, removal, once)


async def resume_removals(context: Context, others: Others) -> int:
    """Goes on with removals whose process has died, of all stores; how many there were."""
    async with context.database.across_stores() as tx:
        due = await store.take_due_removals(tx, _TAKEN_AT_ONCE)
    for store_id, removal in due:
        try:
            await _carry_out(context, others, store_id, removal, None)
        except (
            OnefoldError
        ) as error:  # refused, which is an end; or the other service is away, and the lease will end again
            log.warning("removal_not_done", removal_id=str(removal.removal_id), reason=error.reason)
    return len(due)


async def set_deletion_policy(
    context: Context, claims: ServiceClaims, once: Once[DeletionPolicy], policy: DeletionPolicy
) -> DeletionPolicy:
    """Whom staff may delete from now on (C10). Raises Conflict, Replayed."""
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        fallback = {name: getattr(claims, name) for name in ("region", "currency", "timezone", "language")}
        known = await store.load_policy(tx, claims.store)
        await store.save_policy(tx, claims.store, policy, fallback)
        change = audit.change("deletion", known, policy)
        noted = events.noted(claims.actor, "deletion_policy.changed", "store", claims.store, [change])
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, policy)
    context.wake()
    return policy


async def _unpaid_orders(context: Context, others: Others, store_id: UUID, customer_id: UUID) -> int:
    async with context.database.transaction(store_id) as tx:
        merged = await store.merged_into(tx, store_id, customer_id)
    return await others.unpaid_orders(store_id, [customer_id, *merged])


async def _claim(tx: AsyncConnection, claims: ServiceClaims, once: Once[Removal], wish: Wish, refusal: str) -> Removal:
    """A new claim, or the one that an earlier use of the key has made. With a `refusal` it is over at once, and remembered."""
    customer = await store.lock_account(tx, claims.store, wish.customer_id)
    if customer is None:
        raise NotFound("customer_not_found", customer_id=str(wish.customer_id))
    latest = await store.latest_removal(tx, claims.store, wish.customer_id)
    if latest and latest.key == once.key and latest.state is not RemovalState.REFUSED:
        if latest.fingerprint != once.fingerprint:
            raise Conflict("idempotency_key_reused", "the key was used for another request")
        return latest
    if latest and latest.state is RemovalState.CLAIMED:
        raise StateConflict("being_removed", customer_id=str(wish.customer_id))
    check_removable(customer, wish.kind)
    check_confirmation(customer, wish.confirmation, claims.region)
    refusal = why_not(customer, wish.kind, await store.load_policy(tx, claims.store)) or refusal
    removal = Removal(
        removal_id=new_id(),
        customer_id=wish.customer_id,
        kind=wish.kind,
        state=RemovalState.CLAIMED,
        requested_by=claims.actor,
        requested_at=clock.now(),
        key=once.key,
        fingerprint=once.fingerprint,
    )
    await store.claim_removal(tx, claims.store, removal)
    if refusal:
        return await _refuse(tx, claims.store, removal, refusal)
    return removal


async def _refuse(tx: AsyncConnection, store_id: UUID, removal: Removal, refusal: str) -> Removal:
    now = clock.now()
    await store.finish_removal(tx, store_id, removal.removal_id, RemovalState.REFUSED, now, refusal)
    return replace(removal, state=RemovalState.REFUSED, refusal=refusal, finished_at=now)


async def _carry_out(
    context: Context, others: Others, store_id: UUID, removal: Removal, once: Once[Removal] | None
) -> Removal:
    async with context.database.transaction(store_id) as tx:
        merged = await store.merged_into(tx, store_id, removal.customer_id)
    if removal.state is RemovalState.CLAIMED:
        try:
            await others.end_logins(store_id, [removal.customer_id, *merged], removal.kind)
        except StateConflict as refusal:
            async with context.database.transaction(store_id) as tx:
                await _refuse(tx, store_id, removal, refusal.reason)
            raise
    crash.point("membership.removal.logins_ended")
    done = await _finish(context, store_id, removal, once)
    crash.point("membership.removal.after_commit")
    context.wake()
    return done


async def _finish(context: Context, store_id: UUID, removal: Removal, once: Once[Removal] | None) -> Removal:
    async with context.database.transaction(store_id) as tx:
        if once:
            await once.begin(tx)
        customer = await store.lock_account(tx, store_id, removal.customer_id)
        held = await store.hold_removal(tx, store_id, removal.removal_id)
        if customer and held.state is RemovalState.CLAIMED:
            await _take_away(tx, store_id, customer, held)
            held = replace(held, state=RemovalState.DONE, finished_at=clock.now())
        if once:
            await once.finish(tx, held)
        crash.point("membership.removal.before_commit")
    return held


async def _take_away(tx: AsyncConnection, store_id: UUID, customer: Customer, removal: Removal) -> None:
    """Points are written off, everything personal goes, and the others are told."""
    now = clock.now()
    merged = await store.merged_into(tx, store_id, customer.customer_id, guests=True)
    lots = await store.lots_of(tx, store_id, [customer.customer_id])
    ledger = Ledger(customer.customer_id, lots, now, removal.requested_by)
    ledger.write_off()
    await store.save_ledger(tx, store_id, ledger)
    news = [_noted(removal, customer)]
    if ledger.entries:
        news.append(events.points_posted(ledger, Reason.WRITTEN_OFF, customer.version + 1))
    await store.wipe(tx, store_id, customer.customer_id, merged, removal.kind, now)
    await store.finish_removal(tx, store_id, removal.removal_id, RemovalState.DONE, now)
    version = customer.version + (2 if ledger.entries else 1)
    if removal.kind is RemovalKind.DELETE:
        news.append(events.member_deleted(customer.customer_id, version))
    else:
        news.append(events.member_erased(customer.customer_id, merged, now, version))
    await outbox.add(tx, store_id, news)


def _noted(removal: Removal, customer: Customer) -> Event:
    action = "customer.deleted" if removal.kind is RemovalKind.DELETE else "customer.erased"
    points = audit.change("points", customer.points_balance, 0)
    return events.noted(removal.requested_by, action, "customer", removal.customer_id, [points])
