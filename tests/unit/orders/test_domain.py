"""The rules of an order (E1, E2, E6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.contact import Contact
from services.common.errors import Conflict, InvalidInput, StateConflict
from services.common.ids import new_id
from services.common.money import LARGEST_AMOUNT
from services.orders.domain import Channel, Draft, Line, Order, Payment, PaymentMethod, Status, check_draft

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DRAFT = Draft(
    paid=False,
    customer_id=None,
    contact=Contact("陳大文", "+85294512053"),
    add_as_member=True,
    channel=Channel.CONSOLE,
    currency="HKD",
    lines=(Line("CD", "Compact disc", 2, 1_250),),
)


def place(draft: Draft) -> Order:
    check_draft(draft, "HKD", NOW)
    return Order.place(
        draft, order_id=new_id(), number=1001, new_customer_id=new_id(), payment_id=new_id(), actor="staff:1", now=NOW
    )


def faults(draft: Draft) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        check_draft(draft, "HKD", NOW)
    return {v.field: v.reason for v in refused.value.violations}


amounts = st.integers(0, 1_000_000)


@given(st.lists(st.tuples(st.integers(1, 1_000), amounts), min_size=1, max_size=20), amounts)
def test_totals_always_add_up(lines: list[tuple[int, int]], shipping: int) -> None:
    """E6: prices are whole minor units."""
    order = place(replace(DRAFT, lines=tuple(Line("", "x", q, p) for q, p in lines), shipping=shipping))
    assert order.total == sum(q * p for q, p in lines) + shipping
    assert order.total == order.subtotal - order.discount + order.shipping


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"lines": ()}, "lines", "empty_lines"),
        ({"lines": DRAFT.lines * 501}, "lines", "too_many_lines"),
        ({"lines": (Line("", "", 1, 1),)}, "lines[0].title", "required"),
        ({"lines": (Line("a", "", 0, 1),)}, "lines[0].quantity", "quantity_out_of_range"),
        ({"lines": (Line("a", "", 1, -1),)}, "lines[0].unit_price_minor", "negative_amount"),
        ({"lines": (Line("a", "", 1, LARGEST_AMOUNT + 1),)}, "lines[0].unit_price_minor", "amount_too_large"),
        ({"lines": (Line("a", "", 1, 5, 6),)}, "lines[0].discount_minor", "discount_too_large"),
        ({"lines": (Line("a", "", 2, LARGEST_AMOUNT),)}, "total_minor", "amount_too_large"),
        ({"discount": 2_501}, "discount_minor", "discount_too_large"),
        ({"discount": -1}, "discount_minor", "negative_amount"),
        ({"shipping": -1}, "shipping_minor", "negative_amount"),
        ({"currency": "ZZZ"}, "currency", "unknown_currency"),
        ({"currency": "TWD"}, "currency", "currency_not_of_store"),
        ({"currency": ""}, "currency", "required"),
        ({"channel": 9}, "channel", "unknown_value"),
        ({"payment_method": 9}, "payment_method", "unknown_value"),
        ({"placed_at": NOW + timedelta(minutes=6)}, "placed_at", "date_in_future"),
        ({"contact": Contact()}, "contact.name", "required"),
        ({"contact": Contact("陳大文")}, "contact.phone", "required"),
    ],
)
def test_bad_input_is_named_with_its_field(change: dict[str, object], field: str, reason: str) -> None:
    assert faults(replace(DRAFT, **change)) == {field: reason}


def test_all_faults_are_told_at_once() -> None:
    bad = replace(DRAFT, currency="ZZZ", channel=9, lines=(Line("", "", 0, -1),))
    assert set(faults(bad)) == {
        "currency",
        "channel",
        "lines[0].title",
        "lines[0].quantity",
        "lines[0].unit_price_minor",
    }


def test_a_guest_needs_no_more_than_a_name() -> None:
    """A1: guests leave a customer record, not a member."""
    assert place(replace(DRAFT, contact=Contact("過客"), add_as_member=False)).status is Status.UNPAID


def test_an_order_born_paid_has_its_payment_from_the_day_it_was_placed() -> None:
    placed_at = datetime(1997, 1, 1, tzinfo=UTC)
    order = place(replace(DRAFT, paid=True, placed_at=placed_at, payment_method=PaymentMethod.CASH))
    assert (order.status, order.paid, order.paid_at) == (Status.PAID, 2_500, placed_at)
    assert [p.amount for p in order.payments] == [2_500]


def test_payment_is_confirmed_once_and_for_the_whole_amount() -> None:
    """E1."""
    order = place(DRAFT)
    payment = Payment(new_id(), 2_500, PaymentMethod.CARD, "ref", NOW)
    with pytest.raises(Conflict, match="amount_not_of_order"):
        order.confirm_payment(replace(payment, amount=2_499), actor="staff:1", now=NOW)
    order.confirm_payment(payment, actor="staff:1", now=NOW)
    assert (order.status, order.version, order.history[-1].change) == (Status.PAID, 2, "payment_confirmed")
    with pytest.raises(StateConflict, match="order_not_unpaid"):
        order.confirm_payment(payment, actor="staff:1", now=NOW)


def test_a_stale_edit_of_the_contact_is_refused() -> None:
    """E2."""
    order = place(DRAFT)
    order.edit_contact(Contact("李小姐"), None, 1, actor="staff:1", now=NOW)
    with pytest.raises(Conflict, match="stale_version"):
        order.edit_contact(Contact("張先生"), None, 1, actor="staff:2", now=NOW)
    assert order.contact.name == "李小姐"
