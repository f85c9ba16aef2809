"""The CDNOW purchase history as orders of named people: what `make up` and `make load` put into the demo store.

69,659 orders of 23,570 customers, January 1997 to June 1998, from the data file of the package `Lifetimes`. The file has
no people in it: names and mobiles are made from the customer's number, the same at every run.
"""

from __future__ import annotations

import importlib.metadata
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from typing import Any

ORDERS_COUNT = 69_659
CUSTOMERS_COUNT = 23_570
CURRENCY = "HKD"
_HONG_KONG = timezone(timedelta(hours=8))
# Beginnings after which every further six (Hong Kong) or seven (Taiwan) digits make a valid mobile.
_HK_BEGINNINGS = ("61", "63", "64", "65", "69", "94", "96", "97")
_TW_BEGINNINGS = ("90", "91", "92", "93", "95", "97", "98")


class DataMissing(Exception):
    """The package with the data file is not installed."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the file. `index` counts from 0 through customers, and through time inside a customer."""

    index: int
    line: int
    customer: int
    day: date
    quantity: int
    value_minor: int

    @property
    def key(self) -> str:
        """The order's number at its origin, and its idempotency key."""
        return f"cdnow-{self.line}"

    def body(self) -> dict[str, Any]:
        """The order as the REST API takes it. Cents of a dollar become cents of the store's currency, one to one."""
        unit_price = -(-self.value_minor // self.quantity)
        line = {
            "sku": "CD",
            "title": "Compact disc",
            "quantity": self.quantity,
            "unit_price_minor": unit_price,
            # The file knows an order's total only; what the rounded-up price has too much is a discount.
            "discount_minor": self.quantity * unit_price - self.value_minor,
        }
        return {
            "paid": True,
            "contact": {"name": name_of(self.customer), "phone": phone_of(self.customer)},
            "add_as_member": True,
            "channel": "api",
            "currency": CURRENCY,
            "lines": [line],
            "placed_at": self.placed_at.isoformat(),
            "external_reference": self.key,
            "payment_method": "card",
        }

    @property
    def placed_at(self) -> datetime:
        """The file has days only: a moment between ten in the morning and eight in the evening is made up."""
        return datetime.combine(self.day, time(10), _HONG_KONG) + timedelta(seconds=self.line % 36_000)


@dataclass(slots=True)
class CustomerTotals:
    """What one customer's purchases come to, in minor units."""

    orders: int = 0
    value_minor: int = 0


@dataclass(slots=True)
class Totals:
    """What purchases come to, in all and for each phone (E.164)."""

    orders: int = 0
    value_minor: int = 0
    by_phone: dict[str, CustomerTotals] = field(default_factory=dict)


def expected_totals(indexes: Iterable[int]) -> Totals:
    """The totals to the cent of the purchases with these indexes."""
    history, totals = purchases(), Totals()
    for index in indexes:
        purchase = history[index]
        customer = totals.by_phone.setdefault(phone_of(purchase.customer), CustomerTotals())
        for part in (totals, customer):
            part.orders += 1
            part.value_minor += purchase.value_minor
    return totals


def by_customer(chosen: Sequence[Purchase]) -> Iterator[list[Purchase]]:
    """The purchases of each customer, in the order of time."""
    for _, group in itertools.groupby(chosen, key=lambda purchase: purchase.customer):
        yield list(group)


@cache
def purchases() -> tuple[Purchase, ...]:
    """All purchases, by customer and time. Raises DataMissing."""
    rows = []
    with _data_file().open(encoding="ascii") as file:
        next(file)  # the header
        for line, row in enumerate(file, start=2):
            customer, day, quantity, dollars = row.split()
            rows.append((int(customer), day, line, int(quantity), int(Decimal(dollars) * 100)))
    rows.sort()
    return tuple(
        Purchase(index, line, customer, date.fromisoformat(day), quantity, value)
        for index, (customer, day, line, quantity, value) in enumerate(rows)
    )


def _data_file() -> Path:
    """Found without importing the package, whose own dependencies are not installed."""
    try:
        files = importlib.metadata.files("Lifetimes") or []
    except importlib.metadata.PackageNotFoundError:
        raise DataMissing("the package Lifetimes is not installed (requirements-data.txt)") from None
    for file in files:
        if file.name == "CDNOW_master.txt":
            return Path(str(file.locate()))
    raise DataMissing("the package Lifetimes holds no CDNOW_master.txt")


def phone_of(customer: int) -> str:
    """The customer's mobile in E.164: of Hong Kong, every fifth of Taiwan. No two customers share one."""
    # Multiplying by a number coprime to 10 permutes the digits: they look random and stay distinct.
    if customer % 5 == 0:
        beginning = _TW_BEGINNINGS[customer // 5 % len(_TW_BEGINNINGS)]
        return f"+886{beginning}{customer * 3_979_393 % 10_000_000:07d}"
    beginning = _HK_BEGINNINGS[customer % len(_HK_BEGINNINGS)]
    return f"+852{beginning}{customer * 397_939 % 1_000_000:06d}"


@lru_cache(maxsize=4_096)
def name_of(customer: int) -> str:
    """The customer's name: Chinese, every seventh English."""
    random = Random(customer)  # noqa: S311 - names need no secrecy, but must be the same at every run
    last_names, first_names, joint = _names()[customer % 7 == 0]
    last, first = _pick(random, last_names), _pick(random, first_names)
    return f"{first} {last}" if joint else f"{last}{first}"


def _pick(random: Random, weighted: tuple[Sequence[str], Sequence[float]]) -> str:
    names, cumulative = weighted
    return random.choices(names, cum_weights=cumulative)[0]


@cache
def _names() -> tuple[Any, ...]:
    """Faker's tables, Chinese then English: asking Faker itself costs fifty times as much for each name."""
    from faker.providers.person.en_US import Provider as English
    from faker.providers.person.zh_TW import Provider as Chinese

    return tuple(
        (_weights(provider.last_names), _weights(provider.first_names), joint)
        for provider, joint in ((Chinese, False), (English, True))
    )


def _weights(table: Any) -> tuple[Sequence[str], Sequence[float]]:
    weights = table.values() if isinstance(table, dict) else itertools.repeat(1, len(table))
    return list(table), list(itertools.accumulate(weights))
