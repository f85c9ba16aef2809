"""Points that pay for a part of an order: held, confirmed, spent, or given back (B2, B4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.common.errors import Unavailable
from services.common.idempotency import Once, Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.clients import Others
from services.membership.commands.context import Context
from services.membership.commands.points import hold_ledger
from services.membership.domain import HoldState, Ledger, Reason, Redemption, Status, redeem_for

# Far longer than it takes to write an order, its repeats and its event.
HOLD_TIME = timedelta(minutes=15)
_HOLDS_AT_ONCE = 200
log = structlog.get_logger()


async def reserve_points(
    context: Context, claims: ServiceClaims, once: Once[Redemption], customer_id: UUID, points: int, due: int
) -> Redemption:
    """Takes points of the member behind any id it ever had for an order, whose id is minted here (B2).

    A repeat gets the same, unless no order came and the points went back: then they are taken anew, under another id.
    Raises InvalidInput (out_of_range, points_above_due, points_too_few), NotFound (customer_not_found),
    StateConflict (points_not_redeemable, not_a_member, points_insufficient), Conflict.
    """
    async with context.database.transaction(claims.store) as tx:
        if again := await _begin(tx, once):
            return again
        settings = await store.load_settings(tx, claims.store)
        value = redeem_for(points, due, settings)
        owner, ledger = await hold_ledger(tx, claims, customer_id)
        held = Redemption(new_id(), owner.customer_id, points, value, HoldState.HELD, clock.now(), once.key)
        ledger.redeem(points, held.order_id)
        await store.save_ledger(tx, claims.store, ledger)
        await store.add_redemption(tx, claims.store, held)
        told = events.points_posted(ledger, Reason.REDEEMED, owner.version + 1, held.order_id)
        await outbox.add(tx, claims.store, [told])
        await once.finish(tx, held)
    crash.point("membership.reserve.after_commit")
    context.wake()
    return held


async def _begin(tx: AsyncConnection, once: Once[Redemption]) -> Redemption | None:
    try:
        await once.begin(tx)
    except Replayed:
        return await store.hold_again(tx, once.store_id, once.key, clock.now())
    return None


async def follow_redemptions(tx: AsyncConnection, store_id: UUID, states: Mapping[UUID, HoldState]) -> None:
    """Orders with points stand, are paid, or were cancelled. The transaction is the inbox's."""
    if states:
        await store.advance_redemptions(tx, store_id, states)


async def settle_holds(context: Context, others: Others) -> int:
    """Looks after points that no order has confirmed in HOLD_TIME: without an order they go back (B4); how many were settled.

    While orders cannot be asked they are held on.
    """
    before = clock.now() - HOLD_TIME
    async with context.database.across_stores() as tx:
        overdue = await store.overdue_holds(tx, before, _HOLDS_AT_ONCE)
    for settled, (store_id, order_id) in enumerate(overdue):
        try:
            state = await others.state_of_order(store_id, order_id)
        except Unavailable as error:
            log.warning("holds_wait_for_orders", reason=error.reason)
            return settled
        if state is None:
            await _give_back(context, store_id, order_id, before)
        else:
            async with context.database.transaction(store_id) as tx:
                await store.advance_redemptions(tx, store_id, {order_id: state})
    return len(overdue)


async def _give_back(context: Context, store_id: UUID, order_id: UUID, before: datetime) -> None:
    """Gives the points back with the expiry that they had; those of somebody who is gone by now are written off."""
    async with context.database.transaction(store_id) as tx:
        known = await store.load_redemption(tx, store_id, order_id)
        owner = await store.lock_owner(tx, store_id, known.customer_id) if known else None
        held = await store.load_redemption(tx, store_id, order_id, lock=True)
        if not owner or not held or held.state is not HoldState.HELD or held.reserved_at > before:
            return
        lots = await store.lots_of(tx, store_id, [owner.customer_id])
        ledger = Ledger(owner.customer_id, lots, clock.now(), store.EARNER)
        for entry in await store.entries_of_orders(tx, store_id, [order_id]):
            if entry.reason is Reason.REDEEMED:
                ledger.award(-entry.points, entry.expires_at, "", Reason.RETURNED, order_id)
        if owner.status is Status.MEMBER:
            ledger.expire()
        else:
            ledger.write_off()
        await store.save_ledger(tx, store_id, ledger)
        await store.advance_redemptions(tx, store_id, {order_id: HoldState.RETURNED})
        await outbox.add(tx, store_id, [events.points_posted(ledger, Reason.RETURNED, owner.version + 1, order_id)])
    log.info("points_hold_returned", order_id=str(order_id))
    context.wake()
