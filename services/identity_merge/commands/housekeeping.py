"""What has run out is deleted: sessions, confirmations, codes, plans, counters of attempts."""

from __future__ import annotations

from services.common.database import Database
from services.identity_merge.store import expiry

BATCH = 5_000


async def delete_expired(database: Database) -> None:
    """Deletes in batches, so that nobody waits long."""
    for table in expiry.TABLES:
        removed = BATCH
        while removed == BATCH:
            async with database.across_stores() as tx:
                removed = await expiry.delete_batch(tx, table, BATCH)
