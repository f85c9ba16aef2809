"""One order and its life. Amounts are minor units of the order's currency (E6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.contact import Address, Contact
from services.common.errors import Conflict, InvalidInput, StateConflict
from services.orders.domain.drafts import Draft
from services.orders.domain.parts import Change, Channel, Line, Payment, PaymentMethod, Refund, Status

# An e-mail that five letters did not bring is not brought by a sixth; and nobody shall be pestered from our address (E3).
MOST_RESENDS = 5
# The way of a paid order: forward alone, and steps may be left out.
PROGRESS = (Status.PAID, Status.PROCESSING, Status.SHIPPED, Status.COMPLETED)


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
    # What the customer's level took off, and its name at that time (B1).
    level_discount: int = 0
    level_name: str = ""
    # Points that pay for a part of the order, and how much they pay (B2).
    points_redeemed: int = 0
    points_discount: int = 0
    # What the carrier calls the parcel, for the customer to follow.
    tracking: str = ""
    # How often the order e-mail was sent again (E3).
    resends: int = 0
    # The account that it was placed with, where a merge has moved it.
    moved_from: UUID | None = None
    lines: Sequence[Line] = ()
    payments: Sequence[Payment] = ()
    refunds: Sequence[Refund] = ()
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
        total = draft.due - draft.points_discount
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
            level_discount=draft.level_discount,
            level_name=draft.level_name,
            points_redeemed=draft.points_redeemed,
            points_discount=draft.points_discount,
            lines=tuple(draft.lines),
            history=(Change(now, actor, "placed"),),
        )
        if draft.paid:
            payment = Payment(
                payment_id, total, PaymentMethod(draft.payment_method), draft.payment_reference, placed_at
            )
            order._settle(payment)
            # At the counter the goods change hands with the money.
            if order.channel is Channel.POS:
                order.status = Status.COMPLETED
        return order

    def confirm_payment(self, payment: Payment, *, actor: str, now: datetime) -> None:
        """Unpaid → paid (E1). Raises StateConflict (order_not_unpaid), Conflict (amount_not_of_order)."""
        if self.status is not Status.UNPAID:
            raise StateConflict("order_not_unpaid", number=str(self.number))
        if payment.amount != self.total:
            raise Conflict("amount_not_of_order", total=str(self.total), amount=str(payment.amount))
        self._settle(payment)
        self._record(Change(now, actor, "payment_confirmed", payment.reference))

    def why_not_payable(self, amount: int, currency: str) -> str:
        """Why money that has come does not pay this order: a notice's reason; empty when it does."""
        if self.status is Status.CANCELLED:
            return "order_cancelled"
        if self.status is not Status.UNPAID:
            return "paid_twice"
        if currency != self.currency:
            return "currency_not_of_order"
        return "" if amount == self.total else "amount_not_of_order"

    @property
    def online_payment(self) -> Payment | None:
        """The payment that a provider took."""
        return next((payment for payment in self.payments if payment.provider_id), None)

    def move_to(self, owner: UUID) -> None:
        """Gives the order to the survivor of a merge (F7); nothing where that is its owner. Part of another change."""
        if owner != self.customer_id:
            self.moved_from = self.moved_from or self.customer_id
            self.customer_id = owner

    def advance(self, status: Status, tracking: str, note: str = "", *, actor: str, now: datetime) -> None:
        """Paid → processing → shipped → completed; the history keeps parcel and note (E1). Raises StateConflict (order_cannot_become)."""
        if self.status not in PROGRESS or status <= self.status:
            raise StateConflict("order_cannot_become", number=str(self.number))
        self.status = status
        self.tracking = tracking or self.tracking
        self._record(Change(now, actor, status.name.lower(), " · ".join(filter(None, (tracking, note)))))

    def cancel(self, reason: str, *, actor: str, now: datetime) -> None:
        """Ends an order for which no money is held: unpaid ones, and those that cost nothing or points alone (E1).

        Raises StateConflict (order_not_cancellable).
        """
        if self.status in (Status.CANCELLED, Status.REFUNDED) or self.paid > self.refunded:
            raise StateConflict("order_not_cancellable", number=str(self.number))
        self.status = Status.CANCELLED
        self._record(Change(now, actor, "cancelled", reason))

    def refund(self, refund: Refund, *, actor: str, now: datetime) -> None:
        """Gives money back; what is refunded whole ends as REFUNDED, the others go on (E1, B5).

        Raises StateConflict (order_not_paid, nothing_to_refund), InvalidInput (refund_too_large).
        """
        if self.status is Status.UNPAID or self.status is Status.CANCELLED:
            raise StateConflict("order_not_paid", number=str(self.number))
        left = self.paid - self.refunded
        if not left:
            raise StateConflict("nothing_to_refund", number=str(self.number))
        if refund.amount > left:
            raise InvalidInput.of("amount_minor", "refund_too_large")
        self.refunded += refund.amount
        self.refunds = (*self.refunds, refund)
        if self.refunded == self.paid:
            self.status = Status.REFUNDED
        self._record(Change(now, actor, "refunded", refund.reason))

    def edit_contact(
        self, contact: Contact, shipping_address: Address | None, expected_version: int, *, actor: str, now: datetime
    ) -> None:
        """Changes contact and, unless it is None, shipping address of this order only (E2).

        Raises Conflict (stale_version) when somebody was faster.
        """
        if expected_version and expected_version != self.version:
            raise Conflict("stale_version", version=str(self.version))
        self.contact = contact
        if shipping_address is not None:
            self.shipping_address = shipping_address
        self._record(Change(now, actor, "contact_edited"))

    def resend_email(self, *, actor: str, now: datetime) -> None:
        """Counts one more sending of the order e-mail (E3). Raises StateConflict (order_without_email, resend_limit_reached)."""
        if not self.contact.email:
            raise StateConflict("order_without_email", number=str(self.number))
        if self.resends >= MOST_RESENDS:
            raise StateConflict("resend_limit_reached", largest=str(MOST_RESENDS))
        self.resends += 1
        self._record(Change(now, actor, "email_resent"))

    def _settle(self, payment: Payment) -> None:
        self.status = Status.PAID
        self.paid = payment.amount
        self.paid_at = payment.received_at
        self.payments = (*self.payments, payment)

    def _record(self, change: Change) -> None:
        self.version += 1
        self.history = (*self.history, change)
