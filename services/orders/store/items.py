"""The price list."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import Item
from services.orders.store.tables import items

# Counting, placing and adding must not be torn apart by another who does the same.
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended('items ' || CAST(:store_id AS text), 0))")
_COUNT = text("SELECT count(*) AS items, COALESCE(max(position), 0) AS last FROM items WHERE store_id = :store_id")
_TAKEN = text(
    "SELECT 1 FROM items WHERE store_id = :store_id AND sku <> '' AND lower(sku) = lower(:sku) AND item_id <> :item_id"
)
# A store has 5,000 at most: its rows are looked through in the order of the list.
_SEARCHED = func.lower(func.normalize(items.c.name_en + " " + items.c.name_zh + " " + items.c.sku, text("NFKC")))


@dataclass(frozen=True, slots=True)
class ItemsWanted:
    """Which items of the list; `patterns` are LIKE patterns that must all fit."""

    patterns: Sequence[str] = ()
    sold_online: bool = False
    sold_at_counter: bool = False
    archived: bool = False


async def hold_items(tx: AsyncConnection, store_id: UUID) -> tuple[int, int]:
    """Waits for others who change the list, and holds off those who come; (items there are, the last position)."""
    await tx.execute(_HOLD, {"store_id": str(store_id)})
    row = (await tx.execute(_COUNT, {"store_id": store_id})).one()
    return row.items, row.last


async def sku_is_taken(tx: AsyncConnection, store_id: UUID, sku: str, but: UUID) -> bool:
    """Whether an item other than `but` has the code; for who holds the items."""
    parameters = {"store_id": store_id, "sku": sku, "item_id": but}
    return (await tx.execute(_TAKEN, parameters)).first() is not None


async def add_item(tx: AsyncConnection, store_id: UUID, item: Item) -> None:
    """Writes a new item."""
    await tx.execute(insert(items).values(store_id=store_id, **asdict(item)))


async def load_item(tx: AsyncConnection, store_id: UUID, item_id: UUID) -> Item | None:
    """One item."""
    found = await load_items(tx, store_id, [item_id])
    return found.get(item_id)


async def load_items(tx: AsyncConnection, store_id: UUID, item_ids: Collection[UUID]) -> dict[UUID, Item]:
    """Those of the items that the store has, archived ones among them."""
    if not item_ids:
        return {}
    query = select(items).where(items.c.store_id == store_id, items.c.item_id.in_(item_ids))
    return {row.item_id: _item(row) for row in await tx.execute(query)}


async def save_item(tx: AsyncConnection, store_id: UUID, item: Item) -> None:
    """Writes a changed item."""
    values = asdict(item)
    key = (items.c.store_id == store_id) & (items.c.item_id == values.pop("item_id"))
    await tx.execute(update(items).where(key).values(values))


async def items_page(tx: AsyncConnection, store_id: UUID, page: PageRequest, wanted: ItemsWanted) -> list[Item]:
    """Items by position, then by age, one more than the page holds. `page.after` is (position, item_id)."""
    query = select(items).where(items.c.store_id == store_id, items.c.archived == wanted.archived)
    if wanted.sold_online:
        query = query.where(items.c.sold_online)
    if wanted.sold_at_counter:
        query = query.where(items.c.sold_at_counter)
    if wanted.patterns:
        query = query.where(_SEARCHED.like(func.all(array(wanted.patterns))))
    if page.after:
        query = query.where(tuple_(items.c.position, items.c.item_id) > tuple_(*page.after))
    query = query.order_by(items.c.position, items.c.item_id).limit(page.size + 1)
    return [_item(row) for row in await tx.execute(query)]


def _item(row: Row[Any]) -> Item:
    return Item(
        item_id=row.item_id,
        name_en=row.name_en,
        name_zh=row.name_zh,
        sku=row.sku,
        unit_price=row.unit_price,
        sold_online=row.sold_online,
        sold_at_counter=row.sold_at_counter,
        archived=row.archived,
        position=row.position,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
