"""Birthday gifts: which stores have birthdays to celebrate, whose they are, and that each is given once a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# A store's day begins in its own time zone.
_STORES = text(
    """SELECT store_id, birthdays_on, CAST(CAST(:now AS timestamptz) AT TIME ZONE timezone AS date) AS today FROM store_settings
 WHERE birthdays_on < CAST(CAST(:now AS timestamptz) AT TIME ZONE timezone AS date)"""
)
_BORN_ON = text(
    "SELECT customer_id FROM birthdays_of(:month_and_day, CAST(:levels AS uuid[]), CAST(:after AS uuid), :most) ORDER BY customer_id"
)
_CLAIM = text(
    """INSERT INTO birthday_gifts (store_id, customer_id, year, entry_id) VALUES (:store_id, :customer_id, :year, :entry_id)
 ON CONFLICT (store_id, customer_id, year) DO NOTHING RETURNING year"""
)
_GIFTS = text(
    """SELECT customer_id, year FROM birthday_gifts
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[])) ORDER BY year"""
)
_CELEBRATED = text("UPDATE store_settings SET birthdays_on = :day WHERE store_id = :store_id AND birthdays_on < :day")


async def birthday_stores(tx: AsyncConnection, now: datetime) -> list[tuple[UUID, date, date]]:
    """(store, last day done, today) of stores whose birthdays of today have not been celebrated."""
    return [(row.store_id, row.birthdays_on, row.today) for row in await tx.execute(_STORES, {"now": now})]


async def members_with_birthday(
    tx: AsyncConnection, levels: Sequence[UUID], month: int, day: int, after: UUID, most: int
) -> list[UUID]:
    """Members of these levels of the transaction's store who were born on that day of a year; by id, after one of them."""
    parameters = {"month_and_day": month * 100 + day, "levels": list(levels), "after": after, "most": most}
    return [row.customer_id for row in await tx.execute(_BORN_ON, parameters)]


async def claim_gift(tx: AsyncConnection, store_id: UUID, customer_id: UUID, year: int, entry_id: UUID) -> bool:
    """False when the customer has had this year's gift."""
    parameters = {"store_id": store_id, "customer_id": customer_id, "year": year, "entry_id": entry_id}
    return (await tx.execute(_CLAIM, parameters)).first() is not None


async def gifts_of(tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID]) -> list[tuple[UUID, int]]:
    """(customer, year) of the gifts that these customers have had."""
    rows = await tx.execute(_GIFTS, {"store_id": store_id, "customers": list(customers)})
    return [(row.customer_id, row.year) for row in rows]


async def celebrated(tx: AsyncConnection, store_id: UUID, day: date) -> None:
    """Notes that the birthdays of the store's day, and of those before, are done."""
    await tx.execute(_CELEBRATED, {"store_id": store_id, "day": day})
