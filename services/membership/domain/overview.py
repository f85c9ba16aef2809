"""A store's members in figures (C1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from services.membership.domain.directory import recent_since

MONTHS = 12
EXPIRING_DAYS = 30
# Reckoning may take this share of the time: a store that takes a second is reckoned every hundred seconds at most.
_SHARE = 0.01
# Up to this long a reader waits for new figures; above it old ones are shown, and new ones are ready for the next.
_PATIENCE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Stretches:
    """The stretches of time that figures are about, in the store's time zone."""

    now: datetime
    timezone: str
    recent: datetime
    first_month: datetime
    expiring_until: datetime
    last_month: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """Net spend, in minor units, of the orders placed in one month ("2026-11")."""

    month: str
    net_spend: int
    orders: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`levels` has None for members without a level; `expiring` is points by month."""

    members: int
    new_members: int
    guests: int
    levels: Mapping[UUID | None, int]
    points_outstanding: int
    points_expiring_soon: int
    months: Sequence[Month]
    expiring: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """Figures, when they were reckoned, and how many seconds that took."""

    reckoned_at: datetime
    took: float
    figures: Figures

    def is_fresh(self, now: datetime) -> bool:
        """Whether reckoning again is not worth it yet."""
        return (now - self.reckoned_at).total_seconds() < self.took / _SHARE

    @property
    def is_quick(self) -> bool:
        """Whether a reader can wait for it."""
        return self.took < _PATIENCE_SECONDS


def stretches(now: datetime, timezone: str) -> Stretches:
    """Those of an overview made now."""
    zone = ZoneInfo(timezone)
    today = now.astimezone(zone).date()
    return Stretches(
        now=now,
        timezone=timezone,
        recent=recent_since(now, timezone),
        first_month=_start(months_from(today, 1 - MONTHS), zone),
        expiring_until=_start(today + timedelta(days=EXPIRING_DAYS), zone),
        last_month=_start(months_from(today, MONTHS), zone),
    )


def months_from(day: date, months: int) -> date:
    """The first day of the month so many months after that of `day`."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def all_months(at: Stretches, known: Sequence[Month]) -> list[Month]:
    """The twelve months to this one, the earliest first; those in which nothing was ordered among them."""
    by_month = {month.month: month for month in known}
    first = at.first_month.astimezone(ZoneInfo(at.timezone)).date()
    names = [f"{months_from(first, n):%Y-%m}" for n in range(MONTHS)]
    return [by_month.get(name, Month(name, 0, 0)) for name in names]
