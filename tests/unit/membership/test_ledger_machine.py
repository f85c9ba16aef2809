"""Whatever happens to points, in any order: balance = Σ lots = Σ entries ≥ 0 (P, B4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.common.errors import StateConflict
from services.common.ids import new_id
from services.membership.domain import (
    Entry,
    Ledger,
    OrderState,
    Reason,
    StoreSettings,
    points_for,
    refund_points,
    spendable,
)

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
STORE = StoreSettings()
POINTS, ACCOUNTS = st.integers(1, 500), st.integers(0, 2)


@dataclass
class Order:
    """An order as it stands, and whose it is."""

    state: OrderState
    owner: int
    redeemed: int = 0


@dataclass
class Book:
    """What is stored of one account."""

    customer_id: UUID = field(default_factory=new_id)
    ledger: Ledger | None = None
    entries: list[Entry] = field(default_factory=list)


class Points(RuleBasedStateMachine):
    """Three accounts of a store, some of which become one."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.books = [Book() for _ in range(3)]
        for book in self.books:
            book.ledger = Ledger(book.customer_id, [], self.now, "test")
        self.orders: list[Order] = []
        self.survivors = [0, 1, 2]

    def ledger(self, account: int) -> Ledger:
        """The account that lives on behind that one, as it is loaded: lots that hold points, no entries."""
        book = self.books[self.survivors[account]]
        assert book.ledger is not None
        return Ledger(book.customer_id, [lot for lot in book.ledger.lots if lot.remaining], self.now, "test")

    def save(self, account: int, ledger: Ledger) -> None:
        book = self.books[self.survivors[account]]
        assert book.ledger is not None
        changed = {lot.lot_id: lot for lot in ledger.changed_lots()}
        kept = [lot for lot in book.ledger.lots if lot.lot_id not in changed]
        book.ledger.lots = [*kept, *changed.values()]
        book.entries += ledger.entries

    @rule(account=ACCOUNTS, points=POINTS, days=st.one_of(st.none(), st.integers(1, 60)))
    def award(self, account: int, points: int, days: int | None) -> None:
        ledger = self.ledger(account)
        ledger.award(points, None if days is None else self.now + timedelta(days=days), "")
        self.save(account, ledger)

    @rule(account=ACCOUNTS, paid=st.integers(0, 40_000), redeemed=st.integers(0, 300))
    def buy(self, account: int, paid: int, redeemed: int) -> None:
        """An order that redeems what it can, and earns."""
        ledger = self.ledger(account)
        state = OrderState(new_id(), ledger.customer_id, 1, paid, 0, self.now, self.now)
        redeemed = min(redeemed, ledger.balance)
        if redeemed:
            ledger.redeem(redeemed, state.order_id)
        points, expires_at = points_for(paid, self.now, STORE)
        if points:
            ledger.award(points, expires_at, "", Reason.EARNED, state.order_id)
        self.save(account, ledger)
        self.orders.append(Order(state, account, redeemed))

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0, 1_000), share=st.integers(1, 100), again=st.booleans())
    def refund(self, pick: int, share: int, again: bool) -> None:
        """Part of what is left is given back; hearing of it twice is hearing of it once."""
        order = self.orders[pick % len(self.orders)]
        left = order.state.paid - order.state.refunded
        order.state = replace(order.state, refunded=order.state.refunded + -(-left * share // 100))
        for _ in range(1 + again):
            ledger = self.ledger(order.owner)
            known = [e for book in self.books for e in book.entries if e.order_id == order.state.order_id]
            refund_points(ledger, order.state, known, STORE)
            self.save(order.owner, ledger)
        assert ledger.entries == [] or not again

    @precondition(lambda self: self.orders)
    @rule(pick=st.integers(0, 1_000))
    def cancel(self, pick: int) -> None:
        """An order ends: all that it redeemed is back, once."""
        order = self.orders[pick % len(self.orders)]
        order.state = replace(order.state, cancelled=True)
        for _ in range(2):
            ledger = self.ledger(order.owner)
            known = [e for book in self.books for e in book.entries if e.order_id == order.state.order_id]
            refund_points(ledger, order.state, known, STORE)
            self.save(order.owner, ledger)
        assert ledger.entries == []

    @rule(account=ACCOUNTS, points=POINTS)
    def deduct(self, account: int, points: int) -> None:
        ledger = self.ledger(account)
        if points > ledger.balance:
            with pytest.raises(StateConflict):
                ledger.deduct(points)
        else:
            ledger.deduct(points)
        self.save(account, ledger)

    @rule(account=ACCOUNTS)
    def expire(self, account: int) -> None:
        ledger = self.ledger(account)
        before = ledger.balance
        ledger.expire()
        assert ledger.balance == before
        self.save(account, ledger)

    @rule(days=st.integers(1, 400))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(primary=ACCOUNTS, merged=ACCOUNTS)
    def absorb(self, primary: int, merged: int) -> None:
        keeps, goes = self.survivors[primary], self.survivors[merged]
        if keeps == goes:
            return
        ledgers = self.ledger(primary), self.ledger(merged)
        before = ledgers[0].balance + ledgers[1].balance
        for ledger in ledgers:
            ledger.expire()
        ledgers[0].take_over(ledgers[1])
        assert (ledgers[0].balance, ledgers[1].balance) == (before, 0)
        self.save(primary, ledgers[0])
        self.save(merged, ledgers[1])
        self.survivors = [keeps if account == goes else account for account in self.survivors]

    @invariant()
    def sums_agree(self) -> None:
        """P: account by account and lot by lot; what can be spent leaves out what has expired."""
        for book in self.books:
            assert book.ledger is not None
            assert sum(lot.remaining for lot in book.ledger.lots) == sum(entry.points for entry in book.entries)
            for lot in book.ledger.lots:
                assert lot.remaining == sum(entry.points for entry in book.entries if entry.lot_id == lot.lot_id)
                assert 0 <= lot.remaining <= lot.points
            assert 0 <= spendable(book.ledger.lots, self.now) <= sum(lot.remaining for lot in book.ledger.lots)

    @invariant()
    def orders_are_undone_in_proportion(self) -> None:
        """B4: never more than was earned or redeemed, and all that was redeemed when all was given back."""
        entries = [entry for book in self.books for entry in book.entries]
        for order in self.orders:
            own = [entry for entry in entries if entry.order_id == order.state.order_id]
            sums = {reason: sum(e.points for e in own if e.reason is reason) for reason in Reason}
            undone = sum(e.shortfall for e in own) - sums[Reason.REVERSED]
            assert 0 <= undone <= sums[Reason.EARNED]
            assert 0 <= sums[Reason.RETURNED] <= order.redeemed
            if order.state.paid and order.state.refunded == order.state.paid:
                assert sums[Reason.RETURNED] == order.redeemed


TestPoints = Points.TestCase
TestPoints.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
