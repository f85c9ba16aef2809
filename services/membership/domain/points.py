"""The points ledger: lots with an expiry, and entries that are never changed (B2-B4, P).

Every entry touches one lot, so a lot's remainder is the sum of its entries, and a balance the sum of its lots.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from enum import IntEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.common.contact import clean_text
from services.common.errors import InvalidInput, StateConflict
from services.common.ids import new_id
from services.common.money import MINOR_DIGITS
from services.membership.domain.customers import StoreSettings

# Far above any real award, and far below what sums of 64 bits can hold.
LARGEST_ADJUSTMENT = 1_000_000_000
LONGEST_NOTE = 500
_LAST_SECOND = time(23, 59, 59)
_FOREVER = datetime.max.replace(tzinfo=UTC)


class Reason(IntEnum):
    """Numbers as in the contract's PointsReason."""

    EARNED = 1
    AWARDED = 2
    DEDUCTED = 3
    REDEEMED = 4
    REVERSED = 5
    EXPIRED = 6
    MERGED_OUT = 7
    MERGED_IN = 8


@dataclass(frozen=True, slots=True)
class Lot:
    """A parcel of points with one expiry (None: never). `points` is what it began with, `remaining` what is left.

    A lot that came by a merge names the one it came from, and that one's owner.
    """

    lot_id: UUID
    customer_id: UUID
    points: int
    remaining: int
    expires_at: datetime | None
    created_at: datetime
    origin_lot_id: UUID | None = None
    origin_customer_id: UUID | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether its points can be spent."""
        return self.remaining > 0 and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `points` is what it added to the lot; negative takes away."""

    entry_id: UUID
    customer_id: UUID
    lot_id: UUID
    reason: Reason
    points: int
    at: datetime
    actor: str
    note: str = ""
    order_id: UUID | None = None
    merge_run_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Award:
    """What one order earns, with ids for the lot and the entry that it will be."""

    order_id: UUID
    points: int
    expires_at: datetime
    lot_id: UUID
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points to give (positive, with an expiry) or take (negative) by hand (F2)."""

    points: int = 0
    expires_at: datetime | None = None
    note: str = ""


@dataclass(slots=True)
class Ledger:
    """The lots of one customer, and the entries made since they were loaded."""

    customer_id: UUID
    lots: list[Lot]
    now: datetime
    actor: str
    merge_run_id: UUID | None = None
    entries: list[Entry] = field(default_factory=list)

    @property
    def balance(self) -> int:
        """What can be spent now."""
        return spendable(self.lots, self.now)

    def expire(self) -> int:
        """Empties the lots that are past their time; returns how many points that were."""
        gone = [lot for lot in self.lots if lot.remaining and not lot.is_good(self.now)]
        for lot in gone:
            self._take(lot, lot.remaining, Reason.EXPIRED)
        return sum(lot.remaining for lot in gone)

    def award(self, points: int, expires_at: datetime | None, note: str) -> None:
        """Adds a lot (B2, B3)."""
        self._open(Lot(new_id(), self.customer_id, points, points, expires_at, self.now), Reason.AWARDED, note)

    def deduct(self, points: int, note: str) -> None:
        """Takes points, from the lot that expires first onwards (B4). Raises StateConflict (points_insufficient)."""
        if points > self.balance:
            raise StateConflict("points_insufficient", balance=str(self.balance), points=str(points))
        for lot in sorted((lot for lot in self.lots if lot.is_good(self.now)), key=_spending_order):
            part = min(points, lot.remaining)
            if part:
                self._take(lot, part, Reason.DEDUCTED, note)
            points -= part

    def adjust(self, adjustment: Adjustment) -> None:
        """Awards or deducts; 0 does nothing. Raises StateConflict (points_insufficient)."""
        if adjustment.points > 0:
            self.award(adjustment.points, adjustment.expires_at, adjustment.note)
        elif adjustment.points < 0:
            self.deduct(-adjustment.points, adjustment.note)

    def take_over(self, other: Ledger) -> None:
        """Moves the other's points here, lot by lot with their expiry (F11)."""
        for lot in sorted((lot for lot in other.lots if lot.is_good(self.now)), key=_spending_order):
            other._take(lot, lot.remaining, Reason.MERGED_OUT)
            moved = Lot(
                lot_id=new_id(),
                customer_id=self.customer_id,
                points=lot.remaining,
                remaining=lot.remaining,
                expires_at=lot.expires_at,
                created_at=self.now,
                origin_lot_id=lot.lot_id,
                origin_customer_id=lot.customer_id,
            )
            self._open(moved, Reason.MERGED_IN)

    def changed_lots(self) -> Sequence[Lot]:
        """The lots that entries have touched, as they now are."""
        touched = {entry.lot_id for entry in self.entries}
        return [lot for lot in self.lots if lot.lot_id in touched]

    def _open(self, lot: Lot, reason: Reason, note: str = "") -> None:
        self.lots.append(lot)
        self._enter(lot, reason, lot.points, note)

    def _take(self, lot: Lot, points: int, reason: Reason, note: str = "") -> None:
        self.lots[self.lots.index(lot)] = replace(lot, remaining=lot.remaining - points)
        self._enter(lot, reason, -points, note)

    def _enter(self, lot: Lot, reason: Reason, points: int, note: str) -> None:
        self.entries.append(
            Entry(
                entry_id=new_id(),
                customer_id=self.customer_id,
                lot_id=lot.lot_id,
                reason=reason,
                points=points,
                at=self.now,
                actor=self.actor,
                note=note,
                merge_run_id=self.merge_run_id,
                expires_at=lot.expires_at,
            )
        )


