"""Whose order is it? The rules by which a buyer becomes, or turns out to be, a customer (A1, A2, A4, A7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.common.contact import Address, Contact
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.membership.domain.customers import Customer, Status


@dataclass(frozen=True, slots=True)
class Identifier:
    """A phone or e-mail and the digest under which it is unique in the store (U) and, once retired, known for ever (T)."""

    kind: str
    value: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Buyer:
    """An order's buyer as the order has it; the contact is in its stored form."""

    order_id: UUID
    customer_id: UUID
    # Whether customer_id was minted with the order.
    new_customer: bool
    contact: Contact
    add_as_member: bool
    # False for an online guest checkout, where anybody may have typed anybody's phone (A7).
    trusted: bool
    language: str
    shipping_address: Address
    placed_at: datetime

    def promotes(self, status: Status) -> bool:
        """Whether the order asks to make a member of the guest whom it names (A4)."""
        return status is Status.GUEST and self.add_as_member and self.trusted and not self.new_customer

    def filled_from(self, guest: Customer) -> Buyer:
        """This buyer, with what the guest is known by where the order says nothing."""
        told = self.contact
        contact = Contact(told.name or guest.name, told.phone or guest.phone, told.email or guest.email)
        return replace(self, contact=contact, language=self.language or guest.language)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The customer that owns the order now."""

    customer_id: UUID
    created_member: bool
    status: Status
    name: str


@dataclass(frozen=True, slots=True)
class KnownBuyer:
    """What an order takes over of a customer who is known. `discount` is what the level takes off, in percent."""

    customer_id: UUID
    status: Status
    contact: Contact
    level_name: str
    discount: int


class Hold(Enum):
    """Who has an identifier."""

    FREE = "free"
    # A live member's.
    LIVE = "live"
    # Retired by a merge; the survivor is a live member.
    MERGED = "merged"
    # Retired, and nobody is left whom it leads to.
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Holder:
    """What is known of one identifier. `customer_id` is the member that it leads to (LIVE, MERGED)."""

    kind: str
    hold: Hold
    customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Either an existing `owner`, or a new customer who owns the identifiers of the kinds `owned`: a guest if none."""

    owner: UUID | None = None
    owned: tuple[str, ...] = ()


def identifiers_of(hasher: IdentifierHasher, contact: Contact) -> tuple[Identifier, ...]:
    """Phone and e-mail of a contact, the phone first."""
    pairs = ((PHONE, contact.phone), (EMAIL, contact.email))
    return tuple(Identifier(kind, value, hasher.digest(kind, value)) for kind, value in pairs if value)


def decide(buyer: Buyer, holders: Sequence[Holder]) -> Decision:
    """Who owns a new buyer's order; `holders` has one entry for each identifier, the phone's first.

    A live member's identifier outweighs a retired one, the phone outweighs the e-mail, and nobody new gets an identifier
    that anybody has or had (T, U). See the table in this service's README.
    """
    if not buyer.trusted:
        return Decision()
    for hold in (Hold.LIVE, Hold.MERGED):
        for holder in holders:
            if holder.hold is hold:
                return Decision(owner=holder.customer_id)
    if not buyer.add_as_member:
        return Decision()
    return Decision(owned=tuple(holder.kind for holder in holders if holder.hold is Hold.FREE))
