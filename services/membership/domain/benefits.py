"""What a member's level and points take off an order (B1, B2). Amounts are minor units of the store's currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.common.errors import InvalidInput, StateConflict
from services.common.money import MINOR_DIGITS
from services.membership.domain.earning import LARGEST_ADJUSTMENT
from services.membership.domain.settings import StoreSettings


class HoldState(IntEnum):
    """How far the points of an order are; it only ever rises. CONFIRMED: the order stands; SPENT: it is paid."""

    HELD = 1
    CONFIRMED = 2
    SPENT = 3
    RETURNED = 4


@dataclass(frozen=True, slots=True)
class Redemption:
    """Points taken for an order, whose id was minted with it. `key` is the idempotency key of both."""

    order_id: UUID
    customer_id: UUID
    points: int
    discount: int
    state: HoldState
    reserved_at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Benefits:
    """What a customer has for an order. `usable` points are the most that it can take, and pay `value`."""

    customer_id: UUID
    level_name: str = ""
    discount_percent: int = 0
    level_discount: int = 0
    balance: int = 0
    redeem_per_unit: int = 0
    usable: int = 0
    value: int = 0


def level_discount(amount: int, percent: int) -> int:
    """That part of the amount; halves go up."""
    return (2 * amount * percent + 100) // 200


def worth(points: int, settings: StoreSettings) -> int:
    """What so many points pay; parts of a minor unit are dropped."""
    rate = settings.points.redeem_per_unit
    return points * _unit(settings) // rate if rate else 0


def most_usable(due: int, settings: StoreSettings) -> int:
    """The most points that do not pay more than `due`."""
    return due * settings.points.redeem_per_unit // _unit(settings)


def redeem_for(points: int, due: int, settings: StoreSettings) -> int:
    """What the points pay of `due`.

    Raises StateConflict (points_not_redeemable), InvalidInput (out_of_range, points_above_due, points_too_few).
    """
    if not 0 < points <= LARGEST_ADJUSTMENT:
        raise InvalidInput.of("points", "out_of_range", smallest="1", largest=str(LARGEST_ADJUSTMENT))
    if not settings.points.redeem_per_unit:
        raise StateConflict("points_not_redeemable")
    if points > (most := most_usable(due, settings)):
        raise InvalidInput.of("points", "points_above_due", largest=str(most))
    if not (value := worth(points, settings)):
        least = -(-settings.points.redeem_per_unit // _unit(settings))
        raise InvalidInput.of("points", "points_too_few", smallest=str(least))
    return value


def _unit(settings: StoreSettings) -> int:
    return int(10 ** MINOR_DIGITS[settings.currency])
