"""Orders as programs send and read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AwareDatetime, Field

from gateway.api.fields import (
    Address,
    AddressIn,
    Amount,
    AnswerModel,
    Contact,
    ContactIn,
    Id,
    Json,
    Language,
    Quantity,
    RequestModel,
    Time,
    WholeNumber,
    address_json,
    contact_json,
    when,
    when_set,
    word,
)
from gateway.flows import Buyer
from onefold.membership.v1 import service_pb2 as membership
from onefold.orders.v1 import service_pb2 as pb

StatusWord = Literal["unpaid", "paid", "processing", "shipped", "completed", "cancelled", "partly_refunded", "refunded"]
ChannelWord = Literal["api", "console", "pos", "storefront"]
MethodWord = Literal["cash", "card", "bank_transfer", "other"]
RefundWord = Literal["", "cash", "card", "bank_transfer", "other", "online"]

STATUSES: dict[str, pb.OrderStatus.ValueType] = {
    name.removeprefix("ORDER_STATUS_").lower(): number for name, number in pb.OrderStatus.items() if number
}
CHANNELS: dict[str, pb.Channel.ValueType] = {
    name.removeprefix("CHANNEL_").lower(): number for name, number in pb.Channel.items() if number
}
METHODS: dict[str, pb.PaymentMethod.ValueType] = {
    name.removeprefix("PAYMENT_METHOD_").lower(): number for name, number in pb.PaymentMethod.items() if number
}
_REFUND_STATES: dict[int, str] = {
    pb.REFUND_STATE_UNSPECIFIED: "by_hand",
    pb.REFUND_STATE_PENDING: "pending",
    pb.REFUND_STATE_DONE: "done",
    pb.REFUND_STATE_FAILED: "failed",
}
_STATUS_WORDS: dict[int, str] = {number: name for name, number in STATUSES.items()}
_CHANNEL_WORDS: dict[int, str] = {number: name for name, number in CHANNELS.items()}
_METHOD_WORDS: dict[int, str] = {number: name for name, number in METHODS.items()}
_BUYER_WORDS: dict[int, str] = {
    membership.CUSTOMER_STATUS_UNSPECIFIED: "pending",
    membership.CUSTOMER_STATUS_GUEST: "guest",
    membership.CUSTOMER_STATUS_MEMBER: "member",
}

# Times that a 64-bit timestamp of any part surely holds; what is in the future, the service refuses.
_Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]


class OrderLineIn(RequestModel):
    """One line. Its total is quantity × unit price − discount."""

    sku: str = ""
    title: str
    quantity: Quantity
    unit_price_minor: Amount
    discount_minor: Amount = 0
    item_id: UUID | None = Field(
        default=None, description="The item of the price list that this is. Title and price are what you send."
    )


class OrderIn(RequestModel):
    """An order. Say who buys by `customer_id`, or by `contact` for somebody new."""

    paid: bool
    customer_id: UUID | None = None
    contact: ContactIn | None = None
    add_as_member: bool | None = Field(
        default=None, description="Makes the customer a member (A4). Default: as `paid`."
    )
    channel: ChannelWord = "api"
    currency: str = Field(examples=["HKD"])
    lines: list[OrderLineIn] = Field(json_schema_extra={"minItems": 1, "maxItems": 500})
    discount_minor: Amount = 0
    shipping_minor: Amount = 0
    shipping_address: AddressIn | None = None
    note: str = ""
    external_reference: str = Field(
        default="", description="Your own number of the order.", json_schema_extra={"maxLength": 64}
    )
    placed_at: _Moment | None = Field(default=None, description="For orders made earlier elsewhere. Default: now.")
    payment_method: MethodWord = "other"
    payment_reference: str = Field(default="", json_schema_extra={"maxLength": 64})
    language: Language = Field(default="", description="Of the customer's messages. Default: the store's.")
    apply_level_discount: bool = Field(
        default=False, description="Takes off what the customer's level gives (B1). Needs `customer_id`."
    )
    redeem_points: WholeNumber = Field(
        default=0, description="Points that pay for a part (B2). Needs `customer_id`.", json_schema_extra={"minimum": 0}
    )

    def message(self) -> pb.CreateOrderRequest:
        """For the service."""
        return pb.CreateOrderRequest(
            paid=self.paid,
            customer_id=str(self.customer_id) if self.customer_id else "",
            contact=self.contact.message() if self.contact else None,
            add_as_member=self.paid if self.add_as_member is None else self.add_as_member,
            channel=CHANNELS[self.channel],
            currency=self.currency,
            lines=[
                pb.OrderLine(
                    sku=line.sku,
                    title=line.title,
                    quantity=line.quantity,
                    unit_price_minor=line.unit_price_minor,
                    discount_minor=line.discount_minor,
                    item_id=str(line.item_id) if line.item_id else "",
                )
                for line in self.lines
            ],
            discount_minor=self.discount_minor,
            shipping_minor=self.shipping_minor,
            shipping_address=self.shipping_address.message() if self.shipping_address else None,
            note=self.note,
            external_reference=self.external_reference,
            placed_at=_timestamp(self.placed_at) if self.placed_at else None,
            payment_method=METHODS[self.payment_method],
            payment_reference=self.payment_reference,
            language=self.language,
            points_redeemed=self.redeem_points,
        )


class PaymentIn(RequestModel):
    """How an unpaid order was paid."""

    method: MethodWord = "other"
    reference: str = Field(default="", json_schema_extra={"maxLength": 64})
    amount_minor: Amount = Field(default=0, description="Must be the order's total; 0 stands for it.")


class Advance(RequestModel):
    """The next step of a paid order; steps may be left out, and none is taken back."""

    status: Literal["processing", "shipped", "completed"]
    tracking: str = Field(
        default="", description="What the carrier calls the parcel.", json_schema_extra={"maxLength": 100}
    )
    note: str = Field(default="", description="Why; for the history.", json_schema_extra={"maxLength": 500})


class Cancellation(RequestModel):
    """Why an order ends unpaid."""

    reason: str = Field(json_schema_extra={"minLength": 1, "maxLength": 500})


class RefundIn(RequestModel):
    """Money given back. Never more than was paid and is not yet given back."""

    amount_minor: Amount = Field(default=0, description="0 stands for all that is left.")
    method: RefundWord = Field(
        default="",
        description="`online`: the provider that took the payment is asked to give it back. Empty: so, if one took it; else `other`.",
    )
    reference: str = Field(default="", json_schema_extra={"maxLength": 64})
    reason: str = Field(default="", json_schema_extra={"maxLength": 500})


class ContactEdit(RequestModel):
    """The whole contact as it shall be on the order; the account stays as it is (E2)."""

    contact: ContactIn
    shipping_address: AddressIn | None = Field(
        default=None, description="As it shall be; without it, it stays as it is."
    )
    expected_version: WholeNumber = Field(default=0, description="The version you saw; 0 skips the check.")


class OrderLine(AnswerModel):
    """One line."""

    sku: str
    title: str
    quantity: int
    unit_price_minor: int
    discount_minor: int
    total_minor: int
    item_id: Id | None


class Payment(AnswerModel):
    """Money that came in."""

    payment_id: Id
    amount_minor: int
    method: str
    provider: str = Field(description="The provider that took it; empty for what was received by hand.")
    reference: str
    received_at: Time


class Refund(AnswerModel):
    """Money that was given back."""

    refund_id: Id
    amount_minor: int
    method: str
    reference: str
    reason: str
    refunded_at: Time
    state: Literal["by_hand", "pending", "done", "failed", "other"] = Field(
        description="How far the provider is that is to give it back."
    )
    failure: str = Field(description="Why it did not.")


class PaymentLink(AnswerModel):
    """Where the customer sees the order, and pays it while it is unpaid. Whoever has the link can open it."""

    url: str = Field(json_schema_extra={"format": "uri"})
    payable: bool = Field(description="Whether it can be paid there now.")


class HistoryEntry(AnswerModel):
    """One change in the life of an order."""

    at: Time
    actor: str = Field(examples=["staff:0199…", "api_key:0199…", "service:membership"])
    change: str = Field(
        description="placed, payment_confirmed, processing, shipped, completed, cancelled, refunded, contact_edited, owner_changed,"
        " contact_erased, email_resent"
    )
    note: str


class OrderSummary(AnswerModel):
    """An order as lists have it. Amounts are minor units of `currency`."""

    order_id: Id
    number: int
    customer_id: Id
    status: str
    channel: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    level_discount_minor: int = Field(description="What the customer's level took off.")
    level_name: str = Field(description="The level at that time; empty without a discount.")
    points_redeemed: int
    points_discount_minor: int = Field(description="What the points pay.")
    total_minor: int
    paid_minor: int
    refunded_minor: int
    tracking: str
    contact: Contact
    shipping_address: Address | None
    add_as_member: bool
    note: str
    external_reference: str
    language: str
    placed_at: Time
    paid_at: Time | None
    version: int
    resends: int = Field(description="How often the order e-mail was sent again, of 5 (E3).")


class Order(OrderSummary):
    """An order, whole."""

    lines: list[OrderLine]
    payments: list[Payment]
    refunds: list[Refund]
    history: list[HistoryEntry]


class OrderBuyer(AnswerModel):
    """Who bought. `pending`: the customer is linked a moment later, because membership could not say in time (E6)."""

    customer_id: Id
    status: Literal["member", "guest", "pending"]
    name: str
    created_member: bool


class PlacedOrder(Order):
    """The order that now stands, and its buyer."""

    customer: OrderBuyer
    level_discount_missed: bool = Field(
        description="The level discount was asked for and membership could not be reached: the order stands without it (E6)."
    )


class OrderList(AnswerModel):
    """Newest first."""

    items: list[OrderSummary]
    next_page_token: str | None


def summary_json(order: pb.Order) -> Json:
    """As in OrderSummary."""
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "status": word(order.status, _STATUS_WORDS),
        "channel": word(order.channel, _CHANNEL_WORDS),
        "currency": order.currency,
        "subtotal_minor": order.subtotal_minor,
        "discount_minor": order.discount_minor,
        "shipping_minor": order.shipping_minor,
        "level_discount_minor": order.level_discount_minor,
        "level_name": order.level_name,
        "points_redeemed": order.points_redeemed,
        "points_discount_minor": order.points_discount_minor,
        "total_minor": order.total_minor,
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
        "tracking": order.tracking,
        "contact": contact_json(order.contact),
        "shipping_address": address_json(order.shipping_address) if order.shipping_address.ByteSize() else None,
        "add_as_member": order.add_as_member,
        "note": order.note,
        "external_reference": order.external_reference,
        "language": order.language,
        "placed_at": when(order.placed_at),
        "paid_at": when_set(order, "paid_at"),
        "version": order.version,
        "resends": order.resends,
    }


def order_json(order: pb.Order) -> Json:
    """As in Order."""
    return summary_json(order) | {
        "lines": [_line_json(line) for line in order.lines],
        "payments": [_payment_json(payment) for payment in order.payments],
        "refunds": [_refund_json(refund) for refund in order.refunds],
        "history": [{"at": when(h.at), "actor": h.actor, "change": h.change, "note": h.note} for h in order.history],
    }


def buyer_json(buyer: Buyer) -> Json:
    """As in OrderBuyer."""
    return {
        "customer_id": buyer.customer_id,
        "status": word(buyer.status, _BUYER_WORDS),
        "name": buyer.name,
        "created_member": buyer.created_member,
    }


def _line_json(line: pb.OrderLine) -> Json:
    return {
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price_minor,
        "discount_minor": line.discount_minor,
        "total_minor": line.total_minor,
        "item_id": line.item_id or None,
    }


def _payment_json(payment: pb.Payment) -> Json:
    return {
        "payment_id": payment.payment_id,
        "amount_minor": payment.amount_minor,
        "method": word(payment.method, _METHOD_WORDS),
        "provider": payment.provider_name,
        "reference": payment.reference,
        "received_at": when(payment.received_at),
    }


def _refund_json(refund: pb.Refund) -> Json:
    return {
        "refund_id": refund.refund_id,
        "amount_minor": refund.amount_minor,
        "method": word(refund.method, _METHOD_WORDS),
        "reference": refund.reference,
        "reason": refund.reason,
        "refunded_at": when(refund.refunded_at),
        "state": word(refund.state, _REFUND_STATES),
        "failure": refund.failure,
    }


def _timestamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
