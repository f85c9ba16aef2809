"""What a customer's account says of levels and points (B1, B2, C7)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.storefront.account import _a_year_before, next_level
from gateway.storefront.points import by_last_day
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1.service_pb2 import Customer, PointsLot

STORE = Store(timezone="Asia/Hong_Kong")


def rules(basis: levels.LevelBasis.ValueType = levels.LEVEL_BASIS_LIFETIME) -> levels.LevelRules:
    """Bronze from 0, silver from 1,000, gold from 5,000."""
    names = (("bronze", 0), ("silver", 1_000), ("gold", 5_000))
    made = [levels.Level(level_id=name, name=name, threshold_minor=threshold) for name, threshold in names]
    return levels.LevelRules(basis=basis, levels=made)


@pytest.mark.parametrize(
    ("level", "spent", "name", "missing"),
    [
        ("", 0, "silver", 1_000),
        ("bronze", 999, "silver", 1),
        ("silver", 1_000, "gold", 4_000),
        # A pin or a validity may hold a level above what is spent, and rules may give one below it a moment later.
        ("gold", 0, "", 0),
        ("silver", 200, "gold", 4_800),
        ("bronze", 1_500, "gold", 3_500),
    ],
)
def test_the_next_level_and_what_is_missing(level: str, spent: int, name: str, missing: int) -> None:
    step = next_level(rules(), Customer(level_id=level, net_spend_minor=spent), lambda: 0)
    assert (step.level.name, step.missing_minor) == (name, missing) if step and name else step is None


@pytest.mark.parametrize(
    ("spent", "name", "missing"), [(0, "silver", 1_000), (1_200, "gold", 3_800), (None, "silver", None)], ids=str
)
def test_where_only_the_last_months_count_what_was_spent_before_does_not(
    spent: int | None, name: str, missing: int | None
) -> None:
    """Where the orders are too many to be gone through, the threshold alone is told."""
    person = Customer(level_id="bronze", net_spend_minor=9_000)
    step = next_level(rules(levels.LEVEL_BASIS_ROLLING_YEAR), person, lambda: spent)
    assert step is not None
    assert (step.level.name, step.missing_minor, step.of_year) == (name, missing, True)


def test_a_store_without_levels_has_no_next() -> None:
    assert next_level(levels.LevelRules(), Customer(net_spend_minor=5), lambda: 0) is None


def test_a_year_before_the_leap_day_is_the_day_on_which_its_orders_still_count() -> None:
    """As in PostgreSQL: 28 February 2027 + 12 months is before 29 February 2028."""
    assert _a_year_before(datetime(2028, 2, 29, 8, tzinfo=UTC)).date() == date(2027, 3, 1)
    assert _a_year_before(datetime(2027, 3, 1, 8, tzinfo=UTC)) == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_points_of_one_last_day_are_counted_together_and_those_without_come_last() -> None:
    """B2. In the store's days: 16:00 UTC is midnight in Hong Kong."""

    def lot(points: int, *moment: int) -> PointsLot:
        made = PointsLot(remaining=points)
        if moment:
            made.expires_at.FromDatetime(datetime(*moment, tzinfo=UTC))  # type: ignore[misc,arg-type]
        return made

    lots = [lot(5), lot(7, 2027, 1, 31, 16), lot(11, 2026, 12, 31, 16), lot(2, 2026, 12, 31, 3), lot(0, 2026, 1, 1)]
    assert by_last_day(lots, STORE) == [(date(2026, 12, 31), 13), (date(2027, 1, 31), 7), (None, 5)]
    assert by_last_day([], STORE) == []
