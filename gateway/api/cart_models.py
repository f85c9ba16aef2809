"""Carts as programs send and read them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import (
    AddressIn,
    Amount,
    AnswerModel,
    ContactIn,
    Id,
    Json,
    Language,
    Quantity,
    RequestModel,
    Time,
    WholeNumber,
    when,
    word,
)
from onefold.orders.v1 import carts_pb2 as pb
from onefold.orders.v1 import service_pb2 as orders

_INT32 = 2**31 - 1
_Count = Annotated[int, Field(ge=-_INT32, le=_INT32, json_schema_extra={"minimum": 0, "maximum": 999})]
_STATES: dict[int, str] = {number: name.removeprefix("CART_STATE_").lower() for name, number in pb.CartState.items()}


class CartLineIn(RequestModel):
    """So many of an item."""

    item_id: UUID
    quantity: _Count


class CartIn(RequestModel):
    """A new cart, or lines on top of what is in a member's."""

    customer_id: UUID | None = Field(default=None, description="The member whose cart it is. Default: a visitor's.")
    lines: list[CartLineIn] = Field(default_factory=list, json_schema_extra={"maxItems": 100})


class LineQuantity(RequestModel):
    """So many instead of what is there; 0 takes the item out."""

    quantity: _Count


class CartOwner(RequestModel):
    """Who a visitor turned out to be."""

    customer_id: UUID


class SeenLine(RequestModel):
    """A line as the customer has seen it. Prices are the list's: another one is refused."""

    item_id: UUID
    quantity: Quantity
    unit_price_minor: Amount


class CheckoutIn(RequestModel):
    """What an order needs beside its cart. A visitor says who buys by `contact`; a member's fills itself in."""

    lines: list[SeenLine] = Field(json_schema_extra={"minItems": 1, "maxItems": 100})
    contact: ContactIn | None = None
    shipping_address: AddressIn | None = None
    shipping_minor: Amount = 0
    note: str = ""
    external_reference: str = Field(default="", json_schema_extra={"maxLength": 64})
    language: Language = Field(
        default="", description="Of the lines and the customer's messages. Default: the store's."
    )
    apply_level_discount: bool = Field(default=False, description="Takes off what the member's level gives (B1).")
    redeem_points: WholeNumber = Field(default=0, json_schema_extra={"minimum": 0})

    def message(self, cart: pb.Cart, currency: str) -> orders.CreateOrderRequest:
        """For the service."""
        return orders.CreateOrderRequest(
            customer_id=cart.customer_id,
            contact=self.contact.message() if self.contact else None,
            channel=orders.CHANNEL_STOREFRONT,
            currency=currency,
            lines=[
                orders.OrderLine(
                    item_id=str(line.item_id), quantity=line.quantity, unit_price_minor=line.unit_price_minor
                )
                for line in self.lines
            ],
            shipping_minor=self.shipping_minor,
            shipping_address=self.shipping_address.message() if self.shipping_address else None,
            note=self.note,
            external_reference=self.external_reference,
            language=self.language,
            points_redeemed=self.redeem_points,
        )


class CartPath(BaseModel):
    """Which cart."""

    cart_id: Id


class CartLinePath(CartPath):
    """Which item of which cart."""

    item_id: Id


class CartLine(AnswerModel):
    """One item, as the price list has it now."""

    item_id: Id
    name_en: str
    name_zh: str
    sku: str
    quantity: int
    unit_price_minor: int
    seen_price_minor: int = Field(description="What it cost when it was put in.")
    total_minor: int
    sold: bool = Field(
        description="False: not sold online any more; it must be taken out before the cart is checked out."
    )


class Cart(AnswerModel):
    """A cart as it stands."""

    cart_id: Id
    state: Literal["open", "checked_out", "claimed", "ended", "unspecified"]
    customer_id: Id | None
    lines: list[CartLine]
    subtotal_minor: int
    changed_at: Time
    version: int
    order_id: Id | None = Field(description="What it has become.")


def cart_json(cart: pb.Cart) -> Json:
    """As in Cart."""
    return {
        "cart_id": cart.cart_id,
        "state": word(cart.state, _STATES),
        "customer_id": cart.customer_id or None,
        "lines": [_line_json(line) for line in cart.lines],
        "subtotal_minor": cart.subtotal_minor,
        "changed_at": when(cart.changed_at),
        "version": cart.version,
        "order_id": cart.order_id or None,
    }


def _line_json(line: pb.CartLine) -> Json:
    return {
        "item_id": line.item.item_id,
        "name_en": line.item.name_en,
        "name_zh": line.item.name_zh,
        "sku": line.item.sku,
        "quantity": line.quantity,
        "unit_price_minor": line.item.unit_price_minor,
        "seen_price_minor": line.seen_price_minor,
        "total_minor": line.total_minor,
        "sold": line.sold,
    }
