"""What people have agreed to. The caller of a change holds the customer's row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.membership.domain import Use

_LOAD = text(
    """SELECT customer_id, kind, given, at, actor, via FROM uses
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[]))"""
)
_CHANGES = text(
    """SELECT kind, given, at, actor, via, origin_customer_id FROM use_changes
 WHERE store_id = :store_id AND customer_id = :customer_id ORDER BY at DESC, change_id DESC LIMIT :most"""
)
_SET = text(
    """INSERT INTO uses (store_id, customer_id, kind, given, at, actor, via)
 VALUES (:store_id, :customer_id, :kind, :given, :at, :actor, :via)
 ON CONFLICT (store_id, customer_id, kind) DO UPDATE SET given = excluded.given, at = excluded.at, actor = excluded.actor,
  via = excluded.via"""
)
_NOTE = text(
    """INSERT INTO use_changes (store_id, customer_id, change_id, kind, given, at, actor, via)
 VALUES (:store_id, :customer_id, :change_id, :kind, :given, :at, :actor, :via)"""
)


async def load_uses(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, dict[str, Use]]:
    """What each of the customers was asked, by kind."""
    found: dict[UUID, dict[str, Use]] = {}
    for row in await tx.execute(_LOAD, {"store_id": store_id, "ids": list(ids)}):
        found.setdefault(row.customer_id, {})[row.kind] = Use(row.kind, row.given, row.at, row.actor, row.via)
    return found


async def use_changes(tx: AsyncConnection, store_id: UUID, customer_id: UUID, most: int) -> list[Use]:
    """The newest first."""
    rows = await tx.execute(_CHANGES, {"store_id": store_id, "customer_id": customer_id, "most": most})
    return [_changed(row) for row in rows]


async def set_uses(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, uses: Iterable[Use], *, noted: bool = True
) -> None:
    """Writes what holds from now on; `noted` as a change that is kept for good."""
    for use in uses:
        values = {name: getattr(use, name) for name in ("kind", "given", "at", "actor", "via")}
        mine = {"store_id": store_id, "customer_id": customer_id, **values}
        await tx.execute(_SET, mine)
        if noted:
            await tx.execute(_NOTE, {**mine, "change_id": new_id()})


def _changed(row: Row[Any]) -> Use:
    return Use(row.kind, row.given, row.at, row.actor, row.via, row.origin_customer_id)
