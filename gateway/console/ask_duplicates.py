"""What the console asks about accounts that may be one person's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from gateway.addresses import text as address_text
from gateway.clients import services
from gateway.console import ask
from gateway.console.duplicate_words import rows_of, words
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import duplicates_pb2 as pb
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from services.common.ids import new_id

PAIRS_ON_A_PAGE = 10
_BESIDE = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two accounts side by side; `rows` are label, both values, and whether the two agree there."""

    ids: tuple[str, str]
    names: tuple[str, str]
    percent: int
    reasons: list[str]
    rows: list[tuple[str, tuple[str, str], bool]]
    duplicate: pb.Duplicate
    # A form is a key (E7).
    key: str


def scan() -> pb.DuplicateScan:
    """How far the store's scan is."""
    return services().duplicates.get_scan(pb.GetDuplicateScanRequest()).scan


def start_scan() -> None:
    """Has the store looked through."""
    services().duplicates.start_scan(pb.StartDuplicateScanRequest())


def suggested() -> int:
    """How many pairs wait to be judged; 0, too, while that cannot be found out."""
    found = ask.if_up(scan)
    return found.suggested_count if found else 0


def pairs(token: str, *, dismissed: bool) -> tuple[list[Pair], str]:
    """A page of pairs, and the token of the next. One whose accounts have just become one is left out."""
    state = pb.DUPLICATE_STATE_DISMISSED if dismissed else pb.DUPLICATE_STATE_SUGGESTED
    wish = pb.ListDuplicatesRequest(page=PageRequest(size=PAIRS_ON_A_PAGE, token=token), state=state)
    answer = services().duplicates.list(wish)
    known = _live(answer.duplicates)
    both = [[known.get(each) for each in found.customer_ids] for found in answer.duplicates]
    shown = [
        _pair(found, one, other) for found, (one, other) in zip(answer.duplicates, both, strict=True) if one and other
    ]
    return shown, answer.next_page_token


def beside(member: Customer) -> list[tuple[Customer, Pair]] | None:
    """Who else may be the member, the likeliest first; None while that cannot be found out."""
    wish = pb.ListDuplicatesRequest(page=PageRequest(size=_BESIDE), customer_id=member.customer_id)
    answer: Any = ask.if_up(lambda: services().duplicates.list(wish))
    if answer is None:
        return None
    known: Any = ask.if_up(lambda: _live(answer.duplicates))
    if known is None:
        return None
    others = [
        (found, known.get(other))
        for found in answer.duplicates
        for other in found.customer_ids
        if other != member.customer_id
    ]
    return [(other, _pair(found, member, other)) for found, other in others if other]


def dismiss(ids: list[str], key: str) -> None:
    """ "Not the same person"."""
    services().duplicates.dismiss(pb.DismissDuplicateRequest(customer_ids=ids), key=key)


def restore(ids: list[str], key: str) -> None:
    """Suggests the pair again."""
    services().duplicates.restore(pb.RestoreDuplicateRequest(customer_ids=ids), key=key)


def _live(found: Iterable[pb.Duplicate]) -> dict[str, Customer]:
    """The members of the pairs; who has been merged or deleted since is left out."""
    people = ask.customers_by_id(each for pair in found for each in pair.customer_ids)
    return {
        asked: each
        for asked, each in people.items()
        if each.customer_id == asked and each.status == CustomerStatus.CUSTOMER_STATUS_MEMBER
    }


def _pair(found: pb.Duplicate, one: Customer, other: Customer) -> Pair:
    names = ask.tell_apart([one, other])
    agree = rows_of(list(found.reasons))
    return Pair(
        (one.customer_id, other.customer_id),
        (names[one.customer_id], names[other.customer_id]),
        min(99, int(found.score * 100)),
        [words(reason) for reason in found.reasons],
        [(label, values, name in agree) for name, label, values in _rows(one, other) if any(values)],
        found,
        str(new_id()),
    )


def _rows(one: Customer, other: Customer) -> list[tuple[str, str, tuple[str, str]]]:
    both = (one, other)
    return [
        ("name", _("Name"), _values(both, lambda each: each.name)),
        ("phone", _("Phone"), _values(both, lambda each: _all(each, "phone", each.phone))),
        ("email", _("E-mail"), _values(both, lambda each: _all(each, "email", each.email))),
        ("birthday", _("Birthday"), _values(both, lambda each: ask.iso_day(each.birthday))),
        (
            "address",
            _("Address"),
            _values(both, lambda each: address_text(each.addresses[0]) if each.addresses else ""),
        ),
        ("joined", _("Joined"), _values(both, lambda each: ask.day(each.joined_at))),
        ("points", _("Points"), _values(both, lambda each: f"{each.points_balance:,}")),
        ("orders", _("Orders"), _values(both, lambda each: f"{each.orders_count:,}")),
    ]


def _values(both: tuple[Customer, Customer], of: Any) -> tuple[str, str]:
    return of(both[0]), of(both[1])


def _all(customer: Customer, kind: str, main: str) -> str:
    further = [each.value for each in customer.identifiers if each.kind == kind and each.value != main]
    values = [main, *further] if main else further
    return ", ".join(map(ask.phone, values) if kind == "phone" else values)
