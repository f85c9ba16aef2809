"""What tells one member from another (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.common.contact import Address


@dataclass(frozen=True, slots=True)
class Likeness:
    """A member as compared. `identifiers` are (kind, value), the main one of each kind first; so are the addresses."""

    customer_id: UUID
    name: str
    birthday: date | None
    identifiers: Sequence[tuple[str, str]]
    addresses: Sequence[Address]
