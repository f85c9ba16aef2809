"""What goes to endpoints, as staff see it, and what is forgotten of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Statement
from services.common.ids import new_id
from services.common.paging import PageRequest
from services.notification.domain import Announcement, Attempt, Delivery, DeliveryState
from services.notification.store.webhook_tables import webhook_deliveries as table

_QUEUE = Statement(
    """INSERT INTO webhook_deliveries (store_id, delivery_id, webhook_id, event_id, type, payload, customer_id, order_id, state)
 SELECT CAST(:store_id AS uuid), d.delivery_id, d.webhook_id, d.event_id, d.type, d.payload, d.customer_id, d.order_id, 'queued'
 FROM unnest(CAST(:delivery_ids AS uuid[]), CAST(:webhook_ids AS uuid[]), CAST(:event_ids AS uuid[]), CAST(:types AS text[]),
             CAST(:payloads AS text[]), CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[]))
      AS d(delivery_id, webhook_id, event_id, type, payload, customer_id, order_id)
 ORDER BY d.webhook_id, d.event_id ON CONFLICT (store_id, webhook_id, event_id) DO NOTHING RETURNING delivery_id"""
)


async def queue_deliveries(
    tx: AsyncConnection, store_id: UUID, wanted: Sequence[tuple[UUID, Announcement, str]]
) -> list[UUID]:
    """One delivery for each endpoint and event, once; `wanted` has the endpoint, the event and its payload. Gives those that are new."""
    rows = await _QUEUE.all(
        tx,
        {
            "store_id": store_id,
            "delivery_ids": [new_id() for _ in wanted],
            "webhook_ids": [webhook_id for webhook_id, _, _ in wanted],
            "event_ids": [told.event_id for _, told, _ in wanted],
            "types": [told.type for _, told, _ in wanted],
            "payloads": [payload for _, _, payload in wanted],
            "customer_ids": [told.customer_id for _, told, _ in wanted],
            "order_ids": [told.order_id for _, told, _ in wanted],
        },
    )
    return [row["delivery_id"] for row in rows]


_LISTED = [column for column in table.c if column.name not in ("payload", "log")]


async def list_deliveries(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, webhook_id: UUID, state: str, event_type: str
) -> list[Delivery]:
    """Deliveries to an endpoint, newest first, one more than the page holds. `page.after` is (delivery_id,); "" filters nothing."""
    query = select(*_LISTED).where(table.c.store_id == store_id, table.c.webhook_id == webhook_id)
    if state == DeliveryState.QUEUED:
        query = query.where(table.c.state.in_((DeliveryState.QUEUED, DeliveryState.CLAIMED)))
    elif state:
        query = query.where(table.c.state == state)
    if event_type:
        query = query.where(table.c.type == event_type)
    if page.after:
        query = query.where(table.c.delivery_id < page.after[0])
    rows = await tx.execute(query.order_by(table.c.delivery_id.desc()).limit(page.size + 1))
    return [_delivery(row) for row in rows]


async def load_delivery(tx: AsyncConnection, store_id: UUID, delivery_id: UUID) -> Delivery | None:
    """A delivery with payload and log."""
    query = select(table).where(table.c.store_id == store_id, table.c.delivery_id == delivery_id)
    row = (await tx.execute(query)).first()
    return _delivery(row, row.payload, tuple(map(_attempt, row.log))) if row else None


# One that is on its way at this moment is being sent anyway.
_REPLAY = text(
    """UPDATE webhook_deliveries SET state = 'queued', tries = 0, next_attempt_at = now(), delivered_at = NULL
 WHERE store_id = :store_id AND delivery_id = :delivery_id AND state <> 'claimed'"""
)
_REPLAY_FAILED = text(
    """UPDATE webhook_deliveries d SET state = 'queued', tries = 0, next_attempt_at = now()
 FROM (SELECT store_id, delivery_id FROM webhook_deliveries
  WHERE store_id = :store_id AND webhook_id = :webhook_id AND state = 'failed' AND delivery_id >= :since
  ORDER BY delivery_id LIMIT :most FOR UPDATE SKIP LOCKED) failed
 WHERE d.store_id = failed.store_id AND d.delivery_id = failed.delivery_id"""
)
_END_REST = text(
    "UPDATE webhooks SET rest_until = now() WHERE store_id = :store_id AND webhook_id = :webhook_id AND rest_until > now()"
)


async def replay(tx: AsyncConnection, store_id: UUID, delivery_id: UUID) -> None:
    """Queues a delivery anew."""
    await tx.execute(_REPLAY, {"store_id": store_id, "delivery_id": delivery_id})


async def replay_failed(tx: AsyncConnection, store_id: UUID, webhook_id: UUID, since: datetime, most: int) -> int:
    """Queues anew what failed of the deliveries since a time, the oldest first; gives how many."""
    parameters = {"store_id": store_id, "webhook_id": webhook_id, "since": first_id_at(since), "most": most}
    return (await tx.execute(_REPLAY_FAILED, parameters)).rowcount


async def end_rest(tx: AsyncConnection, store_id: UUID, webhook_id: UUID) -> None:
    """An endpoint that is asked to take something now is not left to rest."""
    await tx.execute(_END_REST, {"store_id": store_id, "webhook_id": webhook_id})


def first_id_at(at: datetime) -> UUID:
    """The smallest UUIDv7 that can have been made at a time."""
    return UUID(int=(max(int(at.timestamp() * 1000), 0) & (2**48 - 1)) << 80)


# Payloads have no personal data; what an endpoint answered may have repeated some that it knows itself.
_FORGET_SQL = """UPDATE webhook_deliveries SET log =
  (SELECT COALESCE(jsonb_agg(jsonb_set(entry, '{{response}}', '""') ORDER BY place), '[]')
   FROM jsonb_array_elements(log) WITH ORDINALITY AS kept(entry, place))
 WHERE store_id = :store_id AND {condition}"""
_FORGET_CUSTOMERS = text(_FORGET_SQL.format(condition="customer_id = ANY(CAST(:ids AS uuid[]))"))
_FORGET_ORDERS = text(_FORGET_SQL.format(condition="order_id = ANY(CAST(:ids AS uuid[]))"))


async def forget_answers(
    tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID], orders: Sequence[UUID]
) -> None:
    """Blanks what endpoints answered about these people and orders (C12)."""
    if customers:
        await tx.execute(_FORGET_CUSTOMERS, {"store_id": store_id, "ids": list(customers)})
    if orders:
        await tx.execute(_FORGET_ORDERS, {"store_id": store_id, "ids": list(orders)})


_PURGE = text(
    """DELETE FROM webhook_deliveries WHERE ctid IN (SELECT ctid FROM webhook_deliveries
 WHERE created_at < now() - interval '30 days' AND state <> 'claimed' ORDER BY created_at LIMIT :batch)"""
)
_PURGE_WEBHOOKS = text(
    """DELETE FROM webhooks w WHERE w.removed_at < now() - interval '30 days'
 AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.store_id = w.store_id AND d.webhook_id = w.webhook_id)"""
)


async def purge(tx: AsyncConnection, batch: int) -> int:
    """Deletes up to `batch` deliveries of 30 days ago, and endpoints that were removed as long ago; gives how many deliveries."""
    purged = (await tx.execute(_PURGE, {"batch": batch})).rowcount
    if purged < batch:
        await tx.execute(_PURGE_WEBHOOKS)
    return purged


def _delivery(row: Row[Any], payload: str = "", log: tuple[Attempt, ...] = ()) -> Delivery:
    state = DeliveryState(row.state)
    return Delivery(
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        type=row.type,
        state=state,
        attempts=row.attempts,
        status=row.status,
        error=row.error,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at,
        delivered_at=row.delivered_at,
        payload=payload,
        log=log,
    )


def _attempt(entry: dict[str, Any]) -> Attempt:
    return Attempt(
        number=entry["number"],
        at=datetime.fromisoformat(entry["at"]),
        duration_ms=entry["duration_ms"],
        status=entry["status"],
        error=entry["error"],
        response=entry["response"],
    )
