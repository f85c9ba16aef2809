"""Stores, staff and API keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.common.contact import LONGEST_NAME, clean_text, parse_email
from services.common.errors import InvalidInput, Violations
from services.common.money import MINOR_DIGITS
from services.common.permissions import SCOPES

REGIONS = ("HK", "TW")
LANGUAGES = ("en", "zh-Hant")
SHORTEST_PASSWORD = 12
# argon2 reads all of it; nobody types more.
LONGEST_PASSWORD = 1_000
# Programs are given a day to take up the new secret of a key.
OLD_SECRET_LIFETIME = timedelta(days=1)
# Ten years.
MOST_DAYS = 3_650
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class StaffRole(IntEnum):
    """Numbers as in the contract's StaffRole."""

    OWNER = 1
    MANAGER = 2
    CASHIER = 3
    SUPPORT = 4


@dataclass(frozen=True, slots=True)
class Store:
    """A merchant's tenant."""

    store_id: UUID
    slug: str
    name: str
    region: str
    currency: str
    timezone: str
    language: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who works for a store."""

    staff_id: UUID
    email: str
    name: str
    role: StaffRole


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a merchant's own programs; its secret is known to them alone."""

    api_key_id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str = ""
    # Unset: never.
    expires_at: datetime | None = None
    last_used: datetime | None = None
    # Until when a secret before the newest still works.
    old_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key as somebody asks for it. `valid_days` 0: until it is revoked."""

    name: str
    scopes: tuple[str, ...]
    valid_days: int = 0

    @classmethod
    def read(cls, name: str, scopes: Sequence[str], valid_days: int = 0) -> KeyWish:
        """The same in its stored form. Raises InvalidInput (required, too_long, unknown_value, out_of_range)."""
        found = Violations()
        name = found.gather(partial(_required, name, "name"), "")
        if not scopes:
            found.add("scopes", "required")
        for number, scope in enumerate(scopes[:100]):
            if scope not in SCOPES:
                found.add(f"scopes[{number}]", "unknown_value", known=", ".join(SCOPES))
        if not 0 <= valid_days <= MOST_DAYS:
            found.add("valid_days", "out_of_range", smallest="1", largest=str(MOST_DAYS))
        found.check()
        return cls(name, tuple(sorted(set(scopes))), valid_days)

    @property
    def lifetime(self) -> timedelta | None:
        """How long it is good; None for ever."""
        return timedelta(days=self.valid_days) if self.valid_days else None


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose credential it is."""

    store: Store
    who: StaffMember | ApiKey


@dataclass(frozen=True, slots=True)
class Founding:
    """A store and its first owner, as an operator asks for them."""

    store: Store
    owner_name: str
    owner_email: str
    owner_password: str

    def checked(self) -> Founding:
        """The same with texts in their stored form. Raises InvalidInput with every fault."""
        found = Violations()
        founding = Founding(
            store=_checked_store(self.store, found),
            owner_name=found.gather(lambda: _required(self.owner_name, "owner_name"), ""),
            owner_email=found.gather(lambda: _address(self.owner_email, "owner_email"), ""),
            owner_password=found.gather(lambda: read_password(self.owner_password, "owner_password"), ""),
        )
        found.check()
        return founding


def _checked_store(store: Store, found: Violations) -> Store:
    if not is_slug(store.slug):
        found.add("store.slug", "invalid_slug" if store.slug else "required")
    if store.currency not in MINOR_DIGITS:
        found.add("store.currency", "unknown_currency", currency=store.currency[:8], known=", ".join(MINOR_DIGITS))
    for field, value, known in (("region", store.region, REGIONS), ("language", store.language, LANGUAGES)):
        if value not in known:
            found.add(f"store.{field}", "unknown_value", known=", ".join(known))
    if not is_timezone(store.timezone):
        found.add("store.timezone", "unknown_value")
    name = found.gather(lambda: _required(store.name, "store.name"), "")
    return Store(store.store_id, store.slug, name, store.region, store.currency, store.timezone, store.language)


def is_slug(text: str) -> bool:
    """Whether a store may be called so in addresses: 1 to 40 lower case letters, digits and inner hyphens."""
    return _SLUG.fullmatch(text) is not None


def is_timezone(name: str) -> bool:
    """Whether this is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an empty name or a folder's is an OSError
        return False
    return True


def read_password(password: str, field: str) -> str:
    """A password that may be set. Raises InvalidInput (weak_password, too_long)."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput.of(field, "weak_password", least=str(SHORTEST_PASSWORD))
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput.of(field, "too_long", longest=str(LONGEST_PASSWORD))
    return password


def _required(text: str, field: str) -> str:
    value = clean_text(text, field, LONGEST_NAME)
    if not value:
        raise InvalidInput.of(field, "required")
    return value


def _address(text: str, field: str) -> str:
    address = parse_email(text, field)
    if not address:
        raise InvalidInput.of(field, "required")
    return address
