"""People known to a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from uuid import UUID

from services.common.contact import Address


class Status(IntEnum):
    """Numbers as in the contract's CustomerStatus."""

    GUEST = 1
    MEMBER = 2
    MERGED = 3
    DELETED = 4
    ERASED = 5


class DeletionPolicy(Enum):
    """Whom staff may delete (C10)."""

    UNLESS_ONLINE = "unless_online"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class MergedAccount:
    """An account that lives on in another one (F13)."""

    customer_id: UUID
    merge_run_id: UUID
    name: str
    merged_at: datetime


@dataclass(slots=True)
class Customer:
    """One customer. The store alone calls the constructor; amounts are minor units of the store's currency.

    `points_balance` leaves out lots that have expired. `version` rises with the profile and the points, not with orders.
    """

    customer_id: UUID
    status: Status
    name: str
    phone: str
    email: str
    birthday: date | None
    language: str
    created_at: datetime
    joined_at: datetime | None
    survivor_id: UUID | None
    net_spend: int
    orders_count: int
    points_balance: int
    version: int
    # The level's id, and its name as it is now; both empty without a level (B1).
    level_id: UUID | None = None
    level_name: str = ""
    level_until: datetime | None = None
    level_pinned_until: datetime | None = None
    tags: Sequence[str] = ()
    # When the person signed up on the online store; then the account cannot be deleted (C10).
    online_since: datetime | None = None
    # The default one first.
    addresses: Sequence[Address] = ()
    merged_accounts: Sequence[MergedAccount] = ()
    # (kind, value) of all that a member owns: phones, then e-mails, of each kind first the one that is `phone` or `email`.
    identifiers: Sequence[tuple[str, str]] = ()

    @property
    def further(self) -> list[str]:
        """Phones and e-mails beside the main ones."""
        return [value for _, value in self.identifiers if value not in (self.phone, self.email)]
