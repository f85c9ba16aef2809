"""What lists of customers can be narrowed to and sorted by, and filters that are kept under a name (C3, C11, A5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from enum import IntEnum
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from services.common.contact import clean_text
from services.common.errors import InvalidInput, Violations
from services.common.money import check_amount
from services.common.searching import LONGEST_QUERY, fold

# "Within 7 days": today and the six days before.
RECENT_DAYS = 7
MOST_FILTERS = 50
MOST_CHOICES = 20
LONGEST_FILTER_NAME = 60
LONGEST_TAG = 40


class Kind(IntEnum):
    """Whom a list is about; numbers as in the contract's CustomerKind."""

    EVERYBODY = 0
    MEMBERS = 1
    # Guests who have an e-mail and an order (A5).
    INVITABLE = 2


class Sort(IntEnum):
    """Numbers as in the contract's CustomerSort."""

    NEWEST = 1
    OLDEST = 2
    NET_SPEND_HIGH = 3
    NET_SPEND_LOW = 4
    POINTS_HIGH = 5
    POINTS_LOW = 6
    NAME = 7


@dataclass(frozen=True, slots=True)
class Filter:
    """What customers must have in common; whatever is empty does not count. Net spend in minor units, both ends included."""

    query: str = ""
    kind: Kind = Kind.EVERYBODY
    level_ids: tuple[UUID, ...] = ()
    without_level: bool = False
    registered_recently: bool = False
    cart_unchecked: bool = False
    net_spend_from: int | None = None
    net_spend_to: int | None = None
    # 1 to 12.
    birthday_month: int = 0
    # Any of these.
    tags: tuple[str, ...] = ()

    @property
    def narrows(self) -> bool:
        """Whether anything but the kind is asked."""
        return self != Filter(kind=self.kind)


@dataclass(frozen=True, slots=True)
class Wish:
    """A filter and the order in which its customers are wanted."""

    filter: Filter
    sort: Sort = Sort.NEWEST

    def mark(self) -> str:
        """What page tokens of this list carry, so that none leads into another list."""
        return hashlib.sha256(orjson.dumps(wish_document(self))).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A wish that staff have named."""

    filter_id: UUID
    name: str
    wish: Wish
    created_by: str
    created_at: datetime
    version: int


def read_wish(filter_: Mapping[str, Any], kind: int, sort: int) -> Wish:
    """A wish from a request; `filter_` has the fields of Filter but the kind, and `sort` 0 is the newest first.

    Raises InvalidInput (unknown_value, too_long, too_large, negative_amount, amount_too_large, range_upside_down,
    unknown_month) under "filter." and "sort".
    """
    found = Violations()
    if sort and sort not in set(Sort):
        found.add("sort", "unknown_value")
    if kind not in set(Kind):
        found.add("filter.kind", "unknown_value")
    query = found.gather(partial(clean_text, filter_["query"], "filter.query", LONGEST_QUERY), "")
    if not 0 <= filter_["birthday_month"] <= 12:
        found.add("filter.birthday_month", "unknown_month")
    if len(filter_["level_ids"]) > MOST_CHOICES:
        found.add("filter.level_ids", "too_large", largest=str(MOST_CHOICES))
    _check_range(found, filter_["net_spend_from"], filter_["net_spend_to"])
    tags: tuple[str, ...] = ()
    tags = found.gather(lambda: _read_tags(filter_["tags"]), tags)
    found.check()
    return Wish(Filter(**{**filter_, "query": query, "kind": Kind(kind), "tags": tags}), Sort(sort or Sort.NEWEST))


def _check_range(found: Violations, lowest: int | None, highest: int | None) -> None:
    for field, amount in (("filter.net_spend_from_minor", lowest), ("filter.net_spend_to_minor", highest)):
        if amount is not None:
            found.gather(partial(check_amount, amount, field), 0)
    if lowest is not None and highest is not None and lowest > highest:
        found.add("filter.net_spend_to_minor", "range_upside_down")


def _read_tags(tags: Sequence[str]) -> tuple[str, ...]:
    if len(tags) > MOST_CHOICES:
        raise InvalidInput.of("filter.tags", "too_large", largest=str(MOST_CHOICES))
    read = [clean_text(tag, f"filter.tags[{n}]", LONGEST_TAG) for n, tag in enumerate(tags)]
    return tuple(sorted({tag for tag in read if tag}))


def read_filter_name(name: str) -> str:
    """The name of a saved filter. Raises InvalidInput (required, too_long)."""
    read = clean_text(name, "name", LONGEST_FILTER_NAME)
    if not read:
        raise InvalidInput.of("name", "required")
    return read


def folded_name(name: str) -> str:
    """The form under which two names are the same."""
    return fold(name)


def recent_since(now: datetime, timezone: str) -> datetime:
    """The moment from which on something is within 7 days, in the store's time zone (C3)."""
    zone = ZoneInfo(timezone)
    first = now.astimezone(zone).date() - timedelta(days=RECENT_DAYS - 1)
    return datetime.combine(first, time(), zone)


def wish_document(wish: Wish) -> dict[str, Any]:
    """A wish as it is kept."""
    return {**asdict(wish.filter), "level_ids": [str(level) for level in wish.filter.level_ids], "sort": int(wish.sort)}


def wish_of(document: Mapping[str, Any]) -> Wish:
    """A wish that was kept."""
    fields = {**document}
    sort = Sort(fields.pop("sort"))
    fields |= {
        "kind": Kind(fields["kind"]),
        "level_ids": tuple(UUID(level) for level in fields["level_ids"]),
        "tags": tuple(fields["tags"]),
    }
    return Wish(Filter(**fields), sort)
