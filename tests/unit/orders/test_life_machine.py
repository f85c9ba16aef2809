"""An order's life against a small model of it (E1, B5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.common.contact import Contact
from services.common.errors import Conflict, OnefoldError
from services.common.ids import new_id
from services.orders.domain import Channel, Draft, Line, Order, Payment, PaymentMethod, Refund, Status

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
STEPS = st.sampled_from([Status.PROCESSING, Status.SHIPPED, Status.COMPLETED])


class Life(RuleBasedStateMachine):
    """The model: how far the order is as a number from 0 (unpaid) to 4 (completed), or how it ended; and the money held."""

    @initialize(paid=st.booleans(), price=st.integers(0, 5_000), channel=st.sampled_from(Channel))
    def place(self, paid: bool, price: int, channel: Channel) -> None:
        draft = Draft(paid, None, Contact("陳大文"), False, channel, "HKD", (Line("", "Tea", 1, price),))
        self.now = START
        self.order = Order.place(
            draft,
            order_id=new_id(),
            number=1,
            new_customer_id=new_id(),
            payment_id=new_id(),
            actor="staff:1",
            now=START,
        )
        self.far = 0 if not paid else 4 if channel is Channel.POS else 1
        self.ended = ""
        self.total, self.held, self.back, self.changes = price, price if paid else 0, 0, 1

    def attempt(self, allowed: bool, act: Callable[[], None]) -> bool:
        """Does it, and holds what came of it against what the model allows."""
        self.now += timedelta(minutes=1)
        before = replace(self.order)
        try:
            act()
        except OnefoldError:
            assert not allowed
            assert self.order == before, "a refusal changes nothing"
            return False
        assert allowed
        self.changes += 1
        return True

    @rule(off=st.sampled_from([0, 0, 1, -1]))
    def pay(self, off: int) -> None:
        payment = Payment(new_id(), self.total + off, PaymentMethod.CASH, "", self.now)
        allowed = self.far == 0 and not self.ended and off == 0
        if self.attempt(allowed, lambda: self.order.confirm_payment(payment, actor="staff:1", now=self.now)):
            self.far, self.held = 1, self.total

    @rule(step=STEPS)
    def advance(self, step: Status) -> None:
        far = {Status.PROCESSING: 2, Status.SHIPPED: 3, Status.COMPLETED: 4}[step]
        allowed = not self.ended and 1 <= self.far < far
        if self.attempt(allowed, lambda: self.order.advance(step, "", actor="staff:1", now=self.now)):
            self.far = far

    @rule()
    def cancel(self) -> None:
        allowed = not self.ended and self.held == 0
        if self.attempt(allowed, lambda: self.order.cancel("changed her mind", actor="staff:1", now=self.now)):
            self.ended = "cancelled"

    @rule(amount=st.integers(1, 6_000))
    def refund(self, amount: int) -> None:
        refund = Refund(new_id(), amount, PaymentMethod.CASH, "", "", self.now)
        allowed = self.ended != "cancelled" and 0 < amount <= self.held
        if self.attempt(allowed, lambda: self.order.refund(refund, actor="staff:1", now=self.now)):
            self.held, self.back = self.held - amount, self.back + amount
            self.ended = "" if self.held else "refunded"

    @rule(stale=st.booleans())
    def edit(self, stale: bool) -> None:
        version = self.order.version - stale
        try:
            self.order.edit_contact(Contact("Chan"), None, version, actor="staff:1", now=self.now)
        except Conflict:
            assert stale
            assert version
        else:
            self.changes += 1

    @invariant()
    def the_order_is_what_the_model_says(self) -> None:
        names = ["UNPAID", "PAID", "PROCESSING", "SHIPPED", "COMPLETED"]
        assert self.order.status.name == (self.ended.upper() or names[self.far])
        assert self.order.paid - self.order.refunded == self.held
        assert self.order.refunded == self.back == sum(refund.amount for refund in self.order.refunds)
        assert self.order.paid == sum(payment.amount for payment in self.order.payments)
        assert self.order.version == len(self.order.history) == self.changes


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
