"""Points by hand, and points past their time (B2-B4)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    Customer,
    Ledger,
    PointsSettings,
    Reason,
    Rounding,
    Status,
    check_points_settings,
    read_adjustment,
)

_OWNERS_AT_ONCE = 200
log = structlog.get_logger()


async def adjust_points(
    context: Context, claims: ServiceClaims, once: Once[int], customer_id: UUID, points: int, expires_on: str, note: str
) -> int:
    """Awards or deducts points of the member behind any id it ever had (F10); the balance after it.

    Raises InvalidInput, NotFound (customer_not_found), StateConflict (not_a_member, points_insufficient), Conflict, Replayed.
    """
    if points == 0:
        raise InvalidInput.of("points", "zero_points")
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)  # first of all: a repeat is answered though the date is past by now
        settings = await store.load_settings(tx, claims.store)
        adjustment = read_adjustment(points, expires_on, note, clock.now(), settings)
        owner, ledger = await hold_ledger(tx, claims, customer_id)
        before = ledger.balance
        ledger.adjust(adjustment)
        await store.save_ledger(tx, claims.store, ledger)
        reason = Reason.AWARDED if points > 0 else Reason.DEDUCTED
        changes = [
            audit.change("points", before, ledger.balance),
            audit.change("expires_on", "", expires_on),
            audit.hidden("note", "", adjustment.note),
        ]
        noted = events.noted(claims.actor, "customer.points_adjusted", "customer", owner.customer_id, changes)
        await outbox.add(tx, claims.store, [events.points_posted(ledger, reason, owner.version + 1), noted])
        await once.finish(tx, ledger.balance)
    context.wake()
    return ledger.balance


async def hold_ledger(tx: AsyncConnection, claims: ServiceClaims, customer_id: UUID) -> tuple[Customer, Ledger]:
    """The member with its row held, and its lots, those past their time emptied. Raises NotFound, StateConflict."""
    owner = await store.lock_owner(tx, claims.store, customer_id)
    if owner is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    if owner.status is not Status.MEMBER:
        raise StateConflict("not_a_member", customer_id=str(owner.customer_id))
    ledger = Ledger(
        owner.customer_id, await store.lots_of(tx, claims.store, [owner.customer_id]), clock.now(), claims.actor
    )
    ledger.expire()
    return owner, ledger


async def save_points_settings(
    context: Context, claims: ServiceClaims, once: Once[PointsSettings], settings: PointsSettings
) -> PointsSettings:
    """Changes what points are earned from now on; those there are stay as they are (B2).

    Raises InvalidInput, Conflict (stale_version), Replayed.
    """
    check_points_settings(settings)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        known = (await store.lock_settings(tx, claims.store)).points
        if settings.version != known.version:
            raise Conflict("stale_version", "the settings have been changed since they were read")
        saved = replace(settings, version=known.version + 1)
        await store.save_points_settings(tx, claims.store, saved)
        await outbox.add(tx, claims.store, [_settings_noted(claims, known, saved)])
        await once.finish(tx, saved)
    context.wake()
    return saved


def _settings_noted(claims: ServiceClaims, known: PointsSettings, saved: PointsSettings) -> Event:
    names = ("earn_per_unit", "redeem_per_unit", "validity_months")
    changes = [audit.change(name, getattr(known, name), getattr(saved, name)) for name in names]
    changes.append(audit.change("rounding", Rounding(known.rounding), Rounding(saved.rounding)))
    return events.noted(claims.actor, "points_settings.changed", "store", claims.store, changes)


async def expire_points(context: Context) -> int:
    """Empties lots that are past their time, in every store; the number of customers concerned (B4)."""
    concerned = 0
    while True:
        async with context.database.across_stores() as tx:
            owners = await store.expired_owners(tx, clock.now(), _OWNERS_AT_ONCE)
        if not owners:
            return concerned
        for store_id, customer_id in owners:
            await _expire_of(context, store_id, customer_id)
        concerned += len(owners)
        log.info("points_expired", customers=len(owners))


async def _expire_of(context: Context, store_id: UUID, customer_id: UUID) -> None:
    async with context.database.transaction(store_id) as tx:
        owner = await store.lock_owner(tx, store_id, customer_id)
        if owner is None:
            return
        lots = await store.lots_of(tx, store_id, [owner.customer_id])
        ledger = Ledger(owner.customer_id, lots, clock.now(), "service:membership")
        if ledger.expire():
            await store.save_ledger(tx, store_id, ledger)
            await outbox.add(tx, store_id, [events.points_posted(ledger, Reason.EXPIRED, owner.version + 1)])
    context.wake()
