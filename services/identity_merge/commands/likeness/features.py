"""A member as the row that the linkage library compares, and the keys under which rows are compared at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.identity_merge.commands.likeness.names import Name, read_name
from services.identity_merge.commands.likeness.places import grams, numbers, read_address, read_area, sorted_address
from services.identity_merge.commands.likeness.reaching import domain, holes, local_part, mailbox
from services.identity_merge.domain.duplicates import Known

# More than this many of one person's addresses, phones or e-mails are not looked at.
_MOST = 5


@dataclass(frozen=True, slots=True)
class Features:
    """The columns, by name. Lists are empty and texts None where nothing is known: that speaks neither for nor against."""

    name: str | None
    name_whole: str | None
    name_full: list[str]
    name_family: list[str]
    name_given: list[str]
    name_aliases: list[str]
    name_kinds: list[str]
    name_sure: bool
    name_family_sure: bool
    birthday: str | None
    birthday_parts: str | None
    reach: list[str]
    reach_holes: list[str]
    mailboxes: list[str]
    locals: list[str]
    mail_local: str | None
    mail_domain: str | None
    address: str | None
    address_grams: list[str]
    addresses: list[str]
    address_counts: list[str]
    address_numbers: str | None
    area: str | None
    # Keys: whoever shares one is compared. Good within this process alone, as hash() is.
    blocks: list[int]


def features(known: Known) -> Features:
    """The row of one member."""
    name = read_name(known.name)
    addresses = list(filter(None, map(read_address, known.addresses[:_MOST])))
    areas = list(filter(None, map(read_area, known.areas[:1])))
    emails = known.emails[:_MOST]
    counts = numbers(addresses[0]) if addresses else []
    digits = "".join(filter(str.isdigit, known.birthday)) or None
    row = Features(
        name=name.text or None,
        name_whole=name.whole or None,
        name_full=list(name.full),
        name_family=list(name.family),
        name_given=list(name.given),
        name_aliases=list(name.aliases),
        name_kinds=list(name.kinds),
        name_sure=name.sure,
        name_family_sure=name.family_sure,
        birthday=digits,
        # Day and month the other way round are the same parts.
        birthday_parts=_parts(digits) if digits else None,
        reach=list(dict.fromkeys([*known.phones[:_MOST], *emails, *known.reach])),
        reach_holes=[hole for phone in known.phones[:_MOST] for hole in holes(phone)],
        mailboxes=list(map(mailbox, emails)),
        locals=list(map(local_part, emails)),
        mail_local=local_part(emails[0]) if emails else None,
        mail_domain=domain(emails[0]) if emails else None,
        address=addresses[0] if addresses else None,
        address_grams=grams(addresses[0]) if addresses else [],
        addresses=list(dict.fromkeys(map(sorted_address, addresses))),
        address_counts=counts,
        address_numbers=" ".join(counts) or None,
        area=areas[0] if areas else None,
        blocks=[],
    )
    row.blocks.extend({hash(key) for key in _keys(row, name)})
    return row


def _parts(digits: str) -> str:
    return f"{digits[:4]}{''.join(sorted((digits[4:6], digits[6:8])))}"


def _keys(row: Features, name: Name) -> Iterator[tuple[str | None, ...]]:
    """Each says something that two accounts of one person have in common, though much else be different."""
    # How a Chinese name sounds says what its characters say, and more.
    family = [key for key in name.family if key[0] != "h"]
    given = [key for key in name.given if key[0] != "h"]
    parts = [*family, *given, *name.aliases[:8]]
    yield ("n", row.name_whole)
    yield from (("n", full) for full in name.full)
    if row.birthday:
        yield from (("b", row.birthday_parts, key) for key in parts)
        yield from (
            ("b", row.birthday, place) for place in (*row.addresses[:1], row.area, row.address_numbers) if place
        )
    yield from (("r", reach) for reach in row.reach)
    yield from (("h", hole, key) for hole in row.reach_holes for key in (*family, *given[:2]))
    yield from (("m", box) for box in (*row.mailboxes, *row.locals))
    if row.mail_domain:
        yield from (("m", row.mail_domain, key) for key in name.full)
    yield from (("a", place) for place in row.addresses)
    yield from (("a", place, key) for place in row.addresses for key in parts)
    if row.area:
        yield from (("a", row.area, key) for key in (*name.full, *family, *given))
        if len(row.address_counts) > 1:
            yield from (("a", row.area, row.address_numbers, key) for key in ("", *family))
    if street := max((row.address or "").split(), key=len, default=""):
        yield from (("s", street, key) for key in (*family, *given, row.birthday, row.address_numbers) if key)