def spendable(lots: Iterable[Lot], now: datetime) -> int:
    """Points in lots that have not expired."""
    return sum(lot.remaining for lot in lots if lot.is_good(now))


def _spending_order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    return (lot.expires_at or _FOREVER, lot.created_at, lot.lot_id)


def points_for(paid: int, paid_at: datetime, settings: StoreSettings) -> tuple[int, datetime]:
    """(points, expiry) that a paid order earns (B2). `paid` is minor units; parts of a point are dropped.

    They are good to the end of the day, in the store's time zone, `validity_months` after the payment.
    """
    points = paid * settings.points_per_unit // 10 ** MINOR_DIGITS[settings.currency]
    paid_on = paid_at.astimezone(ZoneInfo(settings.timezone)).date()
    return points, end_of_day(_months_later(paid_on, settings.validity_months), settings.timezone)


def end_of_day(day: date, timezone: str) -> datetime:
    """The last second of a day in a time zone, in UTC, so that the time shown there falls on that very day."""
    return datetime.combine(day, _LAST_SECOND, ZoneInfo(timezone)).astimezone(UTC)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def read_adjustment(
    points: int, expires_on: str, note: str, now: datetime, settings: StoreSettings, prefix: str = ""
) -> Adjustment:
    """An adjustment from a request; 0 points is one that does nothing (B2, F2).

    Raises InvalidInput (too_large, too_long, expiry_required, expiry_in_past, expiry_not_allowed, invalid_date).
    """
    if abs(points) > LARGEST_ADJUSTMENT:
        raise InvalidInput.of(prefix + "points", "too_large", largest=str(LARGEST_ADJUSTMENT))
    note = clean_text(note, prefix + ("description" if prefix else "note"), LONGEST_NOTE)
    field_ = prefix + "expires_on"
    if points > 0 and not expires_on:
        raise InvalidInput.of(field_, "expiry_required")
    if points <= 0 and expires_on:
        raise InvalidInput.of(field_, "expiry_not_allowed")
    if not expires_on:
        return Adjustment(points, None, note)
    expires_at = end_of_day(_read_date(expires_on, field_), settings.timezone)
    if expires_at <= now:
        raise InvalidInput.of(field_, "expiry_in_past")
    return Adjustment(points, expires_at, note)


def _read_date(text: str, field_: str) -> date:
    """Years from 9999 on are refused: their last second has no name in UTC everywhere."""
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year < 9999:
        raise InvalidInput.of(field_, "invalid_date")
    return day
