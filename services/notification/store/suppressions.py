"""Who has unsubscribed from a store's advertising."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notification.store.tables import suppressions


async def is_suppressed(tx: AsyncConnection, store_id: UUID, address_digest: bytes) -> bool:
    """Whether the address is to get no advertising of the store."""
    found = exists().where(suppressions.c.store_id == store_id, suppressions.c.address_digest == address_digest)
    return bool(await tx.scalar(select(found)))


async def suppressed_among(tx: AsyncConnection, store_id: UUID, address_digests: Sequence[bytes]) -> list[bytes]:
    """Those of the addresses that are to get no advertising of the store."""
    mine = select(suppressions.c.address_digest).where(
        suppressions.c.store_id == store_id, suppressions.c.address_digest.in_(address_digests)
    )
    return [bytes(digest) for digest in (await tx.execute(mine)).scalars()]


async def suppress(tx: AsyncConnection, store_id: UUID, address_digest: bytes) -> None:
    """Writes the wish down; a second time changes nothing."""
    row = {"store_id": store_id, "address_digest": address_digest}
    await tx.execute(insert(suppressions).values(row).on_conflict_do_nothing())


async def unsuppress(tx: AsyncConnection, store_id: UUID, address_digest: bytes) -> None:
    """Takes the wish back."""
    await tx.execute(
        delete(suppressions).where(suppressions.c.store_id == store_id, suppressions.c.address_digest == address_digest)
    )
