"""One-time codes that customers register and log in by: what is asked, how often, and what counts as a code."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.common.contact import comparable_email, parse_email, parse_mobile, region_of
from services.common.errors import InvalidInput, StateConflict, Violations
from services.common.identifiers import EMAIL, PHONE
from services.common.network import network_of
from services.identity_merge.domain.access import LANGUAGES

DIGITS = 6
MOST_TRIES = 5
LIFETIME = timedelta(minutes=10)
SHORTEST_BROWSER, LONGEST_BROWSER = 32, 200


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many codes within a window that begins with the first; `of` says what is counted."""

    of: str
    most: int
    window: timedelta


_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Twenty codes of five tries each are a hundred guesses in a million a day for whoever attacks one customer, who gets twenty mails
# of it. One address may be a whole mobile network's, and the store's limit only bounds what a flood costs. A text message costs
# money, part of which goes to whoever owns the number: so all is tighter for phones, and numbers that differ in their last four
# digits, which is how blocks of them are rented, are counted together, too.
LIMITS = {
    EMAIL: (
        Limit("identifier", 5, _HOUR),
        Limit("identifier_daily", 20, _DAY),
        Limit("source", 60, _HOUR),
        Limit("store", 3_000, _HOUR),
    ),
    PHONE: (
        Limit("identifier", 4, _HOUR),
        Limit("identifier_daily", 10, _DAY),
        Limit("prefix", 30, _HOUR),
        Limit("source", 20, _HOUR),
        Limit("store", 500, _HOUR),
        Limit("store_daily", 3_000, _DAY),
    ),
}
_BLOCK_DIGITS = 4
# Text messages go to numbers of the store's own region, of these, and of those that the installation adds (SMS_REGIONS).
SMS_REGIONS = frozenset({"HK", "TW", "MO"})


class CodePurpose(IntEnum):
    """What a code is for; numbers as in the contract's CodePurpose."""

    LOG_IN = 1
    REGISTER = 2
    ADD = 3
    REFUSED = 4


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """A code that somebody asks for. `browser` is the secret of theirs, `source` their network."""

    kind: str
    value: str
    browser: str
    language: str
    source: str

    @classmethod
    def read(
        cls,
        email: str,
        phone: str,
        browser: str,
        language: str,
        source: str,
        region: str,
        abroad: Collection[str] = SMS_REGIONS,
    ) -> CodeRequest:
        """From a request; `region` is the store's. Raises InvalidInput (required, invalid_email, invalid_phone, not_a_mobile_phone,
        phone_abroad, unknown_value)."""
        found = Violations()
        kind = PHONE if phone.strip() and not email.strip() else EMAIL
        value = found.gather(lambda: read_identifier(kind, email, phone, region, abroad), "")
        if email.strip() and phone.strip():
            found.add("phone", "unknown_value", known="")
        if not is_browser(browser):
            found.add("browser", "unknown_value")
        if language and language not in LANGUAGES:
            found.add("language", "unknown_value", known=", ".join(LANGUAGES))
        found.check()
        return cls(kind, value, browser, language, network_of(source))

    def subjects(self) -> dict[str, str]:
        """What is counted for each limit."""
        identifier = comparable_email(self.value) if self.kind == EMAIL else self.value
        counted = {
            "identifier": identifier,
            "identifier_daily": identifier,
            "prefix": self.value[:-_BLOCK_DIGITS],
            "source": self.source,
            "store": "",
            "store_daily": "",
        }
        return {limit.of: counted[limit.of] for limit in LIMITS[self.kind]}


def read_identifier(kind: str, email: str, phone: str, region: str, abroad: Collection[str]) -> str:
    """The address, or the E.164 number of a mobile phone to which the store sends text messages. Raises InvalidInput."""
    if kind == EMAIL:
        if not email.strip():
            raise InvalidInput.of("email", "required")
        return parse_email(email)
    number = parse_mobile(phone, region)
    if region_of(number) not in {region, *abroad}:
        raise InvalidInput.of("phone", "phone_abroad", regions=", ".join(sorted({region, *abroad})))
    return number


def is_browser(secret: str) -> bool:
    """Whether this can be a browser's secret."""
    return SHORTEST_BROWSER <= len(secret) <= LONGEST_BROWSER


@dataclass(frozen=True, slots=True)
class Tried:
    """A code of which one more try was counted.

    `code_digest` is None where there is no right code, `adding_to` the account that the identifier is to be added to, if any.
    """

    code_id: UUID
    kind: str
    digest: bytes
    value: str
    code_digest: bytes | None
    tries: int
    adding_to: UUID | None

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


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What the sender of a message needs; `code` and `link_token` are empty where there is none."""

    purpose: CodePurpose
    code: str
    link_token: str
    store_slug: str


def check_counts(kind: str, counts: Mapping[str, int]) -> None:
    """Whether one more code may be sent; `counts` has it counted. Raises StateConflict (too_many_codes)."""
    if any(counts[limit.of] > limit.most for limit in LIMITS[kind]):
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
