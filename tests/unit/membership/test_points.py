"""The points ledger's rules (B2-B4, P)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.errors import InvalidInput, StateConflict
from services.common.ids import new_id
from services.membership.domain import (
    Adjustment,
    Ledger,
    Lot,
    PointsSettings,
    Reason,
    StoreSettings,
    points_for,
    read_adjustment,
    spendable,
)

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def lot(points: int, days: int | None, owner: Ledger | None = None) -> Lot:
    expires_at = None if days is None else NOW + timedelta(days=days)
    return Lot(new_id(), owner.customer_id if owner else new_id(), points, points, expires_at, NOW)


def ledger(*lots: Lot) -> Ledger:
    return Ledger(new_id(), list(lots), NOW, "test")


def test_the_lot_that_expires_first_is_spent_first() -> None:
    """B4: lots without an end come last."""
    late, never, soon = lot(10, 300), lot(10, None), lot(10, 3)
    book = ledger(late, never, soon)
    book.deduct(25, "")
    assert [entry.lot_id for entry in book.entries] == [soon.lot_id, late.lot_id, never.lot_id]
    assert [entry.points for entry in book.entries] == [-10, -10, -5]


def test_expired_lots_cannot_be_spent() -> None:
    """B4: whether or not anybody has written down that they expired."""
    book = ledger(lot(10, -1), lot(10, 1))
    with pytest.raises(StateConflict) as refusal:
        book.deduct(11, "")
    assert refusal.value.params == {"balance": "10", "points": "11"}
    assert book.entries == []
    assert book.expire() == 10
    assert book.expire() == 0
    assert [entry.reason for entry in book.entries] == [Reason.EXPIRED]


def test_points_move_lot_by_lot_with_their_expiry() -> None:
    """F11."""
    source, target = ledger(lot(10, 5), lot(7, None), lot(3, -5)), ledger(lot(1, 1))
    target.take_over(source)
    assert [(moved.points, moved.expires_at) for moved in target.lots[1:]] == [(10, NOW + timedelta(days=5)), (7, None)]
    assert [moved.origin_lot_id for moved in target.lots[1:]] == [source.lots[0].lot_id, source.lots[1].lot_id]
    assert source.balance == 0
    assert target.balance == 18


LOTS = st.lists(
    st.tuples(st.integers(1, 1_000), st.one_of(st.none(), st.integers(-3, 30))).map(lambda pair: lot(*pair)), max_size=6
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["award", "deduct", "expire", "take_over", "wait"]), st.integers(0, 1), st.integers(1, 900)
    ),
    max_size=25,
)


@given(LOTS, LOTS, STEPS)
@settings(max_examples=200, deadline=None)
def test_whatever_happens_no_point_is_lost_or_made(
    first: list[Lot], second: list[Lot], steps: list[tuple[str, int, int]]
) -> None:
    """P: each lot's remainder is what it began with plus its entries, never negative; moving points changes no sum."""
    books = [ledger(*first), ledger(*second)]
    known = {each.lot_id: each.remaining for book in books for each in book.lots}
    for what, which, points in steps:
        book, other = books[which], books[1 - which]
        before = book.balance + other.balance
        if what == "award":
            book.award(points, book.now + timedelta(days=points), "")
            assert book.balance + other.balance == before + points
        elif what == "deduct" and points <= book.balance:
            book.deduct(points, "")
            assert book.balance + other.balance == before - points
        elif what == "deduct":
            with pytest.raises(StateConflict):
                book.deduct(points, "")
        elif what == "expire":
            book.expire()
            assert book.balance + other.balance == before
        elif what == "take_over":
            book.take_over(other)
            assert (book.balance, other.balance) == (before, 0)
        else:
            book.now = other.now = book.now + timedelta(days=points % 7)
    for book in books:
        for each in book.lots:
            entered = sum(entry.points for entry in book.entries if entry.lot_id == each.lot_id)
            assert each.remaining == known.get(each.lot_id, 0) + entered
            assert 0 <= each.remaining <= each.points
        assert book.balance == spendable(book.lots, book.now) >= 0


@pytest.mark.parametrize(
    ("paid", "currency", "per_unit", "points"),
    [(9_999, "HKD", 1, 99), (99, "HKD", 1, 0), (300, "JPY", 1, 300), (10_000, "TWD", 3, 300), (0, "HKD", 1, 0)],
)
def test_an_order_earns_whole_points(paid: int, currency: str, per_unit: int, points: int) -> None:
    """B2: by whole units of the currency, which has no cents in Japan."""
    assert points_for(paid, NOW, StoreSettings(currency=currency, points=PointsSettings(per_unit)))[0] == points


@pytest.mark.parametrize(
    ("paid_at", "months", "last_day"),
    [
        (datetime(2026, 1, 31, 2, tzinfo=UTC), 1, (2026, 2, 28)),
        (datetime(2026, 11, 24, 17, tzinfo=UTC), 12, (2027, 11, 25)),
        (datetime(2024, 2, 29, 2, tzinfo=UTC), 12, (2025, 2, 28)),
        (datetime(2026, 12, 1, 2, tzinfo=UTC), 1, (2027, 1, 1)),
    ],
)
def test_earned_points_are_good_to_the_end_of_a_day_of_the_store(
    paid_at: datetime, months: int, last_day: tuple[int, int, int]
) -> None:
    """B2, rule 11."""
    _, expires_at = points_for(100, paid_at, StoreSettings(points=PointsSettings(validity_months=months)))
    assert expires_at == datetime(*last_day, 15, 59, 59, tzinfo=UTC)


def test_points_are_good_all_through_their_last_day() -> None:
    """B2, rule 11: in the store's time zone; where it is tomorrow already, today is past."""
    evening = NOW.replace(hour=12)
    read = read_adjustment(1, "2026-11-24", " why ", evening, StoreSettings())
    assert read == Adjustment(1, datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC), "why")
    with pytest.raises(InvalidInput, match=r"adjustment\.expires_on: expiry_in_past"):
        read_adjustment(1, "2026-11-24", "", evening, StoreSettings(timezone="Pacific/Kiritimati"), "adjustment.")
