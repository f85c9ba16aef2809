"""What is to be sent, what has become of it, and what is forgotten of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.notification.domain import PASSING, Cause, Channel, Intent, Kind, Message, State, Store
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
            "cause": Cause.HISTORY if intent.cancelled_because else Cause.NONE,
            "order_id": intent.order_id,
            "customer_id": intent.customer_id,
            "channel": intent.channel,
            "passing": intent.passes,
            "traceparent": intent.traceparent,
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
 WHERE store_id = :store_id AND {column} = ANY(CAST(:ids AS uuid[]))"""
_FORGET_OF = {column: text(_FORGET_SQL.format(column=column)) for column in ("customer_id", "order_id")}


# Errors are the servers' words, which may repeat the recipient's.
_FORGET_CHANGES_SQL = """UPDATE message_changes c SET error = '' FROM messages m
 WHERE m.store_id = :store_id AND m.{column} = ANY(CAST(:ids AS uuid[]))
 AND c.store_id = m.store_id AND c.message_id = m.message_id AND c.error <> ''"""
_FORGET_CHANGES_OF = {column: text(_FORGET_CHANGES_SQL.format(column=column)) for column in ("customer_id", "order_id")}


async def forget(tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID], orders: Sequence[UUID]) -> None:
    """Blanks messages to these customers and about these orders."""
    if customers:
        await _forget(tx, store_id, "customer_id", customers)
    if orders:
        await _forget(tx, store_id, "order_id", orders)


async def _forget(tx: AsyncConnection, store_id: UUID, column: str, ids: Sequence[UUID]) -> None:
    parameters = {"store_id": store_id, "ids": list(ids)}
    await tx.execute(_FORGET_OF[column], parameters)
    await tx.execute(_FORGET_CHANGES_OF[column], parameters)


# 30 days: as long as an event may be delivered again, and a store may ask what has become of a message. The login method stays, which
# is nobody's name: the audit asks whether each that waits for its proof has its message.
_FORGET_DUE = text(
    """WITH forgotten AS (UPDATE messages m SET passing = false,
  params = jsonb_strip_nulls(jsonb_build_object('login_method_id', params -> 'login_method_id')),
  recipient = CASE WHEN customer_id IS NULL THEN '' ELSE recipient END,
  error = CASE WHEN customer_id IS NULL THEN '' ELSE error END,
  state = CASE WHEN state IN ('queued', 'claimed') THEN 'cancelled' ELSE state END,
  lease_until = CASE WHEN state = 'claimed' THEN NULL ELSE lease_until END
 FROM (SELECT store_id, message_id FROM messages WHERE passing AND created_at < now() - interval '30 days' AND state <> 'sending'
  ORDER BY created_at LIMIT :batch FOR UPDATE SKIP LOCKED) due
 WHERE m.store_id = due.store_id AND m.message_id = due.message_id RETURNING m.store_id, m.message_id, m.customer_id),
 unsaid AS (UPDATE message_changes c SET error = '' FROM forgotten f
  WHERE f.customer_id IS NULL AND c.store_id = f.store_id AND c.message_id = f.message_id)
 SELECT count(*) FROM forgotten"""
)


async def forget_due(tx: AsyncConnection, batch: int) -> int:
    """Blanks up to `batch` messages of 30 days ago; gives how many."""
    return int(await tx.scalar(_FORGET_DUE, {"batch": batch}) or 0)


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
        cause=Cause(row.cause),
        provider_id=row.provider_id,
        delivered_at=row.delivered_at,
        next_attempt_at=row.next_attempt_at if row.state in (State.QUEUED, State.CLAIMED) else None,
        # Of what passes, `passing` says whether it is still to be forgotten.
        kept=row.passing or Kind(row.kind) not in PASSING,
    )
