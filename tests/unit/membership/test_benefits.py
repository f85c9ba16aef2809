"""What level and points take off an order (B1, B2)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidInput, StateConflict
from services.membership.domain import PointsSettings, StoreSettings, level_discount, most_usable, redeem_for, worth


def settings(rate: int, currency: str = "HKD") -> StoreSettings:
    return replace(StoreSettings(), currency=currency, points=PointsSettings(redeem_per_unit=rate))


@pytest.mark.parametrize(
    ("amount", "percent", "discount"), [(10_000, 10, 1_000), (105, 10, 11), (104, 10, 10), (99, 0, 0), (333, 100, 333)]
)
def test_halves_of_a_cent_go_up(amount: int, percent: int, discount: int) -> None:
    """B1."""
    assert level_discount(amount, percent) == discount


@given(st.integers(0, 10**11), st.integers(1, 10_000), st.sampled_from(["HKD", "JPY"]))
def test_the_most_points_never_pay_more_than_is_due(due: int, rate: int, currency: str) -> None:
    """B2: and one point more would."""
    store = settings(rate, currency)
    most, unit = most_usable(due, store), 1 if currency == "JPY" else 100
    assert worth(most, store) <= due
    assert (most + 1) * unit > due * rate


@pytest.mark.parametrize(
    ("points", "rate", "reason"),
    [(0, 100, "out_of_range"), (1_001, 100, "points_above_due"), (2, 300, "points_too_few")],
)
def test_points_that_cannot_pay_name_what_can(points: int, rate: int, reason: str) -> None:
    """B2: of an order over 10.00."""
    with pytest.raises(InvalidInput) as refusal:
        redeem_for(points, 1_000, settings(rate))
    [violation] = refusal.value.violations
    assert (violation.field, violation.reason) == ("points", reason)
    assert violation.params.get("largest") != "0"
    if reason == "points_too_few":
        assert redeem_for(int(violation.params["smallest"]), 1_000, settings(rate)) == 1


def test_a_store_may_not_take_points() -> None:
    """B2: redeeming is switched off."""
    with pytest.raises(StateConflict, match="points_not_redeemable"):
        redeem_for(100, 1_000, settings(0))
    assert (most_usable(1_000, settings(0)), worth(100, settings(0))) == (0, 0)
