"""Carts. A cart is one row, so that it is read, held and written as one thing; it has at most 100 lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.orders.domain import Cart, CartLine, CartRef, CartState

_COLUMNS = "cart_id, state, token_hash, customer_id, lines, changed_at, version, order_id"
_BY_ID = f"SELECT {_COLUMNS} FROM carts WHERE store_id = :store_id AND cart_id = :cart_id"
_BY_TOKEN = f"SELECT {_COLUMNS} FROM carts WHERE store_id = :store_id AND token_hash = :token_hash AND state = 1"
_BY_CUSTOMER = f"SELECT {_COLUMNS} FROM carts WHERE store_id = :store_id AND customer_id = :customer_id AND state = 1"
# One statement for each way and lock; one open cart of an owner, and whoever comes second finds the first one's.
_LOAD = {
    (by, lock): text(statement + (" FOR UPDATE" if lock else ""))
    for by, statement in (("cart_id", _BY_ID), ("token_hash", _BY_TOKEN), ("customer_id", _BY_CUSTOMER))
    for lock in (False, True)
}
_ADD = text(
    """INSERT INTO carts (store_id, cart_id, state, token_hash, customer_id, lines, changed_at, version)
 VALUES (:store_id, :cart_id, 1, :token_hash, :customer_id, '[]', :changed_at, 1) ON CONFLICT DO NOTHING"""
)
_SAVE = text(
    """UPDATE carts SET state = :state, lines = CAST(:lines AS jsonb), changed_at = :changed_at, version = :version,
 order_id = :order_id WHERE store_id = :store_id AND cart_id = :cart_id"""
)
_OPEN_OF = f"""SELECT {_COLUMNS} FROM carts WHERE store_id = :store_id AND customer_id = ANY(CAST(:customer_ids AS uuid[]))
 AND state = 1 ORDER BY cart_id"""
_LOAD_OPEN = {lock: text(_OPEN_OF + (" FOR UPDATE" if lock else "")) for lock in (False, True)}
_CHECKED_OUT = text(
    """SELECT count(*) FROM carts WHERE store_id = :store_id AND token_hash = :token_hash AND state = 2
 AND changed_at > CAST(:since AS timestamptz)"""
)
_DROP_STALE = text(
    """DELETE FROM carts WHERE ctid IN (SELECT ctid FROM carts WHERE customer_id IS NULL AND state IN (1, 3) AND changed_at < :before
 LIMIT :most)"""
)


async def load_cart(tx: AsyncConnection, store_id: UUID, ref: CartRef, *, lock: bool = False) -> Cart | None:
    """The cart, or the owner's open one; None when there is none, or it is another's. `lock` holds its row."""
    for by in ("cart_id", "token_hash", "customer_id"):
        if (value := getattr(ref, by)) is not None:
            row = (await tx.execute(_LOAD[by, lock], {"store_id": store_id, by: value})).first()
            cart = _cart(row) if row else None
            return cart if cart and cart.belongs_to(ref) else None
    return None


async def add_cart(tx: AsyncConnection, store_id: UUID, cart: Cart) -> None:
    """Writes a new, empty cart, unless its owner has an open one."""
    await tx.execute(
        _ADD,
        {
            "store_id": store_id,
            "cart_id": cart.cart_id,
            "token_hash": cart.token_hash,
            "customer_id": cart.customer_id,
            "changed_at": cart.changed_at,
        },
    )


async def save_cart(tx: AsyncConnection, store_id: UUID, cart: Cart) -> None:
    """Writes a changed cart whose row is held."""
    lines = [{"item_id": line.item_id, "quantity": line.quantity, "seen_price": line.seen_price} for line in cart.lines]
    await tx.execute(
        _SAVE,
        {
            "store_id": store_id,
            "cart_id": cart.cart_id,
            "state": cart.state,
            "lines": orjson.dumps(lines).decode(),
            "changed_at": cart.changed_at,
            "version": cart.version,
            "order_id": cart.order_id,
        },
    )


async def open_carts_of(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID], *, lock: bool = True
) -> list[Cart]:
    """Open carts of these members; `lock` holds their rows."""
    rows = await tx.execute(_LOAD_OPEN[lock], {"store_id": store_id, "customer_ids": list(customer_ids)})
    return [_cart(row) for row in rows]


async def checked_out_since(tx: AsyncConnection, store_id: UUID, token_hash: bytes, since: datetime) -> int:
    """How many orders a visitor has made of carts since then."""
    parameters = {"store_id": store_id, "token_hash": token_hash, "since": since}
    return int(await tx.scalar(_CHECKED_OUT, parameters) or 0)


async def drop_stale_carts(tx: AsyncConnection, before: datetime, most: int) -> int:
    """Forgets up to `most` visitors' carts that nobody has touched since `before`, of all stores; how many."""
    return int((await tx.execute(_DROP_STALE, {"before": before, "most": most})).rowcount)


def _cart(row: Row[Any]) -> Cart:
    lines = orjson.loads(row.lines) if isinstance(row.lines, str) else row.lines
    return Cart(
        cart_id=row.cart_id,
        state=CartState(row.state),
        token_hash=bytes(row.token_hash) if row.token_hash is not None else None,
        customer_id=row.customer_id,
        lines=tuple(CartLine(UUID(line["item_id"]), line["quantity"], line["seen_price"]) for line in lines),
        changed_at=row.changed_at,
        version=row.version,
        order_id=row.order_id,
    )
