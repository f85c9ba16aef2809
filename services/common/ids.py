"""Ids: UUIDv7, so that keys rise with time and indexes stay dense (architecture, rule 5)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

from services.common.errors import InvalidInput

NIL = UUID(int=0)


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid_utils.compat.uuid7()


def time_of(made: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def first_at(moment: datetime) -> UUID:
    """The lowest id that can have been made at a moment: what was made before it is below."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)


def parse_id(text: str, field: str) -> UUID:
    """Reads an id from a request. Raises InvalidInput (invalid_id) naming the field."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput.of(field, "invalid_id") from None
