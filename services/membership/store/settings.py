"""What identity_merge has told of the store."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import StoreSettings

_LOAD = text(
    "SELECT region, currency, timezone, language, points_per_unit, validity_months FROM store_settings WHERE store_id = :store_id"
)
# Points rules are membership's own; the event does not touch them.
_SAVE = text(
    """INSERT INTO store_settings (store_id, region, currency, timezone, language, version)
 VALUES (:store_id, :region, :currency, :timezone, :language, :version)
 ON CONFLICT (store_id) DO UPDATE SET region = excluded.region, currency = excluded.currency, timezone = excluded.timezone,
  language = excluded.language, version = excluded.version WHERE store_settings.version < excluded.version"""
)


async def load_settings(tx: AsyncConnection, store_id: UUID) -> StoreSettings:
    """The store's settings, or the defaults while none are known."""
    row = (await tx.execute(_LOAD, {"store_id": store_id})).first()
    return StoreSettings(**row._mapping) if row else StoreSettings()


async def save_settings(tx: AsyncConnection, store_id: UUID, settings: StoreSettings, version: int) -> None:
    """Takes over region, currency, time zone and language unless something newer is known."""
    await tx.execute(_SAVE, {"store_id": store_id, "version": version, **asdict(settings)})
