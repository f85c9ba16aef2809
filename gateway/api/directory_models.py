"""Filters, saved filters and the store's figures, as programs send and read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from pydantic import Field

from gateway.api.fields import (
    Amount,
    AnswerModel,
    Id,
    Json,
    PageQuery,
    QueryModel,
    RequestModel,
    Time,
    WholeNumber,
    when,
)
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1 import levels_pb2 as levels
from services.common.errors import InvalidInput, Violation

SortWord = Literal["newest", "oldest", "net_spend_high", "net_spend_low", "points_high", "points_low", "name"]
_SORTS: dict[str, pb.CustomerSort.ValueType] = {
    name.removeprefix("CUSTOMER_SORT_").lower(): number for name, number in pb.CustomerSort.items() if number
}
_SORT_WORDS: dict[int, str] = {number: word for word, number in _SORTS.items()}


def sort_of(word: str) -> pb.CustomerSort.ValueType:
    """The number of an order's word."""
    return _SORTS[word]


class CustomerFilter(QueryModel):
    """What customers must have in common; every part that is set narrows the list (C3)."""

    query: str = Field(default="", description="A part of a name, phone or e-mail (C2).")
    members_only: bool = False
    invitable: bool = Field(
        default=False, description="Guests who have an e-mail and an order: those who can be invited (A5)."
    )
    level_id: list[Id] = Field(
        default_factory=list, description="Any of these levels.", json_schema_extra={"maxItems": 20}
    )
    without_level: bool = Field(default=False, description="Customers without a level; beside `level_id`, those too.")
    registered_recently: bool = Field(
        default=False, description="Registered today or on one of the six days before, in the store's time zone."
    )
    cart_unchecked: bool = Field(
        default=False, description="A cart that was left unchecked today or on one of the six days before."
    )
    net_spend_from_minor: Amount | None = None
    net_spend_to_minor: Amount | None = None
    birthday_month: int = Field(default=0, ge=-(2**31), le=2**31 - 1, json_schema_extra={"minimum": 0, "maximum": 12})
    tag: list[str] = Field(default_factory=list, description="Any of these tags.", json_schema_extra={"maxItems": 20})
    sort: SortWord = "newest"

    def message(self) -> pb.CustomerFilter:
        """For the services."""
        kind = pb.CUSTOMER_KIND_MEMBERS if self.members_only else pb.CUSTOMER_KIND_UNSPECIFIED
        return pb.CustomerFilter(
            query=self.query,
            kind=pb.CUSTOMER_KIND_INVITABLE if self.invitable else kind,
            level_ids=self.level_id,
            without_level=self.without_level,
            registered_recently=self.registered_recently,
            cart_unchecked=self.cart_unchecked,
            net_spend_from_minor=self.net_spend_from_minor,
            net_spend_to_minor=self.net_spend_to_minor,
            birthday_month=self.birthday_month,
            tags=self.tag,
        )


class CustomersQuery(CustomerFilter, PageQuery):
    """A page of a list. A `page_token` belongs to one filter and one sort."""


class FilterIn(RequestModel):
    """A filter to keep under a name; names are unique in the store, whatever their capitals."""

    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 60})
    filter: CustomerFilter


class FilterChangeIn(FilterIn):
    """The filter as it is to be, whole."""

    expected_version: WholeNumber = Field(
        default=0,
        description="`version` of the filter that you read; 0 skips the check.",
        json_schema_extra={"minimum": 0},
    )


class FilterNameIn(RequestModel):
    """Another name."""

    name: str = Field(json_schema_extra={"minLength": 1, "maxLength": 60})


class FilterOut(AnswerModel):
    """As it was saved."""

    query: str
    members_only: bool
    invitable: bool
    level_id: list[Id]
    without_level: bool
    registered_recently: bool
    cart_unchecked: bool
    net_spend_from_minor: int | None
    net_spend_to_minor: int | None
    birthday_month: int
    tag: list[str]
    sort: str


