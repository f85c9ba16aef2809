"""What staff may change about a person, and what they must record with it (C4, C5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from uuid import UUID

from services.common.contact import LONGEST_NAME, Address, clean_text, parse_email, parse_mobile, read_address
from services.common.errors import Conflict, InvalidInput, StateConflict, Violations
from services.common.identifiers import EMAIL, PHONE
from services.common.searching import fold
from services.membership.domain.customers import Customer, Status
from services.membership.domain.days import iso_day

MOST_TAGS, LONGEST_TAG = 20, 40
MOST_ADDRESSES = 20
LONGEST_NOTE = 2_000
LONGEST_CONSENT_NOTE = 500
LANGUAGES = ("", "en", "zh-Hant")
GIVEN = ("in_person", "by_phone", "in_writing")
_OLDEST = 1900


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """New values in their stored form; None leaves a field as it is. `birthday` is an ISO date, "" where none is known."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birthday: str | None = None
    language: str | None = None
    tags: Sequence[str] | None = None
    addresses: Sequence[Address] | None = None

    @classmethod
    def read(cls, asked: ProfileChange, region: str, today: date) -> ProfileChange:
        """From a request. `region` explains phones without a country code, `today` is the store's day. Raises InvalidInput with
        every fault.
        """
        found = Violations()
        name, phone, email, tags, addresses = asked.name, asked.phone, asked.email, asked.tags, asked.addresses
        if name is not None:
            name = found.gather(partial(clean_text, name, "name", LONGEST_NAME), "")
        if phone is not None:
            phone = found.gather(partial(parse_mobile, phone, region), "")
        if email is not None:
            email = found.gather(partial(parse_email, email), "")
        if asked.birthday is not None:
            found.gather(partial(read_birthday, asked.birthday, today), None)
        if asked.language is not None and asked.language not in LANGUAGES:
            found.add("language", "unknown_value", known=", ".join(LANGUAGES[1:]))
        if tags is not None:
            tags = read_tags(tags, found)
        if addresses is not None:
            addresses = _read_addresses(addresses, found)
        found.check()
        return replace(asked, name=name, phone=phone, email=email, tags=tags, addresses=addresses)


@dataclass(frozen=True, slots=True)
class Consent:
    """How a member has agreed to another phone."""

    given: str
    note: str

    @classmethod
    def read(cls, given: str, note: str) -> Consent:
        """From a request. Raises InvalidInput (consent_required, unknown_value, too_long)."""
        if not given:
            raise InvalidInput.of("consent.given", "consent_required")
        if given not in GIVEN:
            raise InvalidInput.of("consent.given", "unknown_value", known=", ".join(GIVEN))
        return cls(given, clean_text(note, "consent.note", LONGEST_CONSENT_NOTE, multiline=True))


@dataclass(frozen=True, slots=True)
class Note:
    """What staff have written about a customer; `origin` is whom it was about before a merge."""

    note_id: UUID
    content: str
    author: str
    at: datetime
    struck_by: str = ""
    struck_at: datetime | None = None
    origin: UUID | None = None


def read_note(content: str) -> str:
    """A note's text. Raises InvalidInput (required, too_long)."""
    clean = clean_text(content, "text", LONGEST_NOTE, multiline=True)
    if not clean:
        raise InvalidInput.of("text", "required")
    return clean


def read_tags(tags: Sequence[str], found: Violations) -> tuple[str, ...]:
    """Tags sorted, blank ones left out; the same word in another case or width is the same tag."""
    if len(tags) > MOST_TAGS:
        found.add("tags", "too_many_tags", largest=str(MOST_TAGS))
    kept: dict[str, str] = {}
    for number, tag in enumerate(tags[:MOST_TAGS]):
        clean = found.gather(partial(clean_text, tag, f"tags[{number}]", LONGEST_TAG), "")
        if clean and fold(clean) in kept:
            found.add(f"tags[{number}]", "repeated_tag", tag=clean)
        elif clean:
            kept[fold(clean)] = clean
    return sort_tags(kept.values())


def sort_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """As they are kept."""
    return tuple(sorted(tags, key=lambda tag: (fold(tag), tag)))


def read_birthday(text: str, today: date) -> date | None:
    """A birthday, or None for "". Raises InvalidInput (invalid_date, date_in_future)."""
    if not text:
        return None
    day = iso_day(text)
    if day is None or day.year < _OLDEST:
        raise InvalidInput.of("birthday", "invalid_date")
    if day > today:
        raise InvalidInput.of("birthday", "date_in_future")
    return day


def changed(customer: Customer, change: ProfileChange) -> tuple[Customer, list[str]]:
    """The customer as it shall be, and the names of the fields that differ (C4).

    A member's phone and e-mail are how the person logs in: they can be filled, and not changed (C5). Raises InvalidInput.
    """
    found = Violations()
    new = replace(customer)
    for field in ("name", "language", "tags", "addresses"):
        if (value := getattr(change, field)) is not None:
            setattr(new, field, value)
    if change.birthday is not None:
        new.birthday = date.fromisoformat(change.birthday) if change.birthday else None
    for kind in (PHONE, EMAIL):
        value, old = getattr(change, kind), getattr(customer, kind)
        if value is None or value == old:
            continue
        if old and customer.status is Status.MEMBER:
            found.add(kind, "login_not_editable")
        setattr(new, kind, value)
    found.check()
    fields = ("name", "phone", "email", "birthday", "language", "tags", "addresses")
    return new, [f for f in fields if _comparable(getattr(new, f)) != _comparable(getattr(customer, f))]


def check_version(customer: Customer, expected: int) -> None:
    """Whether the editor saw the newest version; 0 asks nothing. Raises Conflict (stale_version)."""
    if expected and expected != customer.version:
        raise Conflict("stale_version", version=str(customer.version))


def check_live(customer: Customer) -> None:
    """Raises StateConflict (customer_gone) for a deleted or erased customer."""
    if customer.status not in (Status.GUEST, Status.MEMBER):
        raise StateConflict("customer_gone", customer_id=str(customer.customer_id))


def _read_addresses(addresses: Sequence[Address], found: Violations) -> tuple[Address, ...]:
    """Each once, blank ones left out."""
    if len(addresses) > MOST_ADDRESSES:
        found.add("addresses", "too_many_addresses", largest=str(MOST_ADDRESSES))
    kept = [
        found.gather(partial(read_address, address, f"addresses[{number}]."), Address())
        for number, address in enumerate(addresses[:MOST_ADDRESSES])
    ]
    return tuple(dict.fromkeys(address for address in kept if address))


def _comparable(value: object) -> object:
    return tuple(value) if isinstance(value, (list, tuple)) else value
