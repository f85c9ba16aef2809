"""Endpoints: what they are and how they fare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Statement
from services.notification.domain import DisabledBecause, Webhook, WebhookWish

MOST_OLD = 10
_SHOWN = """webhook_id, url, description, event_types, disabled_because, disabled_at, failing_since, created_at,
 (SELECT max(until) FROM unnest(old_secrets_until) AS until WHERE until > now()) AS old_secret_until, version"""
_HOLD_STORE = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(CAST(:store_id AS uuid) AS text), 7003))")
_COUNT = text("SELECT count(*) FROM webhooks WHERE store_id = :store_id AND removed_at IS NULL")


async def hold_count(tx: AsyncConnection, store_id: UUID) -> int:
    """How many endpoints the store has; held, so that two who add one come one after the other."""
    await tx.execute(_HOLD_STORE, {"store_id": store_id})
    return int(await tx.scalar(_COUNT, {"store_id": store_id}) or 0)


_ADD = text(
    f"""INSERT INTO webhooks (store_id, webhook_id, url, description, event_types, secret)
 VALUES (:store_id, :webhook_id, :url, :description, :event_types, :secret) RETURNING {_SHOWN}"""
)


async def add_webhook(
    tx: AsyncConnection, store_id: UUID, webhook_id: UUID, url: str, wish: WebhookWish, secret: bytes
) -> Webhook:
    """A new endpoint, enabled."""
    parameters = {
        "store_id": store_id,
        "webhook_id": webhook_id,
        "url": url,
        "description": wish.description,
        "event_types": list(wish.event_types),
        "secret": secret,
    }
    return _webhook((await tx.execute(_ADD, parameters)).one())


_OF_STORE = "FROM webhooks WHERE store_id = :store_id AND webhook_id = :webhook_id AND removed_at IS NULL"
_LOAD = text(f"SELECT {_SHOWN} {_OF_STORE}")
_HOLD = text(f"SELECT {_SHOWN} {_OF_STORE} FOR NO KEY UPDATE")
_LIST = text(f"SELECT {_SHOWN} FROM webhooks WHERE store_id = :store_id AND removed_at IS NULL ORDER BY webhook_id")


async def load_webhook(tx: AsyncConnection, store_id: UUID, webhook_id: UUID, *, lock: bool = False) -> Webhook | None:
    """An endpoint that is not removed."""
    row = (await tx.execute(_HOLD if lock else _LOAD, {"store_id": store_id, "webhook_id": webhook_id})).first()
    return _webhook(row) if row else None


async def list_webhooks(tx: AsyncConnection, store_id: UUID) -> list[Webhook]:
    """All that are not removed, the oldest first."""
    return [_webhook(row) for row in await tx.execute(_LIST, {"store_id": store_id})]


# Whoever enables an endpoint begins anew: what failed before says nothing any more.
_CHANGE = text(
    f"""UPDATE webhooks SET url = :url, description = :description, event_types = :event_types, version = version + 1,
  disabled_because = CASE WHEN :enabled THEN '' WHEN disabled_because = '' THEN 'staff' ELSE disabled_because END,
  disabled_at = CASE WHEN :enabled THEN NULL ELSE COALESCE(disabled_at, now()) END,
  tell_owners = tell_owners AND NOT :enabled,
  failing_since = CASE WHEN :anew THEN NULL ELSE failing_since END, failures = CASE WHEN :anew THEN 0 ELSE failures END,
  rest_until = CASE WHEN :anew THEN now() ELSE rest_until END
 WHERE store_id = :store_id AND webhook_id = :webhook_id RETURNING {_SHOWN}"""
)


async def save_webhook(
    tx: AsyncConnection, store_id: UUID, was: Webhook, url: str, wish: WebhookWish, enabled: bool
) -> Webhook:
    """What staff wish an endpoint to be; it is held already."""
    parameters = {
        "store_id": store_id,
        "webhook_id": was.webhook_id,
        "url": url,
        "description": wish.description,
        "event_types": list(wish.event_types),
        "enabled": enabled,
        "anew": enabled and (not was.enabled or url != was.url),
    }
    return _webhook((await tx.execute(_CHANGE, parameters)).one())


# Those of the last day, the newest last; more than MOST_OLD no repeat of a lost answer makes.
_ROTATE = text(
    f"""UPDATE webhooks w SET secret = :secret, version = version + 1, old_secrets = kept.secrets, old_secrets_until = kept.untils
 FROM (SELECT array_agg(secret ORDER BY until) AS secrets, array_agg(until ORDER BY until) AS untils FROM (
   SELECT o.secret, o.until FROM webhooks h, unnest(
     h.old_secrets || h.secret, h.old_secrets_until || (now() + make_interval(secs => :lifetime))) AS o(secret, until)
   WHERE h.store_id = :store_id AND h.webhook_id = :webhook_id AND o.until > now() ORDER BY o.until DESC LIMIT {MOST_OLD}) newest) kept
 WHERE w.store_id = :store_id AND w.webhook_id = :webhook_id RETURNING {_SHOWN}"""
)


async def replace_secret(
    tx: AsyncConnection, store_id: UUID, webhook_id: UUID, secret: bytes, lifetime: float
) -> Webhook:
    """Another secret; the one of now signs too for `lifetime` seconds."""
    parameters = {"store_id": store_id, "webhook_id": webhook_id, "secret": secret, "lifetime": lifetime}
    return _webhook((await tx.execute(_ROTATE, parameters)).one())


_REMOVE = text(
    """UPDATE webhooks SET removed_at = now(), tell_owners = false, secret = '', old_secrets = '{}', old_secrets_until = '{}',
  disabled_because = CASE WHEN disabled_because = '' THEN 'staff' ELSE disabled_because END,
  disabled_at = COALESCE(disabled_at, now())
 WHERE store_id = :store_id AND webhook_id = :webhook_id AND removed_at IS NULL"""
)
_WAS_THERE = text("SELECT 1 FROM webhooks WHERE store_id = :store_id AND webhook_id = :webhook_id")


async def remove_webhook(tx: AsyncConnection, store_id: UUID, webhook_id: UUID) -> None:
    """Ends an endpoint, and forgets its secrets."""
    await tx.execute(_REMOVE, {"store_id": store_id, "webhook_id": webhook_id})


async def was_webhook(tx: AsyncConnection, store_id: UUID, webhook_id: UUID) -> bool:
    """Whether there is or was such an endpoint."""
    return await tx.scalar(_WAS_THERE, {"store_id": store_id, "webhook_id": webhook_id}) is not None


# With each batch of events: most stores have no endpoint, and this is all that it costs them.
_LISTENING = Statement(
    """SELECT webhook_id, event_types FROM webhooks
 WHERE store_id = :store_id AND disabled_because = '' AND removed_at IS NULL ORDER BY webhook_id"""
)


async def listening(tx: AsyncConnection, store_id: UUID) -> list[tuple[UUID, frozenset[str]]]:
    """Enabled endpoints with the types that they want; no types mean all."""
    rows = await _LISTENING.all(tx, {"store_id": store_id})
    return [(row["webhook_id"], frozenset(row["event_types"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Disabled:
    """An endpoint that was disabled by itself, and whose owners shall hear of it."""

    store_id: UUID
    webhook_id: UUID
    url: str
    because: DisabledBecause
    disabled_at: datetime
    language: str


_TO_TELL = text(
    """SELECT w.store_id, w.webhook_id, w.url, w.disabled_because, w.disabled_at, s.language
 FROM webhooks w JOIN stores s USING (store_id) WHERE w.tell_owners ORDER BY w.store_id, w.webhook_id LIMIT :most"""
)
_TOLD = text(
    """UPDATE webhooks SET tell_owners = false
 WHERE store_id = :store_id AND webhook_id = :webhook_id AND disabled_at = :disabled_at"""
)


async def to_tell(tx: AsyncConnection, most: int) -> Sequence[Disabled]:
    """Endpoints of whose end the owners do not know yet."""
    return [
        Disabled(
            row.store_id,
            row.webhook_id,
            row.url,
            DisabledBecause(row.disabled_because),
            row.disabled_at,
            row.language,
        )
        for row in await tx.execute(_TO_TELL, {"most": most})
    ]


async def mark_told(tx: AsyncConnection, disabled: Disabled) -> None:
    """The mails are written."""
    parameters = {
        "store_id": disabled.store_id,
        "webhook_id": disabled.webhook_id,
        "disabled_at": disabled.disabled_at,
    }
    await tx.execute(_TOLD, parameters)


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        webhook_id=row.webhook_id,
        url=row.url,
        description=row.description,
        event_types=tuple(row.event_types),
        disabled_because=DisabledBecause(row.disabled_because),
        disabled_at=row.disabled_at,
        failing_since=row.failing_since,
        created_at=row.created_at,
        old_secret_until=row.old_secret_until,
        version=row.version,
    )
