"""The life of a delivery in the hands of a sender: claimed, settled; and of endpoints that do not answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notification.domain import (
    GIVE_UP_AFTER,
    MOST_LOGGED,
    Attempt,
    Consignment,
    DeliveryState,
    DisabledBecause,
    Verdict,
)

# `waiting` walks the index from endpoint to endpoint, so its cost is that of the endpoints with a queue, not of the queues. Each has at
# most `each` deliveries under way, and one alone while it fails: an endpoint that never answers holds up itself.
_CLAIM = text(
    """WITH RECURSIVE waiting AS (
  (SELECT store_id, webhook_id FROM webhook_deliveries WHERE state = 'queued' ORDER BY store_id, webhook_id LIMIT 1)
  UNION ALL
  SELECT n.store_id, n.webhook_id FROM waiting w CROSS JOIN LATERAL (
   SELECT d.store_id, d.webhook_id FROM webhook_deliveries d
   WHERE d.state = 'queued' AND (d.store_id, d.webhook_id) > (w.store_id, w.webhook_id) ORDER BY d.store_id, d.webhook_id LIMIT 1) n),
 due AS MATERIALIZED (
  SELECT q.* FROM waiting JOIN webhooks e USING (store_id, webhook_id) CROSS JOIN LATERAL (
   SELECT d.store_id, d.webhook_id, d.delivery_id, d.next_attempt_at FROM webhook_deliveries d
   WHERE d.store_id = e.store_id AND d.webhook_id = e.webhook_id AND d.state = 'queued' AND d.next_attempt_at <= now()
   ORDER BY d.next_attempt_at LIMIT GREATEST(0, CASE WHEN e.failures > 0 THEN 1 ELSE :each END - (
    SELECT count(*) FROM webhook_deliveries c
    WHERE c.store_id = e.store_id AND c.webhook_id = e.webhook_id AND c.state = 'claimed'))
   FOR UPDATE SKIP LOCKED) q
  WHERE e.disabled_because = '' AND e.rest_until <= now()),
 chosen AS (
  SELECT store_id, delivery_id, row_number() OVER (ORDER BY turn, next_attempt_at) AS place FROM (
   SELECT due.*, row_number() OVER (PARTITION BY store_id, webhook_id ORDER BY next_attempt_at, delivery_id) AS turn FROM due) ranked
  ORDER BY place LIMIT :batch)
 UPDATE webhook_deliveries d SET state = 'claimed', attempts = d.attempts + 1, tries = d.tries + 1,
  lease_until = now() + make_interval(secs => :lease)
 FROM chosen, webhooks e
 WHERE d.store_id = chosen.store_id AND d.delivery_id = chosen.delivery_id AND e.store_id = d.store_id AND e.webhook_id = d.webhook_id
 RETURNING d.store_id, d.delivery_id, d.webhook_id, d.event_id, d.type, d.payload, d.attempts, d.tries, e.failures, e.url,
  ARRAY(SELECT e.secret UNION ALL (SELECT o.secret FROM unnest(e.old_secrets, e.old_secrets_until) AS o(secret, until)
   WHERE o.until > now() ORDER BY o.until DESC)) AS secrets, chosen.place"""
)


async def claim_deliveries(tx: AsyncConnection, batch: int, each: int, lease_seconds: float) -> list[Consignment]:
    """Takes up to `batch` deliveries that are due, of all endpoints in turn and no more than `each` of one at a time."""
    rows = (await tx.execute(_CLAIM, {"batch": batch, "each": each, "lease": lease_seconds})).all()
    return [_consignment(row) for row in sorted(rows, key=lambda row: row.place)]


_RELEASE = text(
    """UPDATE webhook_deliveries SET state = 'queued', lease_until = NULL, next_attempt_at = now(), attempts = attempts - 1,
  tries = tries - 1
 WHERE store_id = :store_id AND delivery_id = :delivery_id AND attempts = :attempts AND state = 'claimed'"""
)


async def release_delivery(tx: AsyncConnection, held: Consignment) -> None:
    """Gives back a delivery of which nobody knows whether it arrived: it is sent again, under the same id."""
    await tx.execute(_RELEASE, _fence(held))


# An endpoint that answers well, and has answered well before, is not written to. One that was changed or disabled meanwhile stays so.
_SETTLE = text(
    """WITH settled AS (
  UPDATE webhook_deliveries SET state = CAST(:state AS text), lease_until = NULL, status = :status, error = :error,
   next_attempt_at = now() + make_interval(secs => :retry), delivered_at = CASE WHEN :delivered THEN now() END,
   log = (SELECT jsonb_agg(entry ORDER BY place) FROM jsonb_array_elements(CAST(:entry AS jsonb) || log)
    WITH ORDINALITY AS kept(entry, place) WHERE place <= :most)
  WHERE store_id = :store_id AND delivery_id = :delivery_id AND attempts = :attempts AND state = 'claimed'
  RETURNING store_id, webhook_id),
 fared AS (
  UPDATE webhooks w SET failures = CASE WHEN :delivered THEN 0 ELSE w.failures + 1 END,
   failing_since = CASE WHEN :delivered THEN NULL ELSE COALESCE(w.failing_since, now()) END,
   rest_until = now() + make_interval(secs => :rest)
  FROM settled s
  WHERE w.store_id = s.store_id AND w.webhook_id = s.webhook_id AND (w.failures > 0 OR NOT :delivered) AND w.disabled_because = ''
  RETURNING w.failing_since)
 SELECT count(*) AS settled, (SELECT failing_since < now() - make_interval(secs => :patience) FROM fared) AS hopeless FROM settled"""
)


async def settle_delivery(
    tx: AsyncConnection, held: Consignment, attempt: Attempt, verdict: Verdict
) -> tuple[bool, bool]:
    """Writes down what an attempt came to: (whether it still was ours, whether the endpoint has done nothing but fail for days)."""
    entry = {
        "number": attempt.number,
        "at": attempt.at.isoformat(),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "response": attempt.response,
    }
    parameters = {
        **_fence(held),
        "state": verdict.state,
        "status": attempt.status,
        "error": attempt.error,
        "retry": verdict.retry_seconds,
        "rest": verdict.rest_seconds,
        "delivered": verdict.state is DeliveryState.DELIVERED,
        "entry": orjson.dumps([entry]).decode(),
        "most": MOST_LOGGED,
        "patience": GIVE_UP_AFTER.total_seconds(),
    }
    row = (await tx.execute(_SETTLE, parameters)).one()
    return bool(row.settled), bool(row.hopeless)


_DISABLE = text(
    """UPDATE webhooks SET disabled_because = :because, disabled_at = now(), tell_owners = true, version = version + 1
 WHERE store_id = :store_id AND webhook_id = :webhook_id AND disabled_because = '' AND removed_at IS NULL RETURNING url"""
)


async def disable_webhook(
    tx: AsyncConnection, store_id: UUID, webhook_id: UUID, because: DisabledBecause
) -> str | None:
    """Ends what is sent to an endpoint, until somebody enables it; gives its address, None when that was done before."""
    parameters = {"store_id": store_id, "webhook_id": webhook_id, "because": because}
    url: str | None = await tx.scalar(_DISABLE, parameters)
    return url


# What waits for an endpoint that takes nothing any more has failed, and can be replayed once it is enabled again.
_FAIL = text(
    """UPDATE webhook_deliveries d SET state = 'failed', error = :error
 FROM (SELECT q.store_id, q.delivery_id FROM webhooks w JOIN webhook_deliveries q USING (store_id, webhook_id)
  WHERE w.disabled_because <> '' AND q.state = 'queued' LIMIT :batch FOR UPDATE OF q SKIP LOCKED) hopeless
 WHERE d.store_id = hopeless.store_id AND d.delivery_id = hopeless.delivery_id"""
)
_EXPIRE = text(
    """UPDATE webhook_deliveries SET state = 'queued', lease_until = NULL, next_attempt_at = now()
 WHERE state = 'claimed' AND lease_until < now() RETURNING delivery_id"""
)


async def fail_disabled(tx: AsyncConnection, error: str, batch: int) -> int:
    """Fails up to `batch` deliveries to endpoints that are disabled; gives how many."""
    return (await tx.execute(_FAIL, {"error": error, "batch": batch})).rowcount


async def expire_deliveries(tx: AsyncConnection) -> Sequence[UUID]:
    """Deliveries of senders that died are queued again: receivers know them by their id."""
    return list((await tx.execute(_EXPIRE)).scalars())


def _fence(held: Consignment) -> dict[str, Any]:
    return {"store_id": held.store_id, "delivery_id": held.delivery_id, "attempts": held.attempts}


def _consignment(row: Row[Any]) -> Consignment:
    return Consignment(
        store_id=row.store_id,
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        event_id=row.event_id,
        type=row.type,
        payload=row.payload,
        attempts=row.attempts,
        tries=row.tries,
        failures=row.failures,
        url=row.url,
        secrets=tuple(row.secrets),
    )
