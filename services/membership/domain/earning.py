"""How points come and go by the store's settings: what orders earn, awards by hand, and what a refund undoes (B2-B4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.common.contact import clean_text
from services.common.errors import InvalidInput
from services.common.money import MINOR_DIGITS
from services.membership.domain.days import end_after, end_of_day, read_date
from services.membership.domain.orders import OrderState
from services.membership.domain.points import Adjustment, Entry, Ledger, Reason
from services.membership.domain.settings import Rounding, StoreSettings

# Far above any real award, and far below what sums of 64 bits can hold.
LARGEST_ADJUSTMENT = 1_000_000_000
LONGEST_NOTE = 500


def points_for(paid: int, paid_at: datetime, settings: StoreSettings, multiplier: int = 100) -> tuple[int, datetime]:
    """(points, expiry) that a paid order earns (B2). `paid` is minor units, `multiplier` the level's in percent.

    Rounded once, at the end. Good to the end of the day, in the store's time zone, `validity_months` after the payment.
    """
    points = settings.points
    whole, unit = paid * points.earn_per_unit * multiplier, 100 * 10 ** MINOR_DIGITS[settings.currency]
    expires_at = end_after(paid_at, points.validity_months, settings.timezone)
    if points.rounding == Rounding.UP:
        return -(-whole // unit), expires_at
    if points.rounding == Rounding.NEAREST:
        return (2 * whole + unit) // (2 * unit), expires_at
    return whole // unit, expires_at


def refund_points(ledger: Ledger, order: OrderState, entries: Sequence[Entry], settings: StoreSettings) -> None:
    """Undoes an order's points in proportion to what of its payment was given back, a cancelled one's whole, each part once (B4).

    `entries` are the order's own so far, of whichever accounts. Parts of a point stay with the customer; earned points that
    have expired by now are gone already. What was redeemed comes back with the expiry it had, or when that has passed, as
    good as newly earned points; the points that are good longest come back first.
    """
    if not order.cancelled and not (order.paid and order.refunded):
        return
    earned = [entry for entry in entries if entry.reason is Reason.EARNED]
    redeemed = [entry for entry in entries if entry.reason is Reason.REDEEMED]
    undone = sum(entry.shortfall - entry.points for entry in entries if entry.reason is Reason.REVERSED)
    returned = sum(entry.points for entry in entries if entry.reason is Reason.RETURNED)
    for entry in earned:
        points = _share(entry.points, order) - undone
        if points > 0 and (entry.expires_at is None or entry.expires_at > ledger.now):
            ledger.reverse(entry, points)
    points = _share(-sum(entry.points for entry in redeemed), order) - returned
    _give_back(ledger, redeemed, returned, points, settings)


def _share(points: int, order: OrderState) -> int:
    return points if order.cancelled else points * min(order.refunded, order.paid) // order.paid


def _give_back(ledger: Ledger, redeemed: Sequence[Entry], before: int, points: int, settings: StoreSettings) -> None:
    """Gives the next `points` of what was redeemed; the first `before` of it have come back already."""
    anew = end_after(ledger.now, settings.points.validity_months, settings.timezone)
    longest_first = sorted(redeemed, key=lambda e: (e.expires_at is None, e.expires_at or ledger.now), reverse=True)
    for entry in longest_first:
        skipped = min(before, -entry.points)
        part = min(points, -entry.points - skipped)
        before, points = before - skipped, points - max(part, 0)
        if part > 0:
            good = entry.expires_at is None or entry.expires_at > ledger.now
            ledger.award(part, entry.expires_at if good else anew, "", Reason.RETURNED, entry.order_id)


def read_adjustment(
    points: int, expires_on: str, note: str, now: datetime, settings: StoreSettings, prefix: str = ""
) -> Adjustment:
    """An adjustment from a request; 0 points is one that does nothing (B2, F2).

    Raises InvalidInput (too_large, too_long, expiry_required, expiry_in_past, expiry_not_allowed, invalid_date).
    """
    if abs(points) > LARGEST_ADJUSTMENT:
        raise InvalidInput.of(prefix + "points", "too_large", largest=str(LARGEST_ADJUSTMENT))
    note = clean_text(note, prefix + ("description" if prefix else "note"), LONGEST_NOTE)
    field = prefix + "expires_on"
    if points > 0 and not expires_on:
        raise InvalidInput.of(field, "expiry_required")
    if points <= 0 and expires_on:
        raise InvalidInput.of(field, "expiry_not_allowed")
    if not expires_on:
        return Adjustment(points, None, note)
    expires_at = end_of_day(read_date(expires_on, field), settings.timezone)
    if expires_at <= now:
        raise InvalidInput.of(field, "expiry_in_past")
    return Adjustment(points, expires_at, note)
