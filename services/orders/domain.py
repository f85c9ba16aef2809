"""Orders and their rules. Amounts are minor units of the order's currency (E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial
from uuid import UUID

from services.common.contact import Address, Contact, clean_text
from services.common.errors import Conflict, StateConflict, Violations
from services.common.money import check_amount, check_currency

MOST_LINES = 500
LARGEST_QUANTITY = 100_000
# Clocks of tills and partners run a little ahead.
FUTURE_TOLERANCE = timedelta(minutes=5)


class Status(IntEnum):
    """Numbers as in the contract's OrderStatus."""

    UNPAID = 1
    PAID = 2
    PROCESSING = 3
    SHIPPED = 4
    COMPLETED = 5
    CANCELLED = 6
    PARTLY_REFUNDED = 7
    REFUNDED = 8


class Channel(IntEnum):
    """Numbers as in the contract's Channel."""

    CONSOLE = 1
    POS = 2
    STOREFRONT = 3
    API = 4


class PaymentMethod(IntEnum):
    """Numbers as in the contract's PaymentMethod."""

    CASH = 1
    CARD = 2
    BANK_TRANSFER = 3
    OTHER = 4


@dataclass(frozen=True, slots=True)
class Line:
    """What was bought, at which price."""

    sku: str
    title: str
    quantity: int
    unit_price: int
    discount: int = 0

    @property
    def total(self) -> int:
        """Quantity times price, less the line's discount."""
        return self.quantity * self.unit_price - self.discount


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received."""

    payment_id: UUID
    amount: int
    method: PaymentMethod
    reference: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of an order's history. `change`: placed, payment_confirmed, contact_edited, owner_changed or contact_erased."""

    at: datetime
    actor: str
    change: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """One change of one of a customer's orders, with what the order is now."""

    order_id: UUID
    number: int
    version: int
    at: datetime
    actor: str
    change: str
    status: Status
    total: int
    currency: str


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


@dataclass(slots=True)
class Order:
    """One order. Made by `place`; the store alone calls the constructor."""

    order_id: UUID
    number: int
    customer_id: UUID
    status: Status
    channel: Channel
    currency: str
    subtotal: int
    discount: int
    shipping: int
    total: int
    paid: int
    refunded: int
    contact: Contact
    shipping_address: Address
    add_as_member: bool
    note: str
    external_reference: str
    language: str
    placed_at: datetime
    paid_at: datetime | None
    version: int
    lines: Sequence[Line] = ()
    payments: Sequence[Payment] = ()
    history: Sequence[Change] = ()

    @classmethod
    def place(
        cls,
        draft: Draft,
        *,
        order_id: UUID,
        number: int,
        new_customer_id: UUID,
        payment_id: UUID,
        actor: str,
        now: datetime,
    ) -> Order:
        """An order from a draft that has passed check_draft (E1, E6)."""
        subtotal = sum(line.total for line in draft.lines)
        total = subtotal - draft.discount + draft.shipping
        placed_at = draft.placed_at or now
        order = cls(
            order_id=order_id,
            number=number,
            customer_id=draft.customer_id or new_customer_id,
            status=Status.UNPAID,
            channel=Channel(draft.channel),
            currency=draft.currency,
            subtotal=subtotal,
            discount=draft.discount,
            shipping=draft.shipping,
            total=total,
            paid=0,
            refunded=0,
            contact=draft.contact,
            shipping_address=draft.shipping_address,
            add_as_member=draft.add_as_member,
            note=draft.note,
            external_reference=draft.external_reference,
            language=draft.language,
            placed_at=placed_at,
            paid_at=None,
            version=1,
            lines=tuple(draft.lines),
            history=(Change(now, actor, "placed"),),
        )
        if draft.paid:
            payment = Payment(
                payment_id, total, PaymentMethod(draft.payment_method), draft.payment_reference, placed_at
            )
            order._settle(payment)
        return order

    def confirm_payment(self, payment: Payment, *, actor: str, now: datetime) -> None:
        """Unpaid → paid (E1). Raises StateConflict (order_not_unpaid), Conflict (amount_not_of_order)."""
        if self.status is not Status.UNPAID:
            raise StateConflict("order_not_unpaid", number=str(self.number))
        if payment.amount != self.total:
            raise Conflict("amount_not_of_order", total=str(self.total), amount=str(payment.amount))
        self._settle(payment)
        self._record(Change(now, actor, "payment_confirmed", payment.reference))

    def edit_contact(self, contact: Contact, expected_version: int, *, actor: str, now: datetime) -> None:
        """Changes the contact of this order only (E2). Raises Conflict (stale_version) when somebody was faster."""
        if expected_version and expected_version != self.version:
            raise Conflict("stale_version", version=str(self.version))
        self.contact = contact
        self._record(Change(now, actor, "contact_edited"))

    def _settle(self, payment: Payment) -> None:
        self.status = Status.PAID
        self.paid = payment.amount
        self.paid_at = payment.received_at
        self.payments = (*self.payments, payment)

    def _record(self, change: Change) -> None:
        self.version += 1
        self.history = (*self.history, change)


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
    for field_, known in (("channel", Channel), ("payment_method", PaymentMethod)):
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
    if found:  # sums of wrong numbers would only confuse
        return
    subtotal = sum(line.total for line in draft.lines)
    if draft.discount > subtotal:
        found.add("discount_minor", "discount_too_large")
    else:
        found.gather(lambda: check_amount(subtotal - draft.discount + draft.shipping, "total_minor"), 0)


def _check_buyer(draft: Draft, found: Violations) -> None:
    if draft.customer_id is None and not draft.contact:
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
