"""What is known of members' carts, and since when a member has left one unchecked (C3)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import CartState

# Older news than is known is dropped. The owner is the one of the event, who may have been merged meanwhile: the caller knows.
_NOTE = text(
    """INSERT INTO cart_facts (store_id, cart_id, customer_id, version, left_at)
 SELECT CAST(:store_id AS uuid), n.cart_id, n.customer_id, n.version, n.left_at
 FROM unnest(CAST(:cart_ids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:left AS timestamptz[]))
  AS n(cart_id, customer_id, version, left_at) ORDER BY n.cart_id
 ON CONFLICT (store_id, cart_id) DO UPDATE SET customer_id = excluded.customer_id, version = excluded.version,
  left_at = excluded.left_at WHERE cart_facts.version < excluded.version"""
)
# Who is gone has no cart, whatever news is still on its way.
_RECKON = text(
    """UPDATE customers c SET cart_since = (SELECT max(left_at) FROM cart_facts f
  WHERE f.store_id = c.store_id AND f.customer_id = c.customer_id)
 WHERE c.store_id = :store_id AND c.customer_id = ANY(CAST(:customer_ids AS uuid[])) AND c.status IN (1, 2)"""
)


async def note_carts(tx: AsyncConnection, store_id: UUID, carts: Sequence[CartState]) -> None:
    """Writes what is news of carts; the owners' rows are held, and their marks brought up to date."""
    await tx.execute(
        _NOTE,
        {
            "store_id": store_id,
            "cart_ids": [cart.cart_id for cart in carts],
            "customer_ids": [cart.customer_id for cart in carts],
            "versions": [cart.version for cart in carts],
            "left": [cart.left_at for cart in carts],
        },
    )
    owners = sorted({cart.customer_id for cart in carts})
    await tx.execute(_RECKON, {"store_id": store_id, "customer_ids": owners})
