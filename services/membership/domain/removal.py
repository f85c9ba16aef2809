"""Deleting and erasing people (C9, C10, C12).

    claimed ──► done
       └──────► refused

A claimed removal holds the account: nobody edits or merges it meanwhile. Whether somebody has signed up on the online store is
identity_merge's to say, once and for all; only after its word is anything taken away here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from services.common.contact import comparable_email, parse_mobile
from services.common.errors import InvalidInput, StateConflict
from services.common.searching import fold
from services.membership.domain.customers import Customer, DeletionPolicy, Status


class RemovalKind(Enum):
    """Deletion frees identifiers and leaves orders alone; erasure keeps digests and follows the person into every service."""

    DELETE = "delete"
    ERASE = "erase"


class RemovalState(Enum):
    """See above."""

    CLAIMED = "claimed"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Removal:
    """One deletion or erasure: who and when, and nothing about the person."""

    removal_id: UUID
    customer_id: UUID
    kind: RemovalKind
    state: RemovalState
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None = None
    refusal: str = ""
    key: str = ""
    fingerprint: bytes = b""


def check_removable(customer: Customer, kind: RemovalKind) -> None:
    """Whether there is an account to remove under that very id. Raises StateConflict (merged_away, already_deleted)."""
    who = str(customer.customer_id)
    if customer.status is Status.MERGED:
        raise StateConflict("merged_away", customer_id=who, survivor_id=str(customer.survivor_id))
    if customer.status is Status.ERASED or (customer.status is Status.DELETED and kind is RemovalKind.DELETE):
        raise StateConflict("already_deleted", customer_id=who)


def why_not(customer: Customer, kind: RemovalKind, policy: DeletionPolicy) -> str:
    """The reason for which the account stays, as far as it is known here: deletion_forbidden, registered_online, or "" (C10)."""
    if kind is RemovalKind.DELETE and policy is DeletionPolicy.NEVER:
        return "deletion_forbidden"
    return "registered_online" if kind is RemovalKind.DELETE and customer.online_since else ""


def check_confirmation(customer: Customer, typed: str, region: str) -> None:
    """The phone typed again, in any usual writing; without a phone the name, without that the e-mail.

    Raises InvalidInput (confirmation_differs). Of whom nothing is known nothing can be typed.
    """
    if customer.phone:
        try:
            same = parse_mobile(typed, region) == customer.phone
        except InvalidInput:
            same = False
    elif customer.name:
        same = fold(typed) == fold(customer.name)
    else:
        same = comparable_email(typed.strip()) == comparable_email(customer.email)
    if not same:
        raise InvalidInput.of("confirmation", "confirmation_differs")
