"""Orders forget people who were erased (C12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import crash, outbox
from services.common.database import Database
from services.orders import events, store

# Each batch is one event with as many ids, and one update of as many messages.
ERASE_BATCH = 500


async def queue_erasures(tx: AsyncConnection, store_id: UUID, people: Sequence[tuple[UUID, datetime]]) -> None:
    """(customer, when) of people who were erased: their orders forget them, batch by batch. Part of the inbox transaction."""
    await store.queue_erasures(tx, store_id, people)


async def erase_contacts(database: Database) -> int:
    """Works off the erasures of all stores (C12); how many orders were stripped. Totals, lines and payments stay."""
    total = 0
    while True:
        async with database.across_stores() as tx:
            erasure = await store.next_erasure(tx)
        if erasure is None:
            return total
        async with database.transaction(erasure.store_id) as tx:
            if not await store.hold_erasure(tx, erasure):
                continue
            stripped = await store.erase_batch(tx, erasure, "service:membership", ERASE_BATCH)
            if stripped:
                await store.forget_bodies(tx, erasure.store_id, stripped)
                await outbox.add(tx, erasure.store_id, [events.contacts_erased(erasure.customer_id, stripped)])
            if len(stripped) < ERASE_BATCH:
                await store.finish_erasure(tx, erasure)
            crash.point("orders.erase.before_commit")
        total += len(stripped)
