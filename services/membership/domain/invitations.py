"""Guests who are invited to become members: whom, how often, in what words (A5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.common.contact import clean_text
from services.common.errors import InvalidInput
from services.membership.domain.customers import Customer, Status
from services.membership.domain.enrolment import Hold
from services.membership.domain.uses import Use

# Between two invitations of one address; more often is pestering.
REST = timedelta(days=7)
MOST_AT_ONCE = 100
MOST_IN_RUN = 10_000
LONGEST_GREETING = 300
INVITED_LATELY = "invited_lately"
SAME_ADDRESS = "same_address"


@dataclass(frozen=True, slots=True)
class Invitation:
    """The last invitation to an address. Its id is that of the event that asks for the mail."""

    invitation_id: UUID
    digest: bytes
    customer_id: UUID
    email: str
    invited_at: datetime
    invited_by: str
    times: int = 1
    name: str = ""
    accepted_at: datetime | None = None
    accepted_by: UUID | None = None

    @property
    def again_at(self) -> datetime:
        """From when on the address may be invited again."""
        return self.invited_at + REST


@dataclass(frozen=True, slots=True)
class Invitee:
    """A guest who has ordered, and why it cannot be invited now; "" where nothing is in the way."""

    customer: Customer
    digest: bytes
    last_order_at: datetime | None
    last: Invitation | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A guest who is to be invited, by the digest of the address."""

    customer: Customer
    digest: bytes
    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class InvitationOutcome:
    """What became of one wish; an `invitation`, or the reason why not. With INVITED_LATELY the time from which on it is possible."""

    customer_id: UUID
    refusal: str = ""
    again_at: datetime | None = None
    invitation: Invitation | None = None


class InvitationRunState(IntEnum):
    """Numbers as in the contract."""

    QUEUED = 1
    RUNNING = 2
    DONE = 3


@dataclass(frozen=True, slots=True)
class InvitationRun:
    """All guests of a list, invited in batches. `refused` counts by reason those who could not be."""

    run_id: UUID
    query: str
    greeting: str
    total: int
    requested_by: str
    requested_at: datetime
    state: InvitationRunState = InvitationRunState.QUEUED
    done: int = 0
    invited: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    finished_at: datetime | None = None


def read_greeting(text: str) -> str:
    """One line from the merchant. Raises InvalidInput (too_long)."""
    return clean_text(text, "greeting", LONGEST_GREETING)


def read_guests(ids: Sequence[UUID]) -> list[UUID]:
    """Each once. Raises InvalidInput (no_guests_chosen, too_large)."""
    chosen = list(dict.fromkeys(ids))
    if not chosen:
        raise InvalidInput.of("customer_ids", "no_guests_chosen")
    if len(chosen) > MOST_AT_ONCE:
        raise InvalidInput.of("customer_ids", "too_large", largest=str(MOST_AT_ONCE))
    return chosen


def why_not_invite(
    customer: Customer | None, hold: Hold, use: Use | None, *, ordered: bool, being_removed: bool = False
) -> str:
    """Why somebody is not to be invited, whatever was sent before; "" where nothing is in the way.

    `hold` is who has the address, `use` what the guest has said about offers by e-mail.
    """
    reasons = (
        (customer is None, "customer_not_found"),
        (customer is not None and customer.status is not Status.GUEST, "not_a_guest"),
        (being_removed, "being_removed"),
        (customer is not None and not customer.email, "email_missing"),
        (not ordered, "nothing_ordered"),
        (hold is Hold.LIVE, "address_of_a_member"),
        (hold is not Hold.FREE, "identifier_retired"),
        (use is not None and not use.given, "marketing_refused"),
    )
    return next((reason for applies, reason in reasons if applies), "")
