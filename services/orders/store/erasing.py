"""Orders of people who were erased (C12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Erasure:
    """A customer whose orders are to forget the person."""

    store_id: UUID
    customer_id: UUID
    erased_at: datetime


_QUEUE = text(
    """INSERT INTO erasures (store_id, customer_id, erased_at)
 SELECT CAST(:store_id AS uuid), e.customer_id, e.at FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS e(customer_id, at)
 ORDER BY e.customer_id ON CONFLICT (store_id, customer_id) DO UPDATE SET erased_at = GREATEST(erasures.erased_at, excluded.erased_at)"""
)
_NEXT = text("SELECT store_id, customer_id, erased_at FROM erasures ORDER BY erased_at LIMIT 1")
_HOLD = text("SELECT 1 FROM erasures WHERE store_id = :store_id AND customer_id = :customer_id FOR UPDATE")
_DONE = text("DELETE FROM erasures WHERE store_id = :store_id AND customer_id = :customer_id")
# An order that came in after the erasure is a new affair, with a contact of its own. The history says when an order came in.
_ERASE = text(
    """WITH picked AS (SELECT o.order_id FROM orders o
   WHERE o.store_id = :store_id AND o.customer_id = :customer_id
    AND (o.contact_name <> '' OR o.contact_phone <> '' OR o.contact_email <> '' OR o.note <> '' OR o.shipping_address IS NOT NULL)
    AND EXISTS (SELECT FROM order_history h WHERE h.store_id = o.store_id AND h.order_id = o.order_id AND h.version = 1
     AND h.at <= :erased_at)
   ORDER BY o.order_id LIMIT :most FOR UPDATE OF o),
 changed AS (UPDATE orders o SET contact_name = '', contact_phone = '', contact_email = '', shipping_address = NULL, note = '',
   version = version + 1 FROM picked WHERE o.store_id = :store_id AND o.order_id = picked.order_id RETURNING o.order_id, o.version),
 h AS (INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)
   SELECT CAST(:store_id AS uuid), order_id, version, now(), CAST(:actor AS text), 'contact_erased', '' FROM changed)
 SELECT order_id FROM changed"""
)


async def queue_erasures(tx: AsyncConnection, store_id: UUID, people: Sequence[tuple[UUID, datetime]]) -> None:
    """(customer, when) of those whose orders are to forget them."""
    ids, times = [customer_id for customer_id, _ in people], [at for _, at in people]
    await tx.execute(_QUEUE, {"store_id": store_id, "ids": ids, "times": times})


async def next_erasure(tx: AsyncConnection) -> Erasure | None:
    """The one that waits longest, of all stores."""
    row = (await tx.execute(_NEXT)).first()
    return Erasure(row.store_id, row.customer_id, row.erased_at) if row else None


async def hold_erasure(tx: AsyncConnection, erasure: Erasure) -> bool:
    """False when somebody else has finished it."""
    key = {"store_id": erasure.store_id, "customer_id": erasure.customer_id}
    return (await tx.execute(_HOLD, key)).first() is not None


async def erase_batch(tx: AsyncConnection, erasure: Erasure, actor: str, most: int) -> list[UUID]:
    """Up to `most` orders forget contact, address and note; their ids."""
    key = {"store_id": erasure.store_id, "customer_id": erasure.customer_id, "erased_at": erasure.erased_at}
    return [row.order_id for row in await tx.execute(_ERASE, {**key, "actor": actor, "most": most})]


async def finish_erasure(tx: AsyncConnection, erasure: Erasure) -> None:
    """Nothing is left to forget."""
    await tx.execute(_DONE, {"store_id": erasure.store_id, "customer_id": erasure.customer_id})
