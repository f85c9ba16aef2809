"""Lists, search and sums of orders."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import PARTLY_REFUNDED, CustomerChange, Order, Status
from services.orders.store.rows import order_of
from services.orders.store.tables import orders


async def list_page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_ids: Sequence[UUID], statuses: Sequence[int]
) -> Sequence[Order]:
    """Orders newest first, one more than the page holds. `page.after` is (placed_at, order_id).

    `statuses` may hold PARTLY_REFUNDED, which is no status of an order but what a filter calls those refunded in part.
    """
    query = select(orders).where(orders.c.store_id == store_id)
    if customer_ids:
        query = query.where(orders.c.customer_id.in_(customer_ids))
    if statuses:
        wanted: list[ColumnElement[bool]] = [orders.c.status.in_(statuses)]
        if PARTLY_REFUNDED in statuses:
            wanted.append((orders.c.refunded > 0) & (orders.c.refunded < orders.c.paid))
        query = query.where(or_(*wanted))
    if page.after:
        query = query.where(tuple_(orders.c.placed_at, orders.c.order_id) < tuple_(*page.after))
    query = query.order_by(orders.c.placed_at.desc(), orders.c.order_id.desc()).limit(page.size + 1)
    return [order_of(row) for row in await tx.execute(query)]


async def search_page(tx: AsyncConnection, page: PageRequest, pattern: str, number: int | None) -> Sequence[Order]:
    """Orders whose number is `number`, or whose contact contains `pattern` (LIKE-escaped, lower case); newest first.

    `find_orders` is the one door through which the trigram index can be used: PostgreSQL does not let operators that are
    not leakproof reach an index past row-level security, so the function looks with its owner's eyes at one store.
    """
    after = page.after or (None, None)
    rows = await tx.execute(
        _SEARCH,
        {"pattern": pattern, "number": number, "after_at": after[0], "after_id": after[1], "most": page.size + 1},
    )
    return [order_of(row) for row in rows]


_SEARCH = text(
    """SELECT o.* FROM find_orders(CAST(:pattern AS text), CAST(:number AS bigint), CAST(:after_at AS timestamptz),
  CAST(:after_id AS uuid), CAST(:most AS int)) AS f(order_id)
 JOIN orders o ON o.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND o.order_id = f.order_id
 ORDER BY o.placed_at DESC, o.order_id DESC"""
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
