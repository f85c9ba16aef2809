"""Levels by hand, what time moves, and the events of those whom rules have moved (B3, B6). Rules: level_saving.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.errors import NotFound, StateConflict
from services.common.idempotency import Once
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    Cause,
    Customer,
    LevelChoice,
    LevelRules,
    Spend,
    Standing,
    Status,
    StoreSettings,
    by_hand,
    read_choice,
)

_MEMBERS_AT_ONCE = 500
_TOLD_AT_ONCE = 1_000
log = structlog.get_logger()


async def set_customer_level(
    context: Context,
    claims: ServiceClaims,
    once: Once[Customer],
    customer_id: UUID,
    level_id: UUID | None,
    reason: str,
    pinned_until: str,
) -> Customer:
    """Puts the member behind any id it ever had into a level, or into none (B3). The customer with its new level.

    Raises InvalidInput, NotFound (customer_not_found), StateConflict (not_a_member), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        now = clock.now()
        settings = await store.load_settings(tx, claims.store, hold=True)
        choice = read_choice(level_id, reason, pinned_until, settings, now)
        owner = await store.lock_owner(tx, claims.store, customer_id)
        if owner is None:
            raise NotFound("customer_not_found", customer_id=str(customer_id))
        if owner.status is not Status.MEMBER:
            raise StateConflict("not_a_member", customer_id=str(owner.customer_id))
        await _set(tx, claims, owner, choice, settings)
        changed = (await store.load_many(tx, claims.store, [owner.customer_id]))[owner.customer_id]
        await once.finish(tx, changed)
    context.wake()
    return changed


async def _set(
    tx: AsyncConnection, claims: ServiceClaims, owner: Customer, choice: LevelChoice, settings: StoreSettings
) -> None:
    now, rules = clock.now(), settings.rules
    spends = await store.load_spends(tx, claims.store, [owner.customer_id], rules, now)
    spend = spends.get(owner.customer_id, Spend())
    standing: Standing = by_hand(choice.level_id, choice.pinned_until, spend, rules, now, settings.timezone)
    setting = store.Setting(owner.customer_id, owner.level_id, standing, Cause.STAFF, claims.actor, choice.reason)
    moved = await store.set_level(tx, claims.store, setting, rules, now)
    news = [_set_noted(claims, owner, choice, rules)]
    if moved.from_id != moved.to_id:
        news.append(events.level_changed(moved))
    await outbox.add(tx, claims.store, news)


def _set_noted(claims: ServiceClaims, owner: Customer, choice: LevelChoice, rules: LevelRules) -> Event:
    was, now = (rules.at(rules.rank(level_id)) for level_id in (owner.level_id, choice.level_id))
    changes = [
        audit.change("level", was.name if was else "", now.name if now else ""),
        audit.change("pinned_until", "", choice.pinned_until),
        audit.hidden("reason", "", choice.reason),
    ]
    return events.noted(claims.actor, "customer.level_set", "customer", owner.customer_id, changes)


async def move_due_members(context: Context) -> int:
    """Judges those whom time may have moved: a validity or pin has ended, or an order is a year old; in every store.

    Returns how many were looked at. Each is due again later, or never, so this ends.
    """
    seen = 0
    while True:
        async with context.database.across_stores() as tx:
            due = await store.due_members(tx, clock.now(), _MEMBERS_AT_ONCE)
        if not due:
            return seen
        for store_id, members in groupby(sorted(due), key=lambda pair: pair[0]):
            await _move_due(context, store_id, [customer_id for _, customer_id in members])
        seen += len(due)
        log.info("levels_judged", customers=len(due))


async def _move_due(context: Context, store_id: UUID, customers: Sequence[UUID]) -> None:
    async with context.database.transaction(store_id) as tx:
        settings = await store.load_settings(tx, store_id, hold=True)
        held = await store.hold_customers(tx, store_id, customers)
        judging = store.Judging(settings.rules, settings.rules, clock.now(), settings.timezone)
        moved = await store.move_members(tx, store_id, judging, held, Cause.TIME, store.EARNER)
        await outbox.add(tx, store_id, [events.level_changed(move) for move in moved])
    context.wake()


async def tell_moves(context: Context) -> int:
    """Writes the events of those whom a change of rules has moved, in batches; how many.

    A million of them in the transaction of the change would keep the relay from everything else.
    """
    told = 0
    async with context.database.across_stores() as tx:
        stores = await store.stores_with_untold_moves(tx)
    for store_id in stores:
        while moves := await _tell(context, store_id):
            told += moves
    return told


async def _tell(context: Context, store_id: UUID) -> int:
    async with context.database.transaction(store_id) as tx:
        moves = await store.take_untold_moves(tx, store_id, _TOLD_AT_ONCE)
        await outbox.add(tx, store_id, [events.level_changed(move) for move in moves])
    context.wake()
    return len(moves)
