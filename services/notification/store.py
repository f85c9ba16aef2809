"""Tables of the notification service, and all its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.database import TIMESTAMPTZ, Plumbing
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.paging import PageRequest
from services.notification.domain import Claimed, Intent, Kind, Message, Outcome, State, Store

metadata = MetaData()
plumbing = Plumbing(metadata)

messages = Table(
    "messages",
    metadata,
    Column("store_id", Uuid, nullable=False),
    # UUIDv7: newest first is "by message_id, falling".
    Column("message_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("lease_until", TIMESTAMPTZ),
    Column("failing_since", TIMESTAMPTZ),
    Column("error", Text, nullable=False, server_default=""),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("sent_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "message_id"),
    CheckConstraint(f"state IN ({', '.join(repr(s.value) for s in State)})", name="messages_state"),
    CheckConstraint("(state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)", name="messages_lease"),
    Index("messages_event", "store_id", "event_id", "kind", unique=True),
    Index("messages_queue", "store_id", "next_attempt_at", postgresql_where=text("state = 'queued'")),
    Index("messages_leased", "lease_until", postgresql_where=text("state IN ('claimed', 'sending')")),
    Index("messages_by_order", "store_id", "order_id", text("message_id DESC")),
    Index("messages_by_customer", "store_id", "customer_id", text("message_id DESC")),
)
stores = Table(
    "stores",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)

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


# `busy` walks the index from store to store, so its cost is that of the stores with a queue, not of the queue. Every store's
# first message goes before any store's second: nobody waits behind another's burst. Unknown stores have no row to join: they wait.
_CLAIM = text(
    """WITH RECURSIVE busy AS (
  (SELECT store_id FROM messages WHERE state = 'queued' ORDER BY store_id LIMIT 1)
  UNION ALL
  SELECT (SELECT m.store_id FROM messages m WHERE m.state = 'queued' AND m.store_id > busy.store_id ORDER BY m.store_id LIMIT 1)
  FROM busy WHERE busy.store_id IS NOT NULL),
 due AS MATERIALIZED (
  SELECT q.* FROM busy JOIN stores USING (store_id) CROSS JOIN LATERAL (
   SELECT m.store_id, m.message_id, m.next_attempt_at FROM messages m
   WHERE m.store_id = busy.store_id AND m.state = 'queued' AND m.next_attempt_at <= now()
   ORDER BY m.next_attempt_at LIMIT :batch FOR UPDATE SKIP LOCKED) q),
 chosen AS (
  SELECT store_id, message_id, row_number() OVER (ORDER BY turn, next_attempt_at) AS place FROM (
   SELECT due.*, row_number() OVER (PARTITION BY store_id ORDER BY next_attempt_at, message_id) AS turn FROM due) ranked
  ORDER BY place LIMIT :batch)
 UPDATE messages m SET state = 'claimed', attempts = m.attempts + 1, lease_until = now() + make_interval(secs => :lease)
 FROM chosen JOIN stores s USING (store_id)
 WHERE m.store_id = chosen.store_id AND m.message_id = chosen.message_id
 RETURNING m.*, chosen.place, s.slug, s.name, s.language AS store_language, s.timezone, s.currency, s.region,
  COALESCE(EXTRACT(epoch FROM now() - m.failing_since), 0)::float AS failing_seconds"""
)


async def claim(tx: AsyncConnection, batch: int, lease_seconds: float) -> list[Claimed]:
    """Takes up to `batch` messages that are due, of all stores in turn; each is ours until its lease ends."""
    rows = (await tx.execute(_CLAIM, {"batch": batch, "lease": lease_seconds})).all()
    return [_claimed(row) for row in sorted(rows, key=lambda row: row.place)]


_MARK_SENDING = text(
    """UPDATE messages SET state = 'sending', lease_until = now() + make_interval(secs => :lease)
 WHERE store_id = :store_id AND message_id = :message_id AND attempts = :attempts AND state IN ('claimed', 'sending')"""
)


async def mark_sending(tx: AsyncConnection, claimed: Claimed, lease_seconds: float) -> bool:
    """From the commit of this on the server may have the message. False when the lease ended and the message is another's.

    May be repeated by the holder when the answer to the commit was lost.
    """
    return (await tx.execute(_MARK_SENDING, {**_fence(claimed), "lease": lease_seconds})).rowcount == 1


_RELEASE = text(
    """UPDATE messages m SET state = 'queued', attempts = m.attempts - 1, lease_until = NULL
 FROM unnest(CAST(:store_ids AS uuid[]), CAST(:message_ids AS uuid[]), CAST(:attempts AS int[])) AS mine(store_id, message_id, attempts)
 WHERE m.store_id = mine.store_id AND m.message_id = mine.message_id AND m.attempts = mine.attempts AND m.state = 'claimed'"""
)


async def release(tx: AsyncConnection, claimed: Sequence[Claimed]) -> None:
    """Gives back messages that were claimed and not tried."""
    await tx.execute(
        _RELEASE,
        {
            "store_ids": [c.store_id for c in claimed],
            "message_ids": [c.message.message_id for c in claimed],
            "attempts": [c.message.attempts for c in claimed],
        },
    )


# 'unknown' among the former states: a sender whose lease ran out while the server took its time may still bring certainty.
_SETTLE = text(
    f"""WITH settled AS (
  UPDATE messages SET state = CAST(:state AS text), error = :error, lease_until = NULL, sent_at = :sent_at,
   next_attempt_at = now() + make_interval(secs => :retry),
   failing_since = CASE WHEN :failing THEN COALESCE(failing_since, now()) ELSE failing_since END
  WHERE store_id = :store_id AND message_id = :message_id AND attempts = :attempts AND state IN ('claimed', 'sending', 'unknown')
  RETURNING store_id),
 e AS ({outbox.INSERT} CROSS JOIN settled)
 SELECT count(*) FROM settled"""
)


async def settle(
    tx: AsyncConnection, claimed: Claimed, outcome: Outcome, sent_at: datetime | None, events: Sequence[Event]
) -> bool:
    """Writes down what an attempt came to, with its events. False when the message is another's by now; then nothing is written."""
    parameters = {
        **outbox.columns(claimed.store_id, events),
        **_fence(claimed),
        "state": outcome.state,
        "error": outcome.error,
        "sent_at": sent_at,
        "retry": outcome.retry_seconds,
        "failing": outcome.failing,
    }
    return bool(await tx.scalar(_SETTLE, parameters))


