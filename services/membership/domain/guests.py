"""What becomes of a guest who turns out to be a member (A7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.common.contact import Address
from services.common.searching import fold
from services.membership.domain.customers import Customer
from services.membership.domain.enrolment import Identifier
from services.membership.domain.profiles import MOST_ADDRESSES, sort_tags


@dataclass(frozen=True, slots=True)
class Proof:
    """A phone or e-mail that somebody has proved to hold. `customer_id` may have been merged since."""

    identifier: Identifier
    customer_id: UUID
    proved_at: datetime
    # Rises with every reason to look for guests anew.
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Joining:
    """Guests that have become part of a member, and with which orders."""

    member: Customer
    guest_ids: Sequence[UUID]
    order_ids: Sequence[UUID]
    kind: str
    at: datetime


def joined(member: Customer, guests: Sequence[Customer]) -> Customer:
    """The member with what its guests bring: gaps are filled by the guest that came first, addresses as far as there is room."""
    new = replace(member)
    oldest_first = sorted(guests, key=lambda guest: (guest.created_at, guest.customer_id))
    for name in ("name", "birthday", "language"):
        values = (getattr(guest, name) for guest in oldest_first)
        setattr(new, name, getattr(member, name) or next(filter(None, values), getattr(member, name)))
    addresses: dict[Address, None] = dict.fromkeys(member.addresses)
    for guest in reversed(oldest_first):
        addresses.update(dict.fromkeys(guest.addresses))
    new.addresses = tuple(addresses)[: max(MOST_ADDRESSES, len(member.addresses))]
    tags = {fold(tag): tag for each in (*oldest_first, member) for tag in each.tags}
    new.tags = sort_tags(tags.values())
    new.net_spend += sum(guest.net_spend for guest in guests)
    new.orders_count += sum(guest.orders_count for guest in guests)
    return new
