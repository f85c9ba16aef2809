"""Customers' login methods: identifiers that wait for, or have, their owner's proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.common.contact import clean_text
from services.common.identifiers import EMAIL, PHONE

# What membership knows of, too; every other kind is the id of a provider (Google …), and membership never hears of its subjects.
OWNED_KINDS = (PHONE, EMAIL)
# What a session was begun by, where that was no proof.
BY_WORD = "password"
# How long a proof lets somebody do what else the password must vouch for.
FRESH = timedelta(minutes=15)
LONGEST_AGENT = 300


class LoginState(IntEnum):
    """A retired method is kept as a digest only, so that its identifier never comes back (F6, T)."""

    UNCONFIRMED = 1
    CONFIRMED = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True)
class LoginMethod:
    """A way for a customer to log in. `kind` is phone, email or a provider's id; `confirmed_at` is None until proved.

    `value` is E.164, an address, or a provider's subject, which nobody is shown: `label` is what the provider calls the person.
    """

    login_method_id: UUID
    customer_id: UUID
    kind: str
    value: str
    confirmed_at: datetime | None
    label: str = ""

    @property
    def shown(self) -> str:
        """The method as people read it."""
        return self.value if self.kind in OWNED_KINDS else self.label


@dataclass(frozen=True, slots=True)
class CustomerSession:
    """A session of a customer, begun with a login method, by that, or by a password that was typed with it."""

    session_id: UUID
    login_method: LoginMethod
    begun_by: str
    created_at: datetime
    last_seen: datetime
    expires_at: datetime
    agent: str = ""
    # Begun less than FRESH ago by a proof, and not by a password.
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun; the token is known to nobody else."""

    token: str
    login_method: LoginMethod
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Visit:
    """The browser in which a session is to begin: its User-Agent, and the token of the session that ends with that, if any."""

    agent: str = ""
    earlier: str = ""


def clean_agent(text: str) -> str:
    """A User-Agent as it is kept: one line of at most LONGEST_AGENT characters."""
    return clean_text(text[: 4 * LONGEST_AGENT], "agent", 4 * LONGEST_AGENT)[:LONGEST_AGENT]


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody who is logged in sees of how they log in."""

    current: CustomerSession
    login_methods: Sequence[LoginMethod]
    sessions: Sequence[CustomerSession]
    has_password: bool

    @property
    def password_needed(self) -> bool:
        """Whether the current password must vouch for a new one."""
        return not self.current.fresh


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login method to be made of an identifier that a new member gave."""

    login_method_id: UUID
    customer_id: UUID
    kind: str
    digest: bytes
    value: str