_EXPIRE = text(
    """UPDATE messages SET lease_until = NULL, next_attempt_at = now(),
  state = CASE state WHEN 'claimed' THEN 'queued' ELSE 'unknown' END,
  error = CASE state WHEN 'claimed' THEN error ELSE :reason END
 WHERE state IN ('claimed', 'sending') AND lease_until < now() RETURNING message_id, state"""
)


async def expire_leases(tx: AsyncConnection, reason: str) -> list[tuple[UUID, State]]:
    """Messages of senders that died: claimed ones are queued again, those that were being sent become unknown (E)."""
    return [(row.message_id, State(row.state)) for row in await tx.execute(_EXPIRE, {"reason": reason})]


# A message that is being sent goes its way: its sender alone says what came of it.
_FORGET_SQL = """UPDATE messages SET recipient = '', params = '{{}}', error = '',
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
        _message(row) for row in await tx.execute(query.order_by(messages.c.message_id.desc()).limit(page.size + 1))
    ]


def _fence(claimed: Claimed) -> dict[str, Any]:
    return {
        "store_id": claimed.store_id,
        "message_id": claimed.message.message_id,
        "attempts": claimed.message.attempts,
    }


def _message(row: Row[Any]) -> Message:
    return Message(
        message_id=row.message_id,
        kind=Kind(row.kind),
        recipient=row.recipient,
        state=State(row.state),
        attempts=row.attempts,
        error=row.error,
        order_id=row.order_id,
        customer_id=row.customer_id,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        store_id=row.store_id,
        message=_message(row),
        language=row.language,
        params=row.params,
        store=Store(row.slug, row.name, row.store_language, row.timezone, row.currency, row.region),
        failing_seconds=row.failing_seconds,
    )
