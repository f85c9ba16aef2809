"""What everybody did is written down, entry after entry (H1)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.identity_merge import events
from services.identity_merge.domain.audit import Doing, chain
from services.identity_merge.store import audit


async def write_down(tx: AsyncConnection, store_id: UUID, doings: Sequence[Doing]) -> None:
    """Adds to the store's chain and tells its new end, which another service keeps. Part of the inbox transaction."""
    entries = chain(store_id, await audit.hold_chain(tx, store_id), doings)
    await audit.add_entries(tx, store_id, entries)
    await outbox.add(tx, store_id, [events.audit_chained(store_id, entries[-1].link)])
