"""An order as somebody asks for it, and the rules that it must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.common.contact import Address, Contact, clean_text
from services.common.errors import Violations
from services.common.money import check_amount, check_currency
from services.orders.domain.parts import BY_HAND, Channel, Line, PaymentMethod

MOST_LINES = 500
LARGEST_QUANTITY = 100_000
# Clocks of tills and partners run a little ahead.
FUTURE_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as somebody asks for it, before any rule has looked at it. `customer_id` None means a new customer."""

    paid: bool
    customer_id: UUID | None
    contact: Contact
    add_as_member: bool
    channel: int
    currency: str
    lines: Sequence[Line]
    discount: int = 0
    shipping: int = 0
    shipping_address: Address = field(default_factory=Address)
    note: str = ""
    external_reference: str = ""
    placed_at: datetime | None = None
    payment_method: int = PaymentMethod.OTHER
    payment_reference: str = ""
    language: str = ""
    level_discount: int = 0
    level_name: str = ""
    points_redeemed: int = 0
    points_discount: int = 0
    # Whoever asks has found out that the customer was deleted or erased.
    customer_gone: bool = False

    @property
    def due(self) -> int:
        """What is to be paid in points or money."""
        return sum(line.total for line in self.lines) - self.discount - self.level_discount + self.shipping


def read_lines(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines with trimmed texts. Raises InvalidInput (too_long) naming the line."""
    return tuple(
        replace(
            line,
            sku=clean_text(line.sku, f"lines[{n}].sku", 64),
            title=clean_text(line.title, f"lines[{n}].title", 200),
        )
        for n, line in enumerate(lines)
    )


def check_draft(draft: Draft, currency: str, now: datetime) -> None:
    """Every rule that an order must keep, all faults at once; `currency` is the store's. Raises InvalidInput."""
    found = Violations()
    _check_buyer(draft, found)
    for field_, known in (("channel", Channel), ("payment_method", BY_HAND)):
        if getattr(draft, field_) not in set(known):
            found.add(field_, "unknown_value")
    found.gather(lambda: check_currency(draft.currency, currency, "currency"), "")
    if not draft.lines:
        found.add("lines", "empty_lines")
    if len(draft.lines) > MOST_LINES:
        found.add("lines", "too_many_lines", largest=str(MOST_LINES))
    for number, line in enumerate(draft.lines[:MOST_LINES]):
        _check_line(f"lines[{number}].", line, found)
    if draft.placed_at and draft.placed_at > now + FUTURE_TOLERANCE:
        found.add("placed_at", "date_in_future")
    _check_sums(draft, found)
    found.check()


def _check_sums(draft: Draft, found: Violations) -> None:
    found.gather(lambda: check_amount(draft.discount, "discount_minor"), 0)
    found.gather(lambda: check_amount(draft.shipping, "shipping_minor"), 0)
    found.gather(lambda: check_amount(draft.level_discount, "level_discount_minor"), 0)
    found.gather(lambda: check_amount(draft.points_discount, "points_discount_minor"), 0)
    if found:  # sums of wrong numbers would only confuse
        return
    subtotal = sum(line.total for line in draft.lines)
    benefits = draft.level_discount + draft.points_discount
    if draft.discount > subtotal:
        found.add("discount_minor", "discount_too_large")
    elif draft.discount + benefits > subtotal + draft.shipping:
        found.add("points_redeemed" if draft.points_discount else "level_discount_minor", "discount_too_large")
    else:
        found.gather(lambda: check_amount(subtotal - draft.discount - benefits + draft.shipping, "total_minor"), 0)


def _check_buyer(draft: Draft, found: Violations) -> None:
    if draft.points_redeemed < 0:
        found.add("points_redeemed", "negative_points")
    if draft.customer_id is None and draft.points_redeemed:
        found.add("customer_id", "customer_not_chosen")
    elif draft.customer_id is None and not draft.contact:
        found.add("contact.name", "required")
    elif draft.customer_id is None and draft.add_as_member and not (draft.contact.phone or draft.contact.email):
        found.add("contact.phone", "required")


def _check_line(path: str, line: Line, found: Violations) -> None:
    if not line.title and not line.sku:
        found.add(path + "title", "required")
    if not 1 <= line.quantity <= LARGEST_QUANTITY:
        found.add(path + "quantity", "quantity_out_of_range", largest=str(LARGEST_QUANTITY))
    for field_, amount in (("unit_price_minor", line.unit_price), ("discount_minor", line.discount)):
        found.gather(partial(check_amount, amount, path + field_), 0)
    if 0 <= line.quantity * line.unit_price < line.discount:
        found.add(path + "discount_minor", "discount_too_large")
