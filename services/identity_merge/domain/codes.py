"""One-time codes that customers log in by: what is asked, how often, and what counts as a code."""

from __future__ import annotations

import ipaddress
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.common.contact import comparable_email, parse_email
from services.common.errors import InvalidInput, StateConflict, Violations
from services.common.identifiers import EMAIL
from services.identity_merge.domain.access import LANGUAGES

DIGITS = 6
MOST_TRIES = 5
LIFETIME = timedelta(minutes=10)
SHORTEST_BROWSER, LONGEST_BROWSER = 32, 200
# An IPv6 network of this size is one connection's.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many codes within a window that begins with the first; `of` says what is counted."""

    of: str
    most: int
    window: timedelta


# Twenty codes of five tries each are a hundred guesses in a million a day for whoever attacks one customer, who gets twenty mails
# of it. One address may be a whole mobile network's, and the store's limit only bounds what a flood costs.
LIMITS = (
    Limit("identifier", 5, timedelta(hours=1)),
    Limit("identifier_daily", 20, timedelta(days=1)),
    Limit("source", 60, timedelta(hours=1)),
    Limit("store", 3_000, timedelta(hours=1)),
)


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A code that somebody asks for. `browser` is the secret of theirs, `source` their network."""

    kind: str
    value: str
    browser: str
    language: str
    source: str

    @classmethod
    def read(cls, email: str, browser: str, language: str, source: str) -> CodeRequest:
        """From a request. Raises InvalidInput (required, invalid_email, unknown_value)."""
        found = Violations()
        address = found.gather(lambda: parse_email(email), "")
        if not email.strip():
            found.add("email", "required")
        if not SHORTEST_BROWSER <= len(browser) <= LONGEST_BROWSER:
            found.add("browser", "unknown_value")
        if language and language not in LANGUAGES:
            found.add("language", "unknown_value", known=", ".join(LANGUAGES))
        found.check()
        return cls(EMAIL, address, browser, language, network_of(source))

    def subjects(self) -> dict[str, str]:
        """What is counted for each limit."""
        identifier = f"{self.kind}:{comparable_email(self.value)}"
        return {"identifier": identifier, "identifier_daily": identifier, "source": self.source, "store": ""}


@dataclass(frozen=True, slots=True)
class Tried:
    """A code of which one more try was counted; `code_digest` is None where there is no right code."""

    code_id: UUID
    kind: str
    digest: bytes
    code_digest: bytes | None
    tries: int

    @property
    def left(self) -> int:
        """Tries that are left after this one."""
        return MOST_TRIES - self.tries


@dataclass(frozen=True, slots=True)
class Pending:
    """A code that was asked for: whose it is, if anybody's, and when it ends."""

    code_id: UUID
    customer_id: UUID | None
    expires_at: datetime


def check_counts(counts: dict[str, int]) -> None:
    """Whether one more code may be sent; `counts` has it counted. Raises StateConflict (too_many_codes)."""
    if any(counts[limit.of] > limit.most for limit in LIMITS):
        raise StateConflict("too_many_codes")


def make_code() -> str:
    """A fresh code."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def read_code(text: str) -> str:
    """A code as somebody typed it, full-width digits and gaps allowed. Raises InvalidInput (required, not_a_code)."""
    code = "".join(c for c in unicodedata.normalize("NFKC", text[:100]) if c not in " -\u00a0\t")
    if not code:
        raise InvalidInput.of("code", "required")
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        raise InvalidInput.of("code", "not_a_code", digits=str(DIGITS))
    return code


def network_of(source: str) -> str:
    """What is counted as one place on the network; "" for what is no address."""
    try:
        address = ipaddress.ip_address(source.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
