"""What identity_merge has told of the store, and the store's own rules of levels and points."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import Level, LevelRules, PointsSettings, StoreSettings

_SELECT = """SELECT region, currency, timezone, language, points_per_unit, redeem_per_unit, validity_months, rounding, points_version,
 level_basis, levels, levels_version FROM store_settings WHERE store_id = :store_id"""
_LOAD = text(_SELECT).columns(levels=JSONB)
# Whoever moves members by the rules shares the row, whoever changes the rules has it alone. It is the first row to be held.
_SHARE = text(_SELECT + " FOR SHARE").columns(levels=JSONB)
_ALONE = text(_SELECT + " FOR UPDATE").columns(levels=JSONB)
# Points rules and levels are membership's own; the event does not touch them.
_SAVE = text(
    """INSERT INTO store_settings (store_id, region, currency, timezone, language, version)
 VALUES (:store_id, :region, :currency, :timezone, :language, :version)
 ON CONFLICT (store_id) DO UPDATE SET region = excluded.region, currency = excluded.currency, timezone = excluded.timezone,
  language = excluded.language, version = excluded.version WHERE store_settings.version < excluded.version"""
)
# Version 0: the first event of the store replaces what stands here of it.
_CREATE = text(
    """INSERT INTO store_settings (store_id, region, currency, timezone, language, version)
 VALUES (:store_id, :region, :currency, :timezone, :language, 0) ON CONFLICT (store_id) DO NOTHING"""
)
_SAVE_POINTS = text(
    """UPDATE store_settings SET points_per_unit = :earn_per_unit, redeem_per_unit = :redeem_per_unit,
 validity_months = :validity_months, rounding = :rounding, points_version = :version WHERE store_id = :store_id"""
)
_SAVE_RULES = text(
    """UPDATE store_settings SET level_basis = :basis, levels = CAST(:levels AS jsonb), levels_version = :version,
 birthdays_on = CASE WHEN :birthdays THEN COALESCE(birthdays_on, CAST(CAST(:now AS timestamptz) AT TIME ZONE timezone AS date) - 1) END
 WHERE store_id = :store_id"""
)


async def load_settings(tx: AsyncConnection, store_id: UUID, *, hold: bool = False) -> StoreSettings:
    """The store's settings, or the defaults while none are known. `hold`: the level rules do not change meanwhile."""
    row = (await tx.execute(_SHARE if hold else _LOAD, {"store_id": store_id})).first()
    return _settings(row) if row else StoreSettings()


async def lock_settings(tx: AsyncConnection, store_id: UUID) -> StoreSettings:
    """The store's settings, held alone: nobody moves members by the rules meanwhile."""
    defaults = StoreSettings()
    places = {name: getattr(defaults, name) for name in ("region", "currency", "timezone", "language")}
    await tx.execute(_CREATE, {"store_id": store_id, **places})
    return _settings((await tx.execute(_ALONE, {"store_id": store_id})).one())


async def save_settings(tx: AsyncConnection, store_id: UUID, settings: StoreSettings, version: int) -> None:
    """Takes over region, currency, time zone and language unless something newer is known."""
    await tx.execute(
        _SAVE,
        {
            "store_id": store_id,
            "region": settings.region,
            "currency": settings.currency,
            "timezone": settings.timezone,
            "language": settings.language,
            "version": version,
        },
    )


async def save_points_settings(tx: AsyncConnection, store_id: UUID, points: PointsSettings) -> None:
    """Writes how points are earned and redeemed; the caller holds the row."""
    await tx.execute(
        _SAVE_POINTS,
        {
            "store_id": store_id,
            "earn_per_unit": points.earn_per_unit,
            "redeem_per_unit": points.redeem_per_unit,
            "validity_months": points.validity_months,
            "rounding": points.rounding,
            "version": points.version,
        },
    )


async def save_rules(tx: AsyncConnection, store_id: UUID, rules: LevelRules, now: Any) -> None:
    """Writes the level rules; the caller holds the row. Birthdays are celebrated from the day on which a gift is first set."""
    levels = {str(level.level_id): _level_document(level) for level in rules.levels}
    await tx.execute(
        _SAVE_RULES,
        {
            "store_id": store_id,
            "basis": rules.basis,
            "levels": orjson.dumps(levels).decode(),
            "version": rules.version,
            "birthdays": rules.gives_birthdays,
            "now": now,
        },
    )


def _level_document(level: Level) -> dict[str, object]:
    return {name: getattr(level, name) for name in Level.__slots__ if name != "level_id"}


def _settings(row: Row[Any]) -> StoreSettings:
    levels = [Level(level_id=UUID(level_id), **rest) for level_id, rest in row.levels.items()]
    return StoreSettings(
        region=row.region,
        currency=row.currency,
        timezone=row.timezone,
        language=row.language,
        points=PointsSettings(
            row.points_per_unit, row.redeem_per_unit, row.validity_months, row.rounding, row.points_version
        ),
        rules=LevelRules(row.level_basis, sorted(levels, key=lambda level: level.threshold), row.levels_version),
    )
