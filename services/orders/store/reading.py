"""Sums and changes of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import Channel, CustomerChange, Status
from services.orders.store.tables import orders

MOST_UNDER_WAY = 100
# Paid, in preparation, shipped.
_UNDER_WAY = text(
    """SELECT c AS customer_id, count(o.*) AS orders FROM unnest(CAST(:ids AS uuid[])) c CROSS JOIN LATERAL (SELECT 1 FROM orders o
  WHERE o.store_id = :store_id AND o.customer_id = c AND o.placed_at >= :since AND o.status IN (2, 3, 4) AND o.channel <> :counter
  LIMIT :most) o GROUP BY c"""
)


async def summarise(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int, int]]:
    """For each customer that has orders: unpaid ones, others, and net spend in minor units."""
    unpaid = func.count().filter(orders.c.status == Status.UNPAID)
    query = (
        select(orders.c.customer_id, unpaid, func.count() - unpaid, func.sum(orders.c.paid - orders.c.refunded))
        .where(orders.c.store_id == store_id, orders.c.customer_id.in_(customer_ids))
        .group_by(orders.c.customer_id)
    )
    return {row[0]: (row[1], row[2], int(row[3])) for row in await tx.execute(query)}


async def under_way(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID], since: datetime
) -> dict[UUID, int]:
    """How many orders placed since then are paid, and neither over nor of the counter; up to MOST_UNDER_WAY of each customer."""
    key = {
        "store_id": store_id,
        "ids": list(customer_ids),
        "since": since,
        "most": MOST_UNDER_WAY,
        "counter": Channel.POS,
    }
    return {row.customer_id: row.orders for row in await tx.execute(_UNDER_WAY, key)}


async def changes_page(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, page: PageRequest
) -> list[CustomerChange]:
    """What happened to a customer's orders, newest first, one more than the page holds. `page.after` is (at, order id, version).

    Costs as much as the customer has orders: 5 ms for a thousand.
    """
    at, order_id, version = page.after or (None, None, None)
    key = {"store_id": store_id, "customer_id": customer_id, "at": at, "order_id": order_id, "version": version}
    return [
        CustomerChange(
            order_id=row.order_id,
            number=row.number,
            version=row.version,
            at=row.at,
            actor=row.actor,
            change=row.change,
            status=Status(row.status),
            total=row.total,
            currency=row.currency,
        )
        for row in await tx.execute(_CHANGES, {**key, "most": page.size + 1})
    ]


# An order was placed when it was made, though it may have been entered later.
_CHANGES = text(
    """SELECT * FROM (SELECT o.order_id, o.number, h.version, CASE h.change WHEN 'placed' THEN o.placed_at ELSE h.at END AS at,
   h.actor, h.change, o.status, o.total, o.currency
  FROM orders o JOIN order_history h ON h.store_id = o.store_id AND h.order_id = o.order_id
  WHERE o.store_id = :store_id AND o.customer_id = :customer_id) AS c
 WHERE CAST(:at AS timestamptz) IS NULL
  OR (at, order_id, version) < (CAST(:at AS timestamptz), CAST(:order_id AS uuid), CAST(:version AS bigint))
 ORDER BY at DESC, order_id DESC, version DESC LIMIT :most"""
)
