"""People who make themselves members, and what they prove later (A3, A7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from functools import partial
from uuid import UUID

from services.common.contact import LONGEST_NAME, clean_text, parse_email, parse_mobile
from services.common.errors import InvalidInput, Violations
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.membership.domain.enrolment import Hold, Holder, Identifier
from services.membership.domain.profiles import LANGUAGES, read_birthday
from services.membership.domain.uses import read_kinds

MOST_IDENTIFIERS = 10
_LONGEST_SOURCE = 40


class RegisterOutcome(IntEnum):
    """Numbers as in the contract."""

    CREATED = 1
    EXISTS = 2
    RETIRED = 3


class AddOutcome(IntEnum):
    """Numbers as in the contract."""

    ADDED = 1
    HELD = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A registration as it came: `birthday` is an ISO date or "", `identifiers` are (kind, value)."""

    customer_id: UUID
    name: str
    birthday: str
    language: str
    identifiers: Sequence[tuple[str, str]]
    consents: Sequence[str]
    source: str


@dataclass(frozen=True, slots=True)
class Registration:
    """The member to be; phones before e-mails, of each kind the first is the main one."""

    customer_id: UUID
    name: str
    birthday: date | None
    language: str
    identifiers: Sequence[Identifier]
    consents: Sequence[str]
    source: str

    @classmethod
    def read(cls, asked: Asked, hasher: IdentifierHasher, region: str, today: date) -> Registration:
        """`region` is the store's, `today` its day. Raises InvalidInput with every fault."""
        found = Violations()
        name = found.gather(partial(clean_text, asked.name, "name", LONGEST_NAME), "")
        birthday = found.gather(partial(read_birthday, asked.birthday, today), None)
        source = found.gather(partial(clean_text, asked.source, "source", _LONGEST_SOURCE), "")
        if asked.language not in LANGUAGES:
            found.add("language", "unknown_value", known=", ".join(LANGUAGES[1:]))
        if len(asked.identifiers) > MOST_IDENTIFIERS:
            found.add("identifiers", "too_large", largest=str(MOST_IDENTIFIERS))
        owned = {
            (each.kind, each.digest): each
            for kind, value in asked.identifiers[:MOST_IDENTIFIERS]
            if (each := found.gather(partial(read_identifier, hasher, kind, value, region), None))
        }
        none: Sequence[str] = ()
        consents = found.gather(partial(read_kinds, asked.consents), none)
        found.check()
        return cls(
            customer_id=asked.customer_id,
            name=name,
            birthday=birthday,
            language=asked.language,
            identifiers=sorted(owned.values(), key=lambda each: each.kind != PHONE),
            consents=consents,
            source=source,
        )

    def main(self, kind: str) -> str:
        """The first of the kind, or ""."""
        return next((each.value for each in self.identifiers if each.kind == kind), "")


def read_identifier(hasher: IdentifierHasher, kind: str, value: str, region: str) -> Identifier:
    """A proved phone or e-mail. Raises InvalidInput (unknown_value, required, invalid_phone, …)."""
    if kind not in (PHONE, EMAIL):
        raise InvalidInput.of("identifier.kind", "unknown_value", known=f"{PHONE}, {EMAIL}")
    stored = parse_mobile(value, region) if kind == PHONE else parse_email(value)
    if not stored:
        raise InvalidInput.of("identifier.value", "required")
    return Identifier(kind, stored, hasher.digest(kind, stored))


def judge_registration(holders: Sequence[Holder]) -> tuple[RegisterOutcome, UUID | None]:
    """What becomes of proved identifiers, and the member who has them; `holders` has the phones' first.

    A live member's outweighs one that is retired: who has proved it can log in. A retired one makes nobody new (F6, T).
    """
    for holder in holders:
        if holder.hold is Hold.LIVE:
            return RegisterOutcome.EXISTS, holder.customer_id
    if any(holder.hold is not Hold.FREE for holder in holders):
        return RegisterOutcome.RETIRED, None
    return RegisterOutcome.CREATED, None
