"""Counting and summing a store's members (C1): a few scans, whose result is kept so that pages do not repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import Figures, Month, Overview, Stretches, all_months

_PEOPLE = text(
    """SELECT count(*) FILTER (WHERE member) AS members, count(*) FILTER (WHERE member AND since >= :recent) AS new_members,
  count(*) FILTER (WHERE NOT member) AS guests, COALESCE(sum(points), 0)::bigint AS points
 FROM standings WHERE store_id = :store_id"""
)
_LEVELS = text(
    "SELECT level_id, count(*) AS members FROM customers WHERE store_id = :store_id AND status = 2 GROUP BY level_id"
)
_MONTHS = text(
    """SELECT to_char(month, 'YYYY-MM') AS month, net, orders FROM (
  SELECT date_trunc('month', placed_at AT TIME ZONE :timezone) AS month, sum(paid - refunded)::bigint AS net,
   count(*) FILTER (WHERE settled) AS orders FROM order_facts WHERE store_id = :store_id AND placed_at >= :first_month
  GROUP BY 1) AS sums"""
)
# A second before its end a lot is still good: so its last day counts, and not the day after.
_EXPIRING = text(
    """SELECT to_char(month, 'YYYY-MM') AS month, points, soon FROM (
  SELECT date_trunc('month', (expires_at - interval '1 second') AT TIME ZONE :timezone) AS month, sum(remaining)::bigint AS points,
   COALESCE(sum(remaining) FILTER (WHERE expires_at <= :expiring_until), 0)::bigint AS soon FROM points_lots
  WHERE store_id = :store_id AND remaining > 0 AND expires_at > :now AND expires_at <= :last_month GROUP BY 1) AS sums"""
)
_GONE = text(
    """SELECT COALESCE(sum(remaining), 0)::bigint FROM points_lots
 WHERE store_id = :store_id AND remaining > 0 AND expires_at <= :now"""
)
_SAVE = text(
    """INSERT INTO overviews (store_id, reckoned_at, took_ms, figures)
 VALUES (:store_id, :reckoned_at, :took_ms, CAST(:figures AS jsonb))
 ON CONFLICT (store_id) DO UPDATE SET reckoned_at = excluded.reckoned_at, took_ms = excluded.took_ms, figures = excluded.figures
 WHERE overviews.reckoned_at < excluded.reckoned_at"""
)
_LOAD = text("SELECT reckoned_at, took_ms, figures FROM overviews WHERE store_id = :store_id")


async def reckon(tx: AsyncConnection, store_id: UUID, at: Stretches) -> Figures:
    """The figures as they are now: at 1,000,000 members some seconds, at 10,000 some hundredths."""
    names: dict[str, Any] = {"store_id": store_id, **asdict(at)}
    people = (await tx.execute(_PEOPLE, names)).one()
    levels = {row.level_id: row.members for row in await tx.execute(_LEVELS, names)}
    months = [Month(row.month, row.net, row.orders) for row in await tx.execute(_MONTHS, names)]
    expiring = (await tx.execute(_EXPIRING, names)).all()
    # Lots past their time that the expiry loop has not emptied are in the balances still.
    gone = int(await tx.scalar(_GONE, names) or 0)
    return Figures(
        members=people.members,
        new_members=people.new_members,
        guests=people.guests,
        levels=levels,
        points_outstanding=people.points - gone,
        points_expiring_soon=sum(row.soon for row in expiring),
        months=all_months(at, months),
        expiring={row.month: row.points for row in sorted(expiring, key=lambda row: str(row.month))},
    )


async def save_overview(tx: AsyncConnection, store_id: UUID, overview: Overview) -> None:
    """Keeps the figures, unless later ones are there."""
    figures = asdict(overview.figures)
    figures["levels"] = {str(level or ""): members for level, members in overview.figures.levels.items()}
    await tx.execute(
        _SAVE,
        {
            "store_id": store_id,
            "reckoned_at": overview.reckoned_at,
            "took_ms": round(overview.took * 1_000),
            "figures": orjson.dumps(figures).decode(),
        },
    )


async def load_overview(tx: AsyncConnection, store_id: UUID) -> Overview | None:
    """The figures that were reckoned last."""
    row = (await tx.execute(_LOAD, {"store_id": store_id})).first()
    return _overview(row.reckoned_at, row.took_ms, row.figures) if row else None


def _overview(reckoned_at: datetime, took_ms: int, figures: str | Mapping[str, Any]) -> Overview:
    kept = orjson.loads(figures) if isinstance(figures, str) else dict(figures)
    kept["months"] = [Month(**month) for month in kept["months"]]
    kept["levels"] = {UUID(level) if level else None: members for level, members in kept["levels"].items()}
    return Overview(reckoned_at, took_ms / 1_000, Figures(**kept))
