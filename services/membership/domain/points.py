"""The points ledger: lots with an expiry, and entries that are never changed (B2-B4, P).

Every entry touches one lot, so a lot's remainder is the sum of its entries, and a balance the sum of its lots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from uuid import UUID

from services.common.errors import StateConflict
from services.common.ids import new_id

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
    BIRTHDAY = 9
    RETURNED = 10
    WRITTEN_OFF = 11


@dataclass(frozen=True, slots=True)
class Lot:
    """A parcel of points with one expiry (None: never). `points` is what it began with, `remaining` what is left.

    A lot that came by a merge names the one it came from, and that one's owner. A sum of lots that expire in one month has the first of
    their moments in `expires_from` and the last in `expires_at`; it is for looking.
    """

    lot_id: UUID
    customer_id: UUID
    points: int
    remaining: int
    expires_at: datetime | None
    created_at: datetime
    origin_lot_id: UUID | None = None
    origin_customer_id: UUID | None = None
    expires_from: datetime | None = None

    def less(self, points: int) -> Lot:
        """What is left of it."""
        # Not dataclasses.replace, which takes twice as long; a merge may have ten thousands.
        return Lot(
            self.lot_id,
            self.customer_id,
            self.points,
            self.remaining - points,
            self.expires_at,
            self.created_at,
            self.origin_lot_id,
            self.origin_customer_id,
            self.expires_from,
        )

    def is_good(self, now: datetime) -> bool:
        """Whether its points can be spent."""
        return self.remaining > 0 and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `points` is what it added to the lot; negative takes away.

    `shortfall` is what a refund should have taken besides, and could not because it was spent. `balance_after` and
    `expires_at`, the lot's, are filled in where entries are read.
    """

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
    shortfall: int = 0
    balance_after: int = 0


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
        gone = [n for n, lot in enumerate(self.lots) if lot.remaining and not lot.is_good(self.now)]
        return sum(self._take(n, self.lots[n].remaining, Reason.EXPIRED) for n in gone)

    def write_off(self) -> None:
        """Empties every lot: the account is going (C9, C12)."""
        self.expire()
        for n, lot in enumerate(self.lots):
            if lot.remaining:
                self._take(n, lot.remaining, Reason.WRITTEN_OFF)

    def award(
        self,
        points: int,
        expires_at: datetime | None,
        note: str = "",
        reason: Reason = Reason.AWARDED,
        order_id: UUID | None = None,
    ) -> None:
        """Adds a lot (B2, B3)."""
        lot = Lot(new_id(), self.customer_id, points, points, expires_at, self.now)
        self._open(lot, reason, note, order_id)

    def deduct(
        self, points: int, note: str = "", reason: Reason = Reason.DEDUCTED, order_id: UUID | None = None
    ) -> None:
        """Takes points, from the lot that expires first onwards (B4). Raises StateConflict (points_insufficient)."""
        if points > self.balance:
            raise StateConflict("points_insufficient", balance=str(self.balance), points=str(points))
        for place, part in self._parts(points):
            self._take(place, part, reason, note, order_id)

    def redeem(self, points: int, order_id: UUID) -> None:
        """Spends points on an order (B2). Raises StateConflict (points_insufficient)."""
        self.deduct(points, "", Reason.REDEEMED, order_id)

    def reverse(self, earned: Entry, points: int) -> None:
        """Takes back points that an order earned: from the lot they are in, then as spending does; never below zero (B4).

        What is spent already is noted as the shortfall of the last entry, or of one that takes nothing.
        """
        shortfall = max(points - self.balance, 0)
        parts = self._parts(points - shortfall, first=earned.lot_id)
        for n, (place, part) in enumerate(parts, 1):
            self._take(place, part, Reason.REVERSED, "", earned.order_id, shortfall if n == len(parts) else 0)
        if not parts:
            self._enter(earned.lot_id, earned.expires_at, Reason.REVERSED, 0, "", earned.order_id, shortfall)

    def adjust(self, adjustment: Adjustment) -> None:
        """Awards or deducts; 0 does nothing. Raises StateConflict (points_insufficient)."""
        if adjustment.points > 0:
            self.award(adjustment.points, adjustment.expires_at, adjustment.note)
        elif adjustment.points < 0:
            self.deduct(-adjustment.points, adjustment.note)

    def take_over(self, other: Ledger) -> None:
        """Moves the other's points here, lot by lot with their expiry (F11)."""
        for place, lot in other._good_lots():
            other._take(place, lot.remaining, Reason.MERGED_OUT)
            moved = Lot(
                lot_id=new_id(),
                customer_id=self.customer_id,
                points=lot.remaining,
                remaining=lot.remaining,
                expires_at=lot.expires_at,
                created_at=self.now,
                origin_lot_id=lot.lot_id,
                origin_customer_id=lot.customer_id,
                expires_from=lot.expires_from,
            )
            self._open(moved, Reason.MERGED_IN)

    def changed_lots(self) -> Sequence[Lot]:
        """The lots that entries have touched, as they now are."""
        touched = {entry.lot_id for entry in self.entries}
        return [lot for lot in self.lots if lot.lot_id in touched]

    def _good_lots(self, first: UUID | None = None) -> list[tuple[int, Lot]]:
        """Lots that can be spent, with their places in the list: `first` with what a merge made of it, then by their expiry."""
        good = [(place, lot) for place, lot in enumerate(self.lots) if lot.is_good(self.now)]
        return sorted(good, key=lambda pair: (not _is_of(pair[1], first), _spending_order(pair[1])))

    def _parts(self, points: int, first: UUID | None = None) -> list[tuple[int, int]]:
        """(place, points) of the lots that so many points come from, in the order of `_good_lots`."""
        parts = []
        for place, lot in self._good_lots(first):
            part = min(points, lot.remaining)
            if part:
                parts.append((place, part))
            points -= part
        return parts

    def _open(self, lot: Lot, reason: Reason, note: str = "", order_id: UUID | None = None) -> None:
        self.lots.append(lot)
        self._enter(lot.lot_id, lot.expires_at, reason, lot.points, note, order_id)

    def _take(
        self, place: int, points: int, reason: Reason, note: str = "", order_id: UUID | None = None, shortfall: int = 0
    ) -> int:
        # By its place: looking each lot up among ten thousand would take a merge minutes.
        lot = self.lots[place]
        self.lots[place] = lot.less(points)
        self._enter(lot.lot_id, lot.expires_at, reason, -points, note, order_id, shortfall)
        return points

    def _enter(
        self,
        lot_id: UUID,
        expires_at: datetime | None,
        reason: Reason,
        points: int,
        note: str,
        order_id: UUID | None,
        shortfall: int = 0,
    ) -> None:
        self.entries.append(
            Entry(
                entry_id=new_id(),
                customer_id=self.customer_id,
                lot_id=lot_id,
                reason=reason,
                points=points,
                at=self.now,
                actor=self.actor,
                note=note,
                order_id=order_id,
                merge_run_id=self.merge_run_id,
                expires_at=expires_at,
                shortfall=shortfall,
            )
        )


def spendable(lots: Iterable[Lot], now: datetime) -> int:
    """Points in lots that have not expired."""
    return sum(lot.remaining for lot in lots if lot.is_good(now))


def _is_of(lot: Lot, lot_id: UUID | None) -> bool:
    return lot_id is not None and lot_id in (lot.lot_id, lot.origin_lot_id)


def _spending_order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    return (lot.expires_at or _FOREVER, lot.created_at, lot.lot_id)
