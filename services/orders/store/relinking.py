"""Who owns orders after merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.orders.store.tables import orders, survivors


async def hold_owners(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID], *, moving: bool = False
) -> None:
    """Until this transaction ends, no merge takes orders from these customers; `moving`: and nobody gives them any.

    Without it an order could be given to an account in the very moment in which a merge takes that account's orders away,
    neither seeing the other. Statements that follow see what a holder before us has done. Hold before any row is locked.
    """
    ids = [str(customer_id) for customer_id in customer_ids]
    await tx.execute(_HOLD_MOVING if moving else _HOLD, {"store_id": str(store_id), "customer_ids": ids})


_HOLD_SQL = """SELECT {lock}(k) FROM (SELECT DISTINCT hashtextextended(CAST(:store_id AS text) || c, 0) AS k
 FROM unnest(CAST(:customer_ids AS text[])) c ORDER BY k) AS held"""
_HOLD = text(_HOLD_SQL.format(lock="pg_advisory_xact_lock_shared"))
_HOLD_MOVING = text(_HOLD_SQL.format(lock="pg_advisory_xact_lock"))


async def hold_owner_of(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> None:
    """As hold_owners, for whoever owns the order; an order that is nowhere holds nobody."""
    owner = await tx.scalar(
        select(orders.c.customer_id).where(orders.c.store_id == store_id, orders.c.order_id == order_id)
    )
    if owner:
        await hold_owners(tx, store_id, [owner])


async def survivor_of(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> UUID:
    """Where a customer's orders go: the survivor of a merge, else the customer itself."""
    found = await tx.scalar(
        select(survivors.c.survivor_id).where(survivors.c.store_id == store_id, survivors.c.merged_id == customer_id)
    )
    return found or customer_id


async def point_to_survivor(tx: AsyncConnection, store_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID) -> None:
    """Remembers a merge, and lets earlier pointers to the merged accounts lead to the survivor at once (one hop, F10)."""
    parameters = {"store_id": store_id, "merged_ids": sorted(merged_ids), "survivor_id": survivor_id}
    await tx.execute(_SHORTEN, parameters)
    await tx.execute(_POINT, parameters)


_SHORTEN = text(
    "UPDATE survivors SET survivor_id = :survivor_id WHERE store_id = :store_id AND survivor_id = ANY(CAST(:merged_ids AS uuid[]))"
)
_POINT = text(
    """INSERT INTO survivors (store_id, merged_id, survivor_id)
 SELECT CAST(:store_id AS uuid), m, CAST(:survivor_id AS uuid) FROM unnest(CAST(:merged_ids AS uuid[])) m
 ON CONFLICT (store_id, merged_id) DO NOTHING"""
)


async def relink_batch(
    tx: AsyncConnection, store_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID, actor: str, note: str, most: int
) -> tuple[int, list[UUID]]:
    """Moves up to `most` orders that are not unpaid to the survivor, with their history; (how many were looked at, ids of those moved).

    Fewer than `most` were looked at: there are no more. The accounts are held.
    """
    row = (
        await tx.execute(
            _RELINK,
            {
                "store_id": store_id,
                "merged_ids": list(merged_ids),
                "survivor_id": survivor_id,
                "actor": actor,
                "note": note,
                "most": most,
            },
        )
    ).one()
    return row.looked_at, row.moved


# Rows are not locked before they are changed, which would be a third of it all: the UPDATE waits for whoever has one, and looks again
# whether it is still to be moved.
_RELINK = text(
    """WITH picked AS (SELECT order_id FROM orders
   WHERE store_id = :store_id AND customer_id = ANY(CAST(:merged_ids AS uuid[])) AND status <> 1 LIMIT :most),
 moved AS (UPDATE orders o SET customer_id = :survivor_id, moved_from = COALESCE(o.moved_from, o.customer_id), version = version + 1
   FROM picked WHERE o.store_id = :store_id AND o.order_id = picked.order_id
    AND o.customer_id = ANY(CAST(:merged_ids AS uuid[])) AND o.status <> 1 RETURNING o.order_id, o.version),
 h AS (INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)
   SELECT CAST(:store_id AS uuid), order_id, version, now(), CAST(:actor AS text), 'owner_changed', CAST(:note AS text) FROM moved)
 SELECT (SELECT count(*) FROM picked) AS looked_at, ARRAY(SELECT order_id FROM moved) AS moved"""
)


async def link_batch(
    tx: AsyncConnection, store_id: UUID, links: Mapping[UUID, UUID], actor: str
) -> tuple[int, list[tuple[UUID, UUID]]]:
    """Gives each order (key) to its buyer (value), or to the survivor of that; (orders found, those moved with their owner).

    Unpaid orders that belong to a merged account stay (F7), and an unpaid order goes to its buyer, merged or not.
    """
    rows = (
        await tx.execute(
            _LINK,
            {"store_id": store_id, "order_ids": list(links), "customer_ids": list(links.values()), "actor": actor},
        )
    ).all()
    return len(rows), [(row.order_id, row.owner) for row in rows if row.owner is not None]


_LINK = text(
    """WITH held AS (SELECT o.order_id, o.customer_id, o.status, w.customer_id AS buyer
   FROM unnest(CAST(:order_ids AS uuid[]), CAST(:customer_ids AS uuid[])) AS w(order_id, customer_id)
   JOIN orders o ON o.store_id = :store_id AND o.order_id = w.order_id ORDER BY o.order_id FOR UPDATE OF o),
 goal AS (SELECT h.order_id, h.buyer, CASE WHEN h.status = 1 THEN h.buyer ELSE COALESCE(s.survivor_id, h.buyer) END AS owner
   FROM held h LEFT JOIN survivors s ON s.store_id = :store_id AND s.merged_id = h.buyer
   LEFT JOIN survivors m ON m.store_id = :store_id AND m.merged_id = h.customer_id
   WHERE h.status <> 1 OR m.merged_id IS NULL),
 moved AS (UPDATE orders o SET customer_id = g.owner, moved_from = COALESCE(o.moved_from, NULLIF(g.buyer, g.owner)),
   version = o.version + 1 FROM goal g
   WHERE o.store_id = :store_id AND o.order_id = g.order_id AND o.customer_id <> g.owner
   RETURNING o.order_id, o.customer_id, o.version),
 h AS (INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)
   SELECT CAST(:store_id AS uuid), order_id, version, now(), CAST(:actor AS text), 'owner_changed', '' FROM moved)
 SELECT held.order_id, moved.customer_id AS owner FROM held LEFT JOIN moved ON moved.order_id = held.order_id"""
)
