"""Points that orders hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import HoldState, Redemption

_COLUMNS = "order_id, customer_id, points, discount, state, reserved_at, key"
_ADD = text(
    f"""INSERT INTO redemptions (store_id, {_COLUMNS})
 VALUES (:store_id, :order_id, :customer_id, :points, :discount, :state, :reserved_at, :key)"""
)
# Whoever asks again is about to write the order again: its time begins anew.
_AGAIN = text(
    f"""UPDATE redemptions SET reserved_at = :now WHERE store_id = :store_id AND key = :key AND state < 4
 RETURNING {_COLUMNS}"""
)
_LOAD = text(f"SELECT {_COLUMNS} FROM redemptions WHERE store_id = :store_id AND order_id = :order_id")
_LOCK = text(f"SELECT {_COLUMNS} FROM redemptions WHERE store_id = :store_id AND order_id = :order_id FOR UPDATE")
_ADVANCE = text(
    """UPDATE redemptions r SET state = s.state
 FROM unnest(CAST(:orders AS uuid[]), CAST(:states AS smallint[])) AS s(order_id, state)
 WHERE r.store_id = :store_id AND r.order_id = s.order_id AND r.state < s.state"""
)
_OVERDUE = text(
    "SELECT store_id, order_id FROM redemptions WHERE state = 1 AND reserved_at <= :before ORDER BY reserved_at LIMIT :most"
)


async def add_redemption(tx: AsyncConnection, store_id: UUID, redemption: Redemption) -> None:
    """Writes points that have just been taken."""
    values = {name: getattr(redemption, name) for name in _COLUMNS.split(", ")}
    await tx.execute(_ADD, {"store_id": store_id, **values})


async def hold_again(tx: AsyncConnection, store_id: UUID, key: str, now: datetime) -> Redemption | None:
    """The points that were taken under this key and have not been given back; no one gives them back for a while."""
    row = (await tx.execute(_AGAIN, {"store_id": store_id, "key": key, "now": now})).first()
    return _redemption(row) if row else None


async def load_redemption(
    tx: AsyncConnection, store_id: UUID, order_id: UUID, *, lock: bool = False
) -> Redemption | None:
    """The points of an order; `lock` holds the row, after that of its customer."""
    row = (await tx.execute(_LOCK if lock else _LOAD, {"store_id": store_id, "order_id": order_id})).first()
    return _redemption(row) if row else None


async def advance_redemptions(tx: AsyncConnection, store_id: UUID, states: Mapping[UUID, HoldState]) -> None:
    """Orders are so far by now; none goes back."""
    parameters = {"store_id": store_id, "orders": list(states), "states": list(states.values())}
    await tx.execute(_ADVANCE, parameters)


async def overdue_holds(tx: AsyncConnection, before: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """(store, order) of points that no order has confirmed since then, in all stores, the longest held first."""
    return [(row.store_id, row.order_id) for row in await tx.execute(_OVERDUE, {"before": before, "most": most})]


def _redemption(row: Row[Any]) -> Redemption:
    return Redemption(
        order_id=row.order_id,
        customer_id=row.customer_id,
        points=row.points,
        discount=row.discount,
        state=HoldState(row.state),
        reserved_at=row.reserved_at,
        key=row.key,
    )
