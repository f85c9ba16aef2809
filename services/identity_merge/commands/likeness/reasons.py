"""Why two members may be one person, as words of a list: what pages and programs show of a pair that was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from services.common.searching import fold
from services.identity_merge.commands.likeness.names import Name, read_name
from services.identity_merge.commands.likeness.places import grams, numbers, read_address, read_area, sorted_address
from services.identity_merge.commands.likeness.reaching import domain, holes, local_part, mailbox
from services.identity_merge.domain.duplicates import Known, Reason

_ALIKE = 0.75
_SIMILAR = 0.6


def reasons(one: Known, other: Known) -> list[Reason]:
    """What speaks for it, the weightiest kind first."""
    return [
        *_names(one, other),
        *_birthdays(one, other),
        *_reach(one, other),
        *_mails(one, other),
        *_places(one, other),
    ]


def _names(one: Known, other: Known) -> Iterator[Reason]:
    a, b = read_name(one.name), read_name(other.name)
    if not a.whole or not b.whole:
        return
    if a.whole == b.whole:
        yield _same(one.name, other.name, a, b)
    elif set(a.full) & set(b.full):
        yield _otherwise(a, b)
    elif _given(a, b) and set(a.family) & set(b.family):
        yield Reason.NAME_PART if set(a.given) & set(b.given) else Reason.NAME_NICKNAME
    elif SequenceMatcher(None, a.whole, b.whole, autojunk=False).ratio() >= _ALIKE:
        yield Reason.NAME_TYPO
    elif set(a.family) & set(b.family):
        yield Reason.SURNAME_SAME
    elif _given(a, b):
        yield Reason.GIVEN_SAME


def _same(one: str, other: str, a: Name, b: Name) -> Reason:
    """Which of the ways to write the same parts it is."""
    if a.text != b.text:
        return Reason.NAME_ORDER
    return Reason.NAME_SAME if fold(one).replace(" ", "") == fold(other).replace(" ", "") else Reason.NAME_VARIANT


def _otherwise(a: Name, b: Name) -> Reason:
    """The same name in another script, in another order, or by its sound."""
    if a.text.isascii() != b.text.isascii():
        return Reason.NAME_SCRIPT
    joined, turned = a.whole.replace(" ", ""), b.whole.replace(" ", "")
    return Reason.NAME_ORDER if sorted(joined) == sorted(turned) else Reason.NAME_SOUND


def _given(a: Name, b: Name) -> bool:
    mine, theirs = set(a.given), set(b.given)
    return bool(mine & theirs or mine & set(b.aliases) or theirs & set(a.aliases))


def _birthdays(one: Known, other: Known) -> Iterator[Reason]:
    a, b = ("".join(filter(str.isdigit, each.birthday)) for each in (one, other))
    if not a or not b:
        return
    if a == b:
        yield Reason.BIRTHDAY_SAME
    elif set(holes(a)) & set(holes(b)) or (a[:4], a[4:6], a[6:]) == (b[:4], b[6:], b[4:6]):
        yield Reason.BIRTHDAY_SIMILAR


def _reach(one: Known, other: Known) -> Iterator[Reason]:
    own = [{*known.phones, *known.emails} for known in (one, other)]
    if own[0] & set(other.reach) or own[1] & set(one.reach) or set(one.reach) & set(other.reach):
        yield Reason.ORDER_CONTACT
    if _crossed(one.phones, other.phones):
        yield Reason.PHONE_TYPO


def _crossed(some: Sequence[str], others: Sequence[str]) -> bool:
    return any(set(holes(a)) & set(holes(b)) for a in some for b in others)


def _mails(one: Known, other: Known) -> Iterator[Reason]:
    pairs = [(a, b) for a in one.emails for b in other.emails]
    if any(mailbox(a) == mailbox(b) for a, b in pairs):
        yield Reason.EMAIL_MAILBOX
    elif any(local_part(a) == local_part(b) for a, b in pairs):
        yield Reason.EMAIL_NAME
    elif any(domain(a) == domain(b) and set(holes(local_part(a))) & set(holes(local_part(b))) for a, b in pairs):
        yield Reason.EMAIL_TYPO


def _places(one: Known, other: Known) -> Iterator[Reason]:
    folded = [{fold(each) for each in known.addresses} for known in (one, other)]
    read = [[address for each in known.addresses if (address := read_address(each))] for known in (one, other)]
    if folded[0] & folded[1]:
        yield Reason.ADDRESS_SAME
    elif {*map(sorted_address, read[0])} & {*map(sorted_address, read[1])}:
        yield Reason.ADDRESS_WRITING
    elif any(_share(a, b) >= _SIMILAR for a in read[0] for b in read[1]):
        yield Reason.ADDRESS_SIMILAR
    elif any(len(numbers(a)) > 1 and numbers(a) == numbers(b) for a in read[0] for b in read[1]):
        yield Reason.ADDRESS_SCRIPT
    elif {*map(read_area, filter(None, one.areas))} & {*map(read_area, filter(None, other.areas))}:
        yield Reason.AREA_SAME


def _share(a: str, b: str) -> float:
    mine, theirs = set(grams(a)), set(grams(b))
    return len(mine & theirs) / max(1, min(len(mine), len(theirs)))
