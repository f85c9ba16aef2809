"""Ranges of the store's days as moments."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.errors import InvalidInput

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Days outside of these have no moment everywhere on earth, or none that every part can hold.
_FIRST, _LAST = date(1970, 1, 2), date(8999, 12, 30)


def begin_of(text: str, zone: tzinfo, field: str) -> Timestamp | None:
    """The first moment of a day such as "2026-11-24"; None for none. Raises InvalidInput (invalid_date)."""
    return _moment(_read(text, field), zone) if text else None


def end_of(text: str, zone: tzinfo, field: str) -> Timestamp | None:
    """The first moment after a day; None for none. Raises InvalidInput (invalid_date)."""
    return _moment(_read(text, field) + timedelta(days=1), zone) if text else None


def _read(text: str, field: str) -> date:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not _FIRST <= day <= _LAST:
        raise InvalidInput.of(field, "invalid_date")
    return day


def _moment(day: date, zone: tzinfo) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.combine(day, time(), zone))
    return stamp
