"""What lists of orders can be narrowed to, and what a person means who searches them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson

from services.common.contact import clean_text
from services.common.errors import Violations
from services.common.money import check_amount
from services.common.searching import LONGEST_QUERY, Query, Way, fold, read_query
from services.orders.domain.parts import PARTLY_REFUNDED, Channel, Status

MOST_CUSTOMERS = 10
# No store has as many orders.
_LONGEST_NUMBER = 11


@dataclass(frozen=True, slots=True)
class Filter:
    """What orders must have in common; whatever is empty does not count. Totals in minor units, both ends included.

    Of `statuses` and `partly_refunded` one suffices.
    """

    query: str = ""
    customer_ids: tuple[UUID, ...] = ()
    statuses: tuple[Status, ...] = ()
    partly_refunded: bool = False
    channels: tuple[Channel, ...] = ()
    placed_from: datetime | None = None
    # Not included.
    placed_before: datetime | None = None
    total_from: int | None = None
    total_to: int | None = None

    def mark(self) -> str:
        """What page tokens of this list carry, so that none leads into another list."""
        return hashlib.sha256(orjson.dumps(astuple(self), default=str)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Search:
    """What the words of a filter ask for: the order of that number, or those whose contact fits. Nothing: all orders."""

    number: int | None = None
    contact: Query | None = None


def read_filter(asked: Filter, statuses: Sequence[int], channels: Sequence[int]) -> Filter:
    """A filter from a request, which brings statuses and channels as numbers of the contract.

    Raises InvalidInput (too_long, unknown_value, negative_amount, amount_too_large, range_upside_down).
    """
    found = Violations()
    query = found.gather(partial(clean_text, asked.query, "query", LONGEST_QUERY), "")
    if not {*Status, PARTLY_REFUNDED}.issuperset(statuses):
        found.add("statuses", "unknown_value")
    if not set(Channel).issuperset(channels):
        found.add("channels", "unknown_value")
    for field, amount in (("total_from_minor", asked.total_from), ("total_to_minor", asked.total_to)):
        if amount is not None:
            found.gather(partial(check_amount, amount, field), 0)
    if asked.total_from is not None and asked.total_to is not None and asked.total_from > asked.total_to:
        found.add("total_to_minor", "range_upside_down")
    if asked.placed_from and asked.placed_before and asked.placed_from >= asked.placed_before:
        found.add("placed_before", "range_upside_down")
    found.check()
    return replace(
        asked,
        query=query,
        customer_ids=tuple(sorted(set(asked.customer_ids))),
        statuses=tuple(sorted(Status(status) for status in set(statuses) - {PARTLY_REFUNDED})),
        partly_refunded=PARTLY_REFUNDED in statuses,
        channels=tuple(sorted(Channel(channel) for channel in set(channels))),
    )


def read_search(text: str, region: str) -> Search:
    """What is looked for. "#1042" is the number alone, "1042" also whoever has these digits in the phone or e-mail."""
    wanted = fold(text)
    digits = wanted.removeprefix("#").strip()
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else None
    if wanted.startswith("#") and number is not None:
        return Search(number)
    # A whole phone or e-mail is a part of itself: orders, unlike members, need no look at that first.
    ways = [query for query in read_query(text, region) if query.way not in (Way.PHONE, Way.EMAIL)]
    return Search(number, ways[-1] if ways else None)
