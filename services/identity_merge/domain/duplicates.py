"""Accounts that may be one person's (F12): what is compared, and what is said of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from services.common.errors import InvalidInput

# A pair is suggested from this probability on.
LEAST = 0.9
# Probabilities are kept as whole millionths, so that a list can be read on from one.
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What is compared of a member. `reach` are phones and e-mails that the member's own orders bear."""

    customer_id: UUID
    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    # ISO 8601, or whatever was written down.
    birthday: str = ""
    # One text each, the preferred first, and the part of it that says where in the land: postcode, else district, else city.
    addresses: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    reach: tuple[str, ...] = ()


class Reason(StrEnum):
    """What speaks for one person; the words of pages and of the API."""

    NAME_SAME = "name_same"
    NAME_ORDER = "name_order"
    NAME_VARIANT = "name_variant"
    NAME_SCRIPT = "name_script"
    NAME_SOUND = "name_sound"
    NAME_NICKNAME = "name_nickname"
    NAME_PART = "name_part"
    NAME_TYPO = "name_typo"
    SURNAME_SAME = "surname_same"
    GIVEN_SAME = "given_same"
    BIRTHDAY_SAME = "birthday_same"
    BIRTHDAY_SIMILAR = "birthday_similar"
    ORDER_CONTACT = "order_contact"
    PHONE_TYPO = "phone_typo"
    EMAIL_MAILBOX = "email_mailbox"
    EMAIL_NAME = "email_name"
    EMAIL_TYPO = "email_typo"
    ADDRESS_SAME = "address_same"
    ADDRESS_WRITING = "address_writing"
    ADDRESS_SIMILAR = "address_similar"
    ADDRESS_SCRIPT = "address_script"
    AREA_SAME = "area_same"


class PairState(IntEnum):
    """Numbers as in the contract's DuplicateState."""

    SUGGESTED = 1
    DISMISSED = 2


class ScanState(IntEnum):
    """Numbers as in the contract's DuplicateScanState."""

    NEVER = 1
    WAITING = 2
    RUNNING = 3
    DONE = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A pair that a scan has found; ids in order, the score in millionths. `digests` say what the two were known by: whether
    "not the same person" still holds.
    """

    customer_ids: tuple[UUID, UUID]
    score: int
    reasons: tuple[Reason, ...]
    digests: tuple[bytes, bytes]

    @classmethod
    def of(
        cls, one: tuple[UUID, bytes], other: tuple[UUID, bytes], probability: float, reasons: Sequence[Reason]
    ) -> Found:
        """Two members as (id, digest), whichever comes first."""
        (first, before), (second, after) = sorted((one, other))
        return cls((first, second), int(probability * _MILLION), tuple(reasons), (before, after))


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair as it is kept."""

    customer_ids: tuple[UUID, UUID]
    score: int
    reasons: tuple[str, ...]
    found_at: datetime
    dismissed_by: str = ""
    dismissed_at: datetime | None = None

    @property
    def probability(self) -> float:
        """From 0 to 1."""
        return self.score / _MILLION


@dataclass(frozen=True, slots=True)
class Scan:
    """How far the store's scan is; `attempts` tries have failed since the last one that ended."""

    state: ScanState
    members: int = 0
    members_read: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    suggested: int = 0
    attempts: int = 0


def pair_of(ids: Sequence[UUID]) -> tuple[UUID, UUID]:
    """Two ids in the order in which pairs are kept. Raises InvalidInput (needs_two_accounts)."""
    if len(ids) != 2 or ids[0] == ids[1]:
        raise InvalidInput.of("customer_ids", "needs_two_accounts")
    first, second = sorted(ids)
    return first, second
