"""What a refund undoes of an order's points (B4). The transaction is the inbox's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock
from services.common.outbox import Event
from services.membership import events, store
from services.membership.domain import Entry, Ledger, OrderState, Reason, Status, StoreSettings, refund_points


async def undo_points(
    tx: AsyncConnection,
    store_id: UUID,
    orders: Sequence[OrderState],
    owners: Mapping[UUID, store.Owner],
    settings: StoreSettings,
) -> list[Event]:
    """Takes back what refunded or cancelled orders earned and gives back what they redeemed, each part once; what there is to tell.

    The caller holds the owners' rows. Without such an order it costs nothing.
    """
    undone = [order for order in orders if order.refunded or order.cancelled]
    refunded = [order for order in undone if owners[order.order_id].status is Status.MEMBER]
    if not refunded:
        return []
    entries: dict[UUID, list[Entry]] = {}
    for entry in await store.entries_of_orders(tx, store_id, [order.order_id for order in refunded]):
        if entry.order_id:
            entries.setdefault(entry.order_id, []).append(entry)
    told: list[Event] = []
    for owner_id in sorted({owners[order_id].customer_id for order_id in entries}):
        own = [o for o in refunded if o.order_id in entries and owners[o.order_id].customer_id == owner_id]
        told += await _undo(tx, store_id, owner_id, own, entries, settings)
    return told


async def _undo(
    tx: AsyncConnection,
    store_id: UUID,
    owner_id: UUID,
    orders: Sequence[OrderState],
    entries: Mapping[UUID, Sequence[Entry]],
    settings: StoreSettings,
) -> list[Event]:
    owner = (await store.load_many(tx, store_id, [owner_id]))[owner_id]
    ledger = Ledger(owner_id, await store.lots_of(tx, store_id, [owner_id]), clock.now(), store.EARNER)
    for order in orders:
        refund_points(ledger, order, entries[order.order_id], settings)
    await store.save_ledger(tx, store_id, ledger)
    moved = dict.fromkeys((entry.reason, entry.order_id) for entry in ledger.entries)
    return [events.points_posted(ledger, Reason(reason), owner.version + 1, order_id) for reason, order_id in moved]
