"""Bears witness of the audit log (H1)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.orders import store


async def witness_audit(tx: AsyncConnection, store_id: UUID, links: Sequence[tuple[int, bytes]]) -> None:
    """Keeps how far the store's audit log had come, and the hash of its end then. Part of the inbox transaction."""
    await store.witness(tx, store_id, links)
