"""The life of a message in the hands of a sender: claimed, being sent, settled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.database import Statement
from services.common.ids import new_id
from services.common.outbox import Event
from services.notification.domain import Cause, Channel, Claimed, Look, Outcome, State, Store
from services.notification.store.messages import message_of

# `busy` walks the index from store to store, so its cost is that of the stores with a queue, not of the queue. Every store's
# first message goes before any store's second: nobody waits behind another's burst. Unknown stores have no row to join: they wait.
_CLAIM = text(
    """WITH RECURSIVE busy AS (
  (SELECT store_id FROM messages WHERE channel = :channel AND state = 'queued' ORDER BY store_id LIMIT 1)
  UNION ALL
  SELECT (SELECT m.store_id FROM messages m WHERE m.channel = :channel AND m.state = 'queued' AND m.store_id > busy.store_id
   ORDER BY m.store_id LIMIT 1)
  FROM busy WHERE busy.store_id IS NOT NULL),
 due AS MATERIALIZED (
  SELECT q.* FROM busy JOIN stores USING (store_id) CROSS JOIN LATERAL (
   SELECT m.store_id, m.message_id, m.next_attempt_at FROM messages m
   WHERE m.channel = :channel AND m.store_id = busy.store_id AND m.state = 'queued' AND m.next_attempt_at <= now()
   ORDER BY m.next_attempt_at LIMIT :batch FOR UPDATE SKIP LOCKED) q),
 chosen AS (
  SELECT store_id, message_id, row_number() OVER (ORDER BY turn, next_attempt_at) AS place FROM (
   SELECT due.*, row_number() OVER (PARTITION BY store_id ORDER BY next_attempt_at, message_id) AS turn FROM due) ranked
  ORDER BY place LIMIT :batch)
 UPDATE messages m SET state = 'claimed', attempts = m.attempts + 1, lease_until = now() + make_interval(secs => :lease)
 FROM chosen JOIN stores s USING (store_id) LEFT JOIN looks l USING (store_id)
 WHERE m.store_id = chosen.store_id AND m.message_id = chosen.message_id
 RETURNING m.*, chosen.place, s.slug, s.name, s.language AS store_language, s.timezone, s.currency, s.region,
  l.accent, l.reply_to, l.postal_address, l.logo_name, l.logo_width, l.logo_height, l.version AS look_version,
  COALESCE(EXTRACT(epoch FROM now() - m.failing_since), 0)::float AS failing_seconds"""
)


async def claim(tx: AsyncConnection, channel: Channel, batch: int, lease_seconds: float) -> list[Claimed]:
    """Takes up to `batch` messages of the channel that are due, of all stores in turn; each is ours until its lease ends."""
    rows = (await tx.execute(_CLAIM, {"channel": channel, "batch": batch, "lease": lease_seconds})).all()
    return [_claimed(row) for row in sorted(rows, key=lambda row: row.place)]


_MARK_SENDING = Statement(
    """UPDATE messages SET state = 'sending', lease_until = now() + make_interval(secs => :lease)
 WHERE store_id = :store_id AND message_id = :message_id AND attempts = :attempts AND state IN ('claimed', 'sending')
 RETURNING message_id"""
)


async def mark_sending(tx: AsyncConnection, claimed: Claimed, lease_seconds: float) -> bool:
    """From the commit of this on the server may have the message. False when the lease ended and the message is another's.

    May be repeated by the holder when the answer to the commit was lost.
    """
    return await _MARK_SENDING.first(tx, {**_fence(claimed), "lease": lease_seconds}) is not None


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
_SETTLE = Statement(
    f"""WITH settled AS (
  UPDATE messages SET state = CAST(:state AS text), error = :error, cause = :cause, lease_until = NULL, sent_at = :sent_at,
   provider_id = :provider_id, next_attempt_at = now() + make_interval(secs => :retry),
   failing_since = CASE WHEN :failing THEN COALESCE(failing_since, now()) ELSE failing_since END
  WHERE store_id = :store_id AND message_id = :message_id AND attempts = :attempts AND state IN ('claimed', 'sending', 'unknown')
  RETURNING store_id, message_id, state, cause, error),
 told AS (INSERT INTO message_changes (store_id, message_id, change_id, state, cause, error, actor)
  SELECT store_id, message_id, CAST(:change_id AS uuid), state, cause, error, '' FROM settled WHERE CAST(:is_told AS boolean)),
 e AS ({outbox.INSERT} CROSS JOIN settled)
 SELECT count(*) AS settled FROM settled"""
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
        "cause": outcome.cause,
        "change_id": new_id(),
        "is_told": outcome.is_told,
        "sent_at": sent_at,
        "provider_id": outcome.provider_id,
        "retry": outcome.retry_seconds,
        "failing": outcome.failing,
    }
    return bool((await _SETTLE.first(tx, parameters))["settled"])


# A message can only once be lost so in one attempt; its change has an id of its own for each.
_EXPIRE = text(
    """WITH expired AS (
  UPDATE messages SET lease_until = NULL, next_attempt_at = now(),
   state = CASE state WHEN 'claimed' THEN 'queued' ELSE 'unknown' END,
   error = CASE state WHEN 'claimed' THEN error ELSE :error END,
   cause = CASE state WHEN 'claimed' THEN cause ELSE :cause END
  WHERE state IN ('claimed', 'sending') AND lease_until < now() RETURNING store_id, message_id, state, cause, error),
 told AS (INSERT INTO message_changes (store_id, message_id, change_id, state, cause, error, actor)
  SELECT store_id, message_id, gen_random_uuid(), state, cause, error, '' FROM expired WHERE state = 'unknown')
 SELECT message_id, state FROM expired"""
)


async def expire_leases(tx: AsyncConnection, error: str) -> list[tuple[UUID, State]]:
    """Messages of senders that died: claimed ones are queued again, those that were being sent become unknown (E)."""
    found = await tx.execute(_EXPIRE, {"error": error, "cause": Cause.SENDER_DIED})
    return [(row.message_id, State(row.state)) for row in found]


def _fence(claimed: Claimed) -> dict[str, Any]:
    return {
        "store_id": claimed.store_id,
        "message_id": claimed.message.message_id,
        "attempts": claimed.message.attempts,
    }


def _claimed(row: Row[Any]) -> Claimed:
    return Claimed(
        store_id=row.store_id,
        message=message_of(row),
        language=row.language,
        params=row.params,
        store=Store(row.slug, row.name, row.store_language, row.timezone, row.currency, row.region, _look(row)),
        failing_seconds=row.failing_seconds,
        traceparent=row.traceparent,
    )


def _look(row: Row[Any]) -> Look:
    if row.look_version is None:
        return Look()
    logo = (row.logo_name, row.logo_width, row.logo_height)
    return Look(row.accent, row.reply_to, row.postal_address, *logo, row.look_version)
