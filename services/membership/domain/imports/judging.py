"""Which rows can become members, and what is wrong with the others (D2, D3). Dry run and real run ask the same functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.common.contact import Contact, parse_email
from services.common.errors import InvalidInput, Violations
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.membership.domain.days import end_after, end_of_day
from services.membership.domain.enrolment import Identifier, identifiers_of
from services.membership.domain.imports import cells
from services.membership.domain.imports.model import Problem
from services.membership.domain.imports.reading import Row
from services.membership.domain.imports.sample import COLUMNS, is_sample
from services.membership.domain.settings import StoreSettings

COLUMN_OF = {PHONE: "Phone", EMAIL: "Email"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What judging needs to know besides the file."""

    hasher: IdentifierHasher
    settings: StoreSettings
    now: datetime

    @property
    def today(self) -> date:
        """The store's day."""
        return self.now.astimezone(ZoneInfo(self.settings.timezone)).date()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row as the member that it would be. `expires_at` is set when there are points."""

    contact: Contact
    identifiers: tuple[Identifier, ...]
    birthday: date | None
    language: str
    tags: tuple[str, ...]
    address: tuple[str, ...]
    points: int
    expires_at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A row with its verdict: a candidate when nothing is wrong, else what is. Identifiers are those that could be read."""

    row: Row
    candidate: Candidate | None = None
    problems: Sequence[Problem] = ()
    identifiers: tuple[Identifier, ...] = ()

    def refused(self, problems: Iterable[Problem]) -> Judged:
        """With more that is wrong; the same where there is nothing more."""
        more = tuple(problems)
        return replace(self, candidate=None, problems=_in_order((*self.problems, *more))) if more else self


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """From left to right, those of the row as a whole first."""
    return tuple(sorted(problems, key=lambda problem: ("", *COLUMNS).index(problem.field)))


# (kind, digest) → whether a live member has it; identifiers that nobody has or had are not in it.
Held = Mapping[tuple[str, bytes], bool]


def judge(rows: Iterable[Row], rules: Rules) -> list[Judged]:
    """Every row of a file, but for what only the store's members can tell (`judge_held`). The same phone or e-mail in two
    rows is wrong in both, each naming the other: which one is right, only a person can say.
    """
    judged = [judge_row(row, rules) for row in rows]
    places: dict[tuple[str, bytes], list[int]] = {}
    for each in judged:
        for identifier in each.identifiers:
            places.setdefault((identifier.kind, identifier.digest), []).append(each.row.number)
    return [each.refused(_twins(each, places)) for each in judged]


def judge_row(row: Row, rules: Rules) -> Judged:
    """One row by itself."""
    if len(row.cells) != len(COLUMNS):
        ragged = Problem("", "ragged_row", {"found": str(len(row.cells)), "expected": str(len(COLUMNS))})
        return Judged(row, problems=[ragged])
    found, cells_ = Violations(), dict(zip(COLUMNS, row.cells, strict=False))
    contact = _contact(cells_, rules.settings.region, found)
    identifiers = identifiers_of(rules.hasher, contact)
    candidate = _candidate(cells_, contact, identifiers, rules, found)
    try:
        found.check()
    except InvalidInput as error:
        return Judged(row, None, _in_order(error.violations), identifiers)
    return Judged(row, candidate, (), identifiers)


def judge_held(judged: Judged, held: Held) -> Judged:
    """Refuses what would touch an account that is there, or was (D2, T). Merged and erased ones read the same."""
    return judged.refused(
        [
            Problem(COLUMN_OF[i.kind], "already_a_member" if held[i.kind, i.digest] else "used_before")
            for i in judged.identifiers
            if (i.kind, i.digest) in held
        ]
    )


def _twins(judged: Judged, places: Mapping[tuple[str, bytes], Sequence[int]]) -> Iterator[Problem]:
    for identifier in judged.identifiers:
        others = [n for n in places[identifier.kind, identifier.digest] if n != judged.row.number]
        if others:
            rows = ", ".join(map(str, others[:5]))
            yield Problem(COLUMN_OF[identifier.kind], "repeated_in_file", {"rows": rows})


def _contact(row: Mapping[str, str], region: str, found: Violations) -> Contact:
    contact = Contact(
        name=found.gather(lambda: cells.read_name(row["Name"]), ""),
        phone=found.gather(lambda: cells.read_phone(row["Phone"], region), ""),
        email=found.gather(lambda: parse_email(cells.plain(row["Email"]), "Email"), ""),
    )
    if not cells.plain(row["Phone"]) and not cells.plain(row["Email"]):
        found.add("Phone", "phone_or_email_required")
    if is_sample(contact.name, contact.phone, contact.email, region):
        found.add("", "sample_row")
    return contact


def _candidate(
    row: Mapping[str, str], contact: Contact, identifiers: tuple[Identifier, ...], rules: Rules, found: Violations
) -> Candidate:
    points, expires_at = _points(row, rules, found)
    return Candidate(
        contact=contact,
        identifiers=identifiers,
        birthday=found.gather(lambda: cells.read_birthday(row["Birthday"], rules.today), None),
        language=found.gather(lambda: cells.read_language(row["Language"]), ""),
        tags=found.gather(lambda: cells.read_tags(row["Tags"]), ()),
        address=found.gather(lambda: cells.read_address(row["Address"]), ()),
        points=points,
        expires_at=expires_at,
        note=found.gather(lambda: cells.read_note(row["Note"]), ""),
    )


def _points(row: Mapping[str, str], rules: Rules, found: Violations) -> tuple[int, datetime | None]:
    """Points without an expiry are good for as long as those that an order of today earns."""
    points = found.gather(lambda: cells.read_points(row["Member Points"]), 0)
    day = found.gather(lambda: cells.read_expiry(row["Points Expiry"]), None)
    if day and not points and not cells.plain(row["Member Points"]).strip("0"):
        found.add("Points Expiry", "expiry_not_allowed")
    expires_at = end_of_day(day, rules.settings.timezone) if day else None
    if expires_at and expires_at <= rules.now:
        found.add("Points Expiry", "expiry_in_past")
    if points and day is None:
        expires_at = end_after(rules.now, rules.settings.points.validity_months, rules.settings.timezone)
    return points, expires_at if points else None
