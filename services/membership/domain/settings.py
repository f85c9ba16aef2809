"""What rules need to know of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from services.common.errors import Violations
from services.membership.domain.levels import LevelRules

LARGEST_RATE = 10_000
LONGEST_VALIDITY = 120


class Rounding(IntEnum):
    """Numbers as in the contract's PointsRounding."""

    DOWN = 1
    NEAREST = 2
    UP = 3


@dataclass(frozen=True, slots=True)
class PointsSettings:
    """How points are earned, redeemed and run out (B2).

    `earn_per_unit` points for each whole unit of the currency that was paid, `redeem_per_unit` points pay for one (0: none do).
    """

    earn_per_unit: int = 1
    redeem_per_unit: int = 100
    validity_months: int = 12
    rounding: int = Rounding.DOWN
    version: int = 0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The defaults serve until the store's own are known, so that nothing waits."""

    region: str = "HK"
    currency: str = "HKD"
    timezone: str = "Asia/Hong_Kong"
    language: str = "zh-Hant"
    points: PointsSettings = field(default_factory=PointsSettings)
    rules: LevelRules = field(default_factory=LevelRules)


def check_points_settings(settings: PointsSettings) -> None:
    """Raises InvalidInput naming each field (out_of_range, unknown_value)."""
    faults = Violations()
    for name, value, smallest, largest in (
        ("earn_per_unit", settings.earn_per_unit, 0, LARGEST_RATE),
        ("redeem_per_unit", settings.redeem_per_unit, 0, LARGEST_RATE),
        ("validity_months", settings.validity_months, 1, LONGEST_VALIDITY),
    ):
        if not smallest <= value <= largest:
            faults.add(name, "out_of_range", smallest=str(smallest), largest=str(largest))
    if settings.rounding not in list(Rounding):
        faults.add("rounding", "unknown_value", known=", ".join(str(int(rounding)) for rounding in Rounding))
    faults.check()
