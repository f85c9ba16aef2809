"""How to reach customers, as their orders say (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# More than this many say nothing about one person.
_MOST = 20
_CONTACTS = text(
    f"""SELECT customer_id, (array_agg(DISTINCT value))[1:{_MOST}] AS found FROM orders
 CROSS JOIN LATERAL (VALUES (contact_phone), (contact_email)) AS contact(value)
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND value <> '' GROUP BY customer_id"""
)


async def contacts_of(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Sequence[str]]:
    """Phones and e-mails on the orders of each customer, each once; customers without any are left out."""
    rows = await tx.execute(_CONTACTS, {"store_id": store_id, "ids": list(ids)})
    return {row.customer_id: row.found for row in rows}