class SavedFilter(AnswerModel):
    """A filter that has a name; its `filter` is a query of /customers."""

    filter_id: Id
    name: str
    filter: FilterOut
    created_by: str
    created_at: Time
    version: int


class SavedFilterList(AnswerModel):
    """By name."""

    items: list[SavedFilter]
    next_page_token: str | None


class LevelCount(AnswerModel):
    """How many members have a level; without an id, how many have none."""

    level_id: Id | None
    name: str
    members: int


class MonthOfSpend(AnswerModel):
    """What orders placed in a month came to, less what was refunded since."""

    month: str = Field(examples=["2026-11"])
    net_spend_minor: int
    orders: int


class MonthOfExpiry(AnswerModel):
    """Points that end in a month unless they are used."""

    month: str = Field(examples=["2026-12"])
    points: int


class Overview(AnswerModel):
    """The store's members in figures, as they were at `reckoned_at` (C1)."""

    reckoned_at: Time
    currency: str
    members: int
    new_members: int = Field(description="Registered today or on one of the six days before.")
    guests: int
    levels: list[LevelCount]
    points_outstanding: int
    points_expiring_soon: int = Field(description="Points whose last day is today or one of the 29 days after.")
    months: list[MonthOfSpend]
    expiring: list[MonthOfExpiry]


@contextmanager
def named_as_sent() -> Iterator[None]:
    """What is wrong with a filter, by the names that a query has for its parts."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(*(Violation(_sent(v.field), v.reason, v.params) for v in error.violations)) from error


def _sent(field: str) -> str:
    name = field.removeprefix("filter.")
    for ours, theirs in (("level_ids", "level_id"), ("tags", "tag"), ("kind", "invitable")):
        if name.startswith(ours):
            return name.replace(ours, theirs, 1)
    return name


def saved_json(saved: pb.SavedFilter) -> Json:
    """As in SavedFilter."""
    return {
        "filter_id": saved.filter_id,
        "name": saved.name,
        "filter": _filter_json(saved.filter, saved.sort),
        "created_by": saved.created_by,
        "created_at": when(saved.created_at),
        "version": saved.version,
    }


def _filter_json(asked: pb.CustomerFilter, sort: int) -> Json:
    def amount(field: str) -> int | None:
        return int(getattr(asked, field)) if asked.HasField(field) else None  # type: ignore[arg-type]

    return {
        "query": asked.query,
        "members_only": asked.kind == pb.CUSTOMER_KIND_MEMBERS,
        "invitable": asked.kind == pb.CUSTOMER_KIND_INVITABLE,
        "level_id": list(asked.level_ids),
        "without_level": asked.without_level,
        "registered_recently": asked.registered_recently,
        "cart_unchecked": asked.cart_unchecked,
        "net_spend_from_minor": amount("net_spend_from_minor"),
        "net_spend_to_minor": amount("net_spend_to_minor"),
        "birthday_month": asked.birthday_month,
        "tag": list(asked.tags),
        "sort": _SORT_WORDS.get(sort, "newest"),
    }


def overview_json(found: pb.GetOverviewResponse, rules: levels.LevelRules, currency: str) -> Json:
    """As in Overview."""
    names = {level.level_id: level.name for level in rules.levels}
    return {
        "reckoned_at": when(found.reckoned_at),
        "currency": currency,
        "members": found.members,
        "new_members": found.new_members,
        "guests": found.guests,
        "levels": [
            {"level_id": count.level_id or None, "name": names.get(count.level_id, ""), "members": count.members}
            for count in found.levels
        ],
        "points_outstanding": found.points_outstanding,
        "points_expiring_soon": found.points_expiring_soon,
        "months": [
            {"month": month.month, "net_spend_minor": month.net_spend_minor, "orders": month.orders}
            for month in found.months
        ],
        "expiring": [{"month": month.month, "points": month.points} for month in found.expiring],
    }
