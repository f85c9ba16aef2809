"""What is known of orders: net spend, and the points that they earn. A batch of events is a handful of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import Award, OrderState, Status

# The service posts what an order earns; nobody did it by hand.
EARNER = "service:membership"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an order is, and the level at which it earns."""

    customer_id: UUID
    status: Status
    level_id: UUID | None
    # Whether the order is one that earns points for a member.
    earns: bool = True


@dataclass(frozen=True, slots=True)
class Applied:
    """Points that an order has earned now; `balance` and `version` are the customer's after the whole batch."""

    order_id: UUID
    customer_id: UUID
    points: int
    balance: int
    version: int


_ENROLLED = text(
    "SELECT order_id FROM order_facts WHERE store_id = :store_id AND order_id = ANY(CAST(:order_ids AS uuid[]))"
)
# Only orders of which we know less than the event says.
_LOCK_BUYERS = text(
    """SELECT f.order_id, f.earns, c.customer_id, c.status, c.level_id
 FROM unnest(CAST(:order_ids AS uuid[]), CAST(:versions AS bigint[])) AS n(order_id, version)
 JOIN order_facts f ON f.store_id = :store_id AND f.order_id = n.order_id AND f.version < n.version
 JOIN customers r ON r.store_id = f.store_id AND r.customer_id = f.customer_id
 JOIN customers c ON c.store_id = r.store_id AND c.customer_id = COALESCE(r.survivor_id, r.customer_id)
 ORDER BY c.customer_id FOR NO KEY UPDATE OF c"""
)
_APPLY = text(
    """WITH fact AS (UPDATE order_facts f SET version = n.version, paid = n.paid, refunded = n.refunded, settled = n.settled
  FROM unnest(CAST(:order_ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:paid AS bigint[]), CAST(:refunded AS bigint[]),
    CAST(:settled AS bool[])) AS n(order_id, version, paid, refunded, settled)
   JOIN order_facts o ON o.store_id = CAST(:store_id AS uuid) AND o.order_id = n.order_id
  WHERE f.store_id = CAST(:store_id AS uuid) AND f.order_id = n.order_id AND f.version < n.version
  RETURNING f.customer_id, f.paid - f.refunded - o.paid + o.refunded AS net, f.settled::int - o.settled::int AS orders),
 spent AS (SELECT COALESCE(r.survivor_id, r.customer_id) AS customer_id, sum(f.net)::bigint AS net, sum(f.orders)::bigint AS orders
  FROM fact f JOIN customers r ON r.store_id = CAST(:store_id AS uuid) AND r.customer_id = f.customer_id GROUP BY 1),
 award AS (SELECT * FROM unnest(CAST(:award_orders AS uuid[]), CAST(:award_customers AS uuid[]), CAST(:award_points AS bigint[]),
    CAST(:award_expiries AS timestamptz[]), CAST(:award_lots AS uuid[]), CAST(:award_entries AS uuid[]))
   AS a(order_id, customer_id, points, expires_at, lot_id, entry_id)),
 entry AS (INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, order_id, actor, at)
  SELECT CAST(:store_id AS uuid), customer_id, entry_id, lot_id, 1, points, '', order_id, CAST(:actor AS text), now() FROM award
  ON CONFLICT (store_id, order_id) WHERE reason = 1 DO NOTHING RETURNING customer_id, order_id, lot_id, points),
 lot AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
  SELECT CAST(:store_id AS uuid), e.customer_id, e.lot_id, e.points, e.points, a.expires_at, now()
  FROM entry e JOIN award a ON a.lot_id = e.lot_id),
 earned AS (SELECT customer_id, sum(points)::bigint AS points FROM entry GROUP BY customer_id),
 customer AS (UPDATE customers c SET net_spend = c.net_spend + s.net, orders_count = c.orders_count + s.orders,
   points_balance = c.points_balance + COALESCE(e.points, 0), version = c.version + CASE WHEN e.points IS NULL THEN 0 ELSE 1 END
  FROM spent s LEFT JOIN earned e ON e.customer_id = s.customer_id
  WHERE c.store_id = CAST(:store_id AS uuid) AND c.customer_id = s.customer_id
  RETURNING c.customer_id, c.points_balance, c.version)
 SELECT e.order_id, e.customer_id, e.points, c.points_balance AS balance, c.version
 FROM entry e JOIN customer c ON c.customer_id = e.customer_id"""
)


async def enrolled_orders(tx: AsyncConnection, store_id: UUID, order_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the orders whose buyer is known."""
    rows = await tx.execute(_ENROLLED, {"store_id": store_id, "order_ids": list(order_ids)})
    return {row.order_id for row in rows}


async def lock_buyers(tx: AsyncConnection, store_id: UUID, orders: Sequence[OrderState]) -> Mapping[UUID, Owner]:
    """For each order that is news its owner, whose row is held from here on.

    An owner may be found merged just now: then the pointer to it was read before that merge, and this is to be asked again.
    """
    parameters = {
        "store_id": store_id,
        "order_ids": [order.order_id for order in orders],
        "versions": [order.version for order in orders],
    }
    rows = await tx.execute(_LOCK_BUYERS, parameters)
    return {row.order_id: Owner(row.customer_id, Status(row.status), row.level_id, row.earns) for row in rows}


async def apply_orders(
    tx: AsyncConnection, store_id: UUID, orders: Sequence[OrderState], awards: Sequence[tuple[UUID, Award]]
) -> Sequence[Applied]:
    """Brings facts, net spend and earned points up to date; the caller holds the owners' rows. Awards go by owner."""
    rows = await tx.execute(
        _APPLY,
        {
            "store_id": store_id,
            "actor": EARNER,
            "order_ids": [order.order_id for order in orders],
            "versions": [order.version for order in orders],
            "paid": [order.paid for order in orders],
            "refunded": [order.refunded for order in orders],
            "settled": [order.settled for order in orders],
            "award_orders": [award.order_id for _, award in awards],
            "award_customers": [owner for owner, _ in awards],
            "award_points": [award.points for _, award in awards],
            "award_expiries": [award.expires_at for _, award in awards],
            "award_lots": [award.lot_id for _, award in awards],
            "award_entries": [award.entry_id for _, award in awards],
        },
    )
    return [Applied(row.order_id, row.customer_id, row.points, row.balance, row.version) for row in rows]
