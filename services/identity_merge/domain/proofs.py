"""What a browser has proved, and the accounts that are made of it (A3, A8)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from uuid import UUID

from services.common.errors import InvalidInput
from services.identity_merge.domain.codes import is_browser
from services.identity_merge.domain.logins import OWNED_KINDS, Begun, LoginMethod, LoginState, Visit

# As long as filling in the form may take; whoever sits down at the same computer later shall not find it.
LIFETIME = timedelta(minutes=30)


class Outcome(IntEnum):
    """What a proof has led to; numbers as in the contract's LogInOutcome."""

    LOGGED_IN = 1
    REGISTER = 2
    ADDED = 3
    HELD = 4
    PROVE = 5


def browser_digest(secret: str) -> bytes:
    """What is kept of a browser's secret. Raises InvalidInput (unknown_value) where it is none."""
    if not is_browser(secret):
        raise InvalidInput.of("browser", "unknown_value", known="")
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class Proved:
    """An identifier that somebody has proved to hold: phone, email, or a provider's id and subject.

    `label` is what a provider calls the subject, `name` what it calls the person; of an address that a provider vouches for, `label` is
    the provider's id.
    """

    kind: str
    digest: bytes
    value: str
    label: str = ""
    name: str = ""

    @property
    def vouched_for(self) -> bool:
        """Whether a provider says so, which its label then names, and not a code that was sent there."""
        return self.kind in OWNED_KINDS and bool(self.label)

    @property
    def shown(self) -> str:
        """The identifier as people read it."""
        return self.value if self.kind in OWNED_KINDS else self.label


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of a right code: a session (LOGGED_IN), or one more login method (ADDED)."""

    outcome: Outcome
    begun: Begun | None = None
    added: LoginMethod | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """An account that a browser wants made of what it has proved."""

    browser: str
    name: str
    birthday: str = ""
    language: str = ""
    consents: Sequence[str] = ()
    password: str = field(default="", repr=False)
    visit: Visit = field(default_factory=Visit)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Proofs that are to become an account, and the id that it gets: the same at every repeat.

    `state` is CONFIRMED where one of them is that account's login already, RETIRED where one can never be anybody's again.
    """

    customer_id: UUID
    proofs: Sequence[Proved]
    state: LoginState
    # Whether it was attempted before.
    again: bool
