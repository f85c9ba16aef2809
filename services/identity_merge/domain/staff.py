"""Those who work for a store: invitations, sessions, passwords, and the words of their second factor."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.common.contact import LONGEST_NAME, clean_text, comparable_email, parse_email
from services.common.errors import InvalidInput, Violations
from services.common.ids import new_id
from services.identity_merge.domain.access import LONGEST_PASSWORD, SHORTEST_PASSWORD, StaffMember, StaffRole, Store
from services.identity_merge.domain.logins import clean_agent

SESSION_LIFETIME = timedelta(days=14)
INVITATION_LIFETIME = timedelta(days=7)
RESET_LIFETIME = timedelta(hours=1)
# A log-in's second step.
CHALLENGE_LIFETIME = timedelta(minutes=5)
CHALLENGE_TRIES = 5
RECOVERY_CODES = 10
# 31 signs that are not taken for one another; ten of them are 49 bits, and what is kept of a code needs a key besides.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 10
TOTP_DIGITS = 6
# A name of fewer letters stands in too many words to be a hint.
_SHORTEST_HINT = 4


@dataclass(frozen=True, slots=True)
class Invitation:
    """Leads to a password: for somebody who is to join, or for a member of staff (`staff_id`) who has forgotten theirs."""

    invitation_id: UUID
    email: str
    name: str
    role: StaffRole
    expires_at: datetime | None = None
    staff_id: UUID | None = None

    @classmethod
    def read(cls, email: str, name: str, role: int) -> Invitation:
        """To join, from a request. Raises InvalidInput (required, invalid_email, too_long, unknown_value)."""
        found = Violations()
        address = found.gather(partial(parse_email, email), "")
        if not email.strip():
            found.add("email", "required")
        name = found.gather(partial(read_name, name), "")
        wanted = found.gather(partial(read_role, role), StaffRole.CASHIER)
        found.check()
        return cls(new_id(), address, name, wanted)


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody on the list of staff; `invitation_id` and `expires_at` are set for those who have not accepted yet."""

    member: StaffMember
    invitation_id: UUID | None = None
    expires_at: datetime | None = None
    joined_at: datetime | None = None
    last_seen: datetime | None = None
    totp: bool = False


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A session as its owner sees it."""

    session_id: UUID
    created_at: datetime
    last_seen: datetime
    expires_at: datetime
    agent: str
    current: bool


@dataclass(frozen=True, slots=True)
class Myself:
    """What members of staff see of themselves."""

    member: StaffMember
    totp: bool
    recovery_codes_left: int
    sessions: tuple[StaffSession, ...] = ()


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody logs in: what it calls itself, and the session that it had until now."""

    agent: str
    session_token: str

    @classmethod
    def read(cls, agent: str, session_token: str) -> Browser:
        """From a request. What is too long is cut: no log-in fails by it."""
        return cls(clean_agent(agent), session_token)


def read_name(name: str) -> str:
    """What to call somebody. Raises InvalidInput (required, too_long)."""
    value = clean_text(name, "name", LONGEST_NAME)
    if not value:
        raise InvalidInput.of("name", "required")
    return value


def read_role(role: int) -> StaffRole:
    """One of the roles. Raises InvalidInput (unknown_value)."""
    if role not in tuple(StaffRole):
        raise InvalidInput.of("role", "unknown_value", known=", ".join(r.name.lower() for r in StaffRole))
    return StaffRole(role)


def email_key_of(email: str) -> str:
    """The comparable form of an address as somebody typed it; "", which is nobody's, for what is none."""
    try:
        return comparable_email(parse_email(email))
    except InvalidInput:
        return ""


def read_staff_password(password: str, field: str, hints: Iterable[str]) -> str:
    """A password that staff may set. Raises InvalidInput (weak_password, too_long, guessable_password).

    `hints` are what whoever guesses tries first: names of the store and the person.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput.of(field, "weak_password", least=str(SHORTEST_PASSWORD))
    if len(password) > LONGEST_PASSWORD:
        raise InvalidInput.of(field, "too_long", longest=str(LONGEST_PASSWORD))
    plain = comparable_email(password)
    if any(len(hint) >= _SHORTEST_HINT and comparable_email(hint) in plain for hint in hints):
        raise InvalidInput.of(field, "guessable_password")
    return password


def hints_of(store: Store, member: StaffMember | Invitation) -> tuple[str, ...]:
    """What a password must not contain."""
    return store.slug, store.name, member.email, member.email.partition("@")[0]


def make_recovery_codes() -> list[str]:
    """Fresh codes, as they are shown: "abcde-fgh23"."""
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def read_totp(text: str) -> str:
    """A code as somebody typed it: of the app (six digits), or for recovery (without its hyphen). "" for what is neither."""
    typed = unicodedata.normalize("NFKC", text[:100]).casefold()
    code = "".join(c for c in typed if c not in " -\u00a0\t")
    if len(code) == TOTP_DIGITS and code.isascii() and code.isdecimal():
        return code
    return code if len(code) == _RECOVERY_LENGTH and all(c in _SIGNS for c in code) else ""
