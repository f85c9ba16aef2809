"""What goes into a merge, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.common.contact import Address
from services.membership.domain.customers import Customer
from services.membership.domain.levels import Spend, Standing
from services.membership.domain.points import Ledger, Lot
from services.membership.domain.settings import StoreSettings
from services.membership.domain.uses import Use


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge as somebody asks for it. `expires_on` is an ISO date, or empty."""

    primary_id: UUID
    merged_ids: Sequence[UUID]
    points: int = 0
    expires_on: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One participant: the customer with its addresses, its lots, what counts for its level, the years of its birthday gifts, by
    kind what it has agreed to, how many notes there are, and whether it was given points when it joined.
    """

    customer: Customer
    lots: Sequence[Lot]
    spend: Spend = field(default_factory=Spend)
    gifts: Sequence[int] = ()
    uses: Mapping[str, Use] = field(default_factory=dict)
    notes: int = 0
    welcomed: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that an account has before the merge."""

    kind: str
    value: str
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """One field of the primary after the merge, and whose value it is; None: the merge's own."""

    field: str
    value: str
    from_customer_id: UUID | None


@dataclass(frozen=True, slots=True)
class RetiredIdentifier:
    """An identifier that nobody can use again (F6)."""

    kind: str
    value: str
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """The primary as it will be (`survivor`), and all that is written to get there.

    `facts` are what each account has now, in the order and by the kinds of the rules. `ledgers` are the participants' after the
    merge, the primary's first. `survivor.version` is one above the primary's.
    """

    survivor: Customer
    facts: Sequence[Fact]
    fields: Sequence[FieldOutcome]
    # The survivor's level.
    standing: Standing
    # What the survivor has agreed to.
    uses: Sequence[Use]
    points_before: int
    points_after: int
    ledgers: Sequence[Ledger]
    retired: Sequence[RetiredIdentifier]
    warnings: Sequence[str]
    fingerprint: bytes


@dataclass(slots=True)
class Case:
    """A merge being reckoned: the primary, the others from the one that joined first, and what the rules have made of them so far."""

    accounts: Sequence[Account]
    now: datetime
    settings: StoreSettings
    # After the merge already: points are pooled before anything else is reckoned.
    ledgers: Sequence[Ledger]
    survivor: Customer
    standing: Standing
    uses: list[Use] = field(default_factory=list)

    @property
    def primary(self) -> Customer:
        """As it was."""
        return self.accounts[0].customer


def one_line(address: Address) -> str:
    """An address to be read in a table cell."""
    parts = (address.recipient, *address.lines, address.district, address.city, address.postal_code, address.country)
    return ", ".join(part for part in parts if part)
