"""What the log of messages keeps of people, and for how long (C12)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Database
from services.notification import store

BATCH = 1_000


async def forget(
    tx: AsyncConnection, store_id: UUID, *, customers: Sequence[UUID] = (), orders: Sequence[UUID] = ()
) -> None:
    """Blanks recipients and contents of messages to these customers or about these orders; what waits is not sent any more (C12).

    Of webhooks about them, what merchants' systems answered: what was sent to those names nobody.
    """
    await store.forget(tx, store_id, customers, orders)
    await store.forget_answers(tx, store_id, customers, orders)


async def forget_in_time(database: Database, batch: int = BATCH) -> None:
    """Blanks the recipients of messages to nobody's account, and what codes and links were sent for, 30 days after the message.

    In batches, so that nobody waits long.
    """
    forgotten = batch
    while forgotten == batch:
        async with database.across_stores() as tx:
            forgotten = await store.forget_due(tx, batch)
