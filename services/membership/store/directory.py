"""Saved filters (C11)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import SavedFilter, Wish, folded_name, wish_document, wish_of

# Counting and adding must not be torn apart by another who does the same.
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended('saved_filters ' || CAST(:store_id AS text), 0))")
_COLUMNS = "filter_id, name, wish, created_by, created_at, version"
_COUNT = text("SELECT count(*) FROM saved_filters WHERE store_id = :store_id")
_ADD = text(
    """INSERT INTO saved_filters (store_id, filter_id, name, folded_name, wish, created_by, created_at, version)
 VALUES (:store_id, :filter_id, :name, :folded_name, CAST(:wish AS jsonb), :created_by, :created_at, :version)
 ON CONFLICT (store_id, folded_name) DO NOTHING RETURNING filter_id"""
)
_LOAD = text(f"SELECT {_COLUMNS} FROM saved_filters WHERE store_id = :store_id AND filter_id = :filter_id")
_TAKEN = text(
    "SELECT 1 FROM saved_filters WHERE store_id = :store_id AND folded_name = :folded_name AND filter_id <> :filter_id"
)
_RENAME = text(
    f"""UPDATE saved_filters SET name = :name, folded_name = :folded_name, version = version + 1
 WHERE store_id = :store_id AND filter_id = :filter_id RETURNING {_COLUMNS}"""
)
_CHANGE = text(
    f"""UPDATE saved_filters SET name = :name, folded_name = :folded_name, wish = CAST(:wish AS jsonb), version = version + 1
 WHERE store_id = :store_id AND filter_id = :filter_id RETURNING {_COLUMNS}"""
)
_DELETE = text("DELETE FROM saved_filters WHERE store_id = :store_id AND filter_id = :filter_id RETURNING filter_id")
_PAGE = text(
    f"""SELECT {_COLUMNS} FROM saved_filters
 WHERE store_id = :store_id AND (CAST(:after AS text) IS NULL OR folded_name > CAST(:after AS text))
 ORDER BY folded_name LIMIT :most"""
)


async def hold_filters(tx: AsyncConnection, store_id: UUID) -> int:
    """Waits for others who add or rename filters of the store, and holds off those who come; how many filters there are."""
    await tx.execute(_HOLD, {"store_id": str(store_id)})
    return int(await tx.scalar(_COUNT, {"store_id": store_id}) or 0)


async def add_filter(tx: AsyncConnection, store_id: UUID, saved: SavedFilter) -> bool:
    """Keeps a filter; False when the name is taken."""
    added = await tx.execute(
        _ADD,
        {
            "store_id": store_id,
            "filter_id": saved.filter_id,
            "name": saved.name,
            "folded_name": folded_name(saved.name),
            "wish": _written(saved.wish),
            "created_by": saved.created_by,
            "created_at": saved.created_at,
            "version": saved.version,
        },
    )
    return added.first() is not None


async def load_filter(tx: AsyncConnection, store_id: UUID, filter_id: UUID) -> SavedFilter | None:
    """One saved filter."""
    row = (await tx.execute(_LOAD, {"store_id": store_id, "filter_id": filter_id})).first()
    return _saved(row) if row else None


async def name_is_taken(tx: AsyncConnection, store_id: UUID, name: str, but: UUID) -> bool:
    """Whether a filter other than `but` has the name; for who holds the filters."""
    parameters = {"store_id": store_id, "folded_name": folded_name(name), "filter_id": but}
    return (await tx.execute(_TAKEN, parameters)).first() is not None


async def rename_filter(tx: AsyncConnection, store_id: UUID, filter_id: UUID, name: str) -> SavedFilter | None:
    """The filter with its new name; None when there is none."""
    parameters = {"store_id": store_id, "filter_id": filter_id, "name": name, "folded_name": folded_name(name)}
    row = (await tx.execute(_RENAME, parameters)).first()
    return _saved(row) if row else None


async def change_filter(
    tx: AsyncConnection, store_id: UUID, filter_id: UUID, name: str, wish: Wish
) -> SavedFilter | None:
    """The filter with its new name and contents; None when there is none."""
    parameters = {"store_id": store_id, "filter_id": filter_id, "name": name, "folded_name": folded_name(name)}
    row = (await tx.execute(_CHANGE, parameters | {"wish": _written(wish)})).first()
    return _saved(row) if row else None


async def delete_filter(tx: AsyncConnection, store_id: UUID, filter_id: UUID) -> bool:
    """False when there is none."""
    return (await tx.execute(_DELETE, {"store_id": store_id, "filter_id": filter_id})).first() is not None


async def filters_page(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> list[SavedFilter]:
    """Filters by name, one more than the page holds. `page.after` is (folded name,)."""
    parameters = {"store_id": store_id, "after": page.after[0] if page.after else None, "most": page.size + 1}
    return [_saved(row) for row in await tx.execute(_PAGE, parameters)]


def _written(wish: Wish) -> str:
    return orjson.dumps(wish_document(wish)).decode()


def _saved(row: Row[Any]) -> SavedFilter:
    wish = orjson.loads(row.wish) if isinstance(row.wish, str) else row.wish
    return SavedFilter(row.filter_id, row.name, wish_of(wish), row.created_by, row.created_at, row.version)
