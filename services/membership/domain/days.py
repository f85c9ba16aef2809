"""Days and months as a store counts them: in its own time zone (rule 11)."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from services.common.errors import InvalidInput

_LAST_SECOND = time(23, 59, 59)


def local_day(at: datetime, timezone: str) -> date:
    """The store's day at that moment."""
    return at.astimezone(ZoneInfo(timezone)).date()


def end_of_day(day: date, timezone: str) -> datetime:
    """The last second of a day in a time zone, in UTC, so that the time shown there falls on that very day."""
    return datetime.combine(day, _LAST_SECOND, ZoneInfo(timezone)).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def end_after(at: datetime, months: int, timezone: str) -> datetime:
    """The end of the store's day so many months after that moment."""
    return end_of_day(months_later(local_day(at, timezone), months), timezone)


def iso_day(text: str) -> date | None:
    """A day written as year, month and day with hyphens, or None for anything else."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def read_date(text: str, field: str) -> date:
    """An ISO date from a request. Raises InvalidInput (invalid_date).

    Years from 9999 on are refused: their last second has no name in UTC everywhere.
    """
    day = iso_day(text)
    if day is None or not 1900 <= day.year < 9999:
        raise InvalidInput.of(field, "invalid_date")
    return day
