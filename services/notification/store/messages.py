"""What is to be sent, what has become of it, and what is forgotten of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.common.paging import PageRequest
from services.notification.domain import Channel, Intent, Kind, Message, State, Store
from services.notification.store.tables import messages

_INSERT = insert(messages).on_conflict_do_nothing(index_elements=["store_id", "event_id", "kind"])


async def insert_intents(tx: AsyncConnection, store_id: UUID, intents: Sequence[Intent]) -> None:
    """Writes one message for each intent; an event that has its message already gets no second one (E)."""
    rows = [
        {
            "store_id": store_id,
            "message_id": new_id(),
            "event_id": intent.event_id,
            "kind": intent.kind,
            "recipient": intent.recipient,
            "language": intent.language,
            "params": dict(intent.params),
            "state": State.CANCELLED if intent.cancelled_because else State.QUEUED,
            "error": intent.cancelled_because,
            "order_id": intent.order_id,
            "customer_id": intent.customer_id,
            "channel": intent.channel,
            "passing": intent.passes,
        }
        for intent in intents
    ]
    if rows:
        await tx.execute(_INSERT, rows)


_SAVE_STORE = text(
    """INSERT INTO stores (store_id, slug, name, language, timezone, currency, region, version)
 VALUES (:store_id, :slug, :name, :language, :timezone, :currency, :region, :version)
 ON CONFLICT (store_id) DO UPDATE SET slug = excluded.slug, name = excluded.name, language = excluded.language,
  timezone = excluded.timezone, currency = excluded.currency, region = excluded.region, version = excluded.version
 WHERE stores.version < excluded.version"""
)


async def save_store(tx: AsyncConnection, store_id: UUID, store: Store, version: int) -> None:
    """Remembers a store; an older version than the known one changes nothing."""
    await tx.execute(
        _SAVE_STORE,
        {
            "store_id": store_id,
            "slug": store.slug,
            "name": store.name,
            "language": store.language,
            "timezone": store.timezone,
            "currency": store.currency,
            "region": store.region,
            "version": version,
        },
    )


# A message that is being sent goes its way: its sender alone says what came of it.
_FORGET_SQL = """UPDATE messages SET recipient = '', params = '{{}}', error = '', passing = false,
  state = CASE WHEN state IN ('queued', 'claimed') THEN 'cancelled' ELSE state END,
  lease_until = CASE WHEN state = 'claimed' THEN NULL ELSE lease_until END
 WHERE store_id = :store_id AND {condition}"""
_FORGET_CUSTOMERS = text(_FORGET_SQL.format(condition="customer_id = ANY(CAST(:ids AS uuid[]))"))
_FORGET_ORDERS = text(_FORGET_SQL.format(condition="order_id = ANY(CAST(:ids AS uuid[]))"))


async def forget(tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID], orders: Sequence[UUID]) -> None:
    """Blanks messages to these customers and about these orders."""
    if customers:
        await tx.execute(_FORGET_CUSTOMERS, {"store_id": store_id, "ids": list(customers)})
    if orders:
        await tx.execute(_FORGET_ORDERS, {"store_id": store_id, "ids": list(orders)})


# 30 days: as long as an event may be delivered again, and a store may ask what has become of a message. The login method stays, which
# is nobody's name: the audit asks whether each that waits for its proof has its message.
_FORGET_DUE = text(
    """UPDATE messages m SET passing = false,
  params = jsonb_strip_nulls(jsonb_build_object('login_method_id', params -> 'login_method_id')),
  recipient = CASE WHEN customer_id IS NULL THEN '' ELSE recipient END,
  error = CASE WHEN customer_id IS NULL THEN '' ELSE error END,
  state = CASE WHEN state IN ('queued', 'claimed') THEN 'cancelled' ELSE state END,
  lease_until = CASE WHEN state = 'claimed' THEN NULL ELSE lease_until END
 FROM (SELECT store_id, message_id FROM messages WHERE passing AND created_at < now() - interval '30 days' AND state <> 'sending'
  ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED) due
 WHERE m.store_id = due.store_id AND m.message_id = due.message_id"""
)


async def forget_due(tx: AsyncConnection, batch: int) -> int:
    """Blanks up to `batch` messages of 30 days ago; gives how many."""
    return (await tx.execute(_FORGET_DUE, {"batch": batch})).rowcount


async def list_page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, order_id: UUID | None, customers: Sequence[UUID]
) -> list[Message]:
    """Messages newest first, one more than the page holds. `page.after` is (message_id,)."""
    query = select(messages).where(messages.c.store_id == store_id)
    if order_id:
        query = query.where(messages.c.order_id == order_id)
    if customers:
        query = query.where(messages.c.customer_id.in_(customers))
    if page.after:
        query = query.where(messages.c.message_id < page.after[0])
    return [
        message_of(row) for row in await tx.execute(query.order_by(messages.c.message_id.desc()).limit(page.size + 1))
    ]


def message_of(row: Row[Any]) -> Message:
    """A message from its row."""
    return Message(
        message_id=row.message_id,
        kind=Kind(row.kind),
        channel=Channel(row.channel),
        recipient=row.recipient,
        state=State(row.state),
        attempts=row.attempts,
        error=row.error,
        order_id=row.order_id,
        customer_id=row.customer_id,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )
