"""/carts: what visitors and members of a merchant's own shop mean to buy (E4)"""

from __future__ import annotations

import hashlib
from uuid import UUID

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import PREFIX, blueprint
from gateway.api.cart_models import (
    Cart,
    CartIn,
    CartLinePath,
    CartOwner,
    CartPath,
    CheckoutIn,
    LineQuantity,
    cart_json,
)
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader
from gateway.api.order_models import PlacedOrder, buyer_json, order_json
from gateway.auth import principal
from gateway.clients import services
from gateway.flows import check_out
from onefold.membership.v1.service_pb2 import GetCustomerRequest
from onefold.orders.v1 import carts_pb2 as pb
from services.common import permissions
from services.common.errors import InvalidInput, Violation

_TAGS = [Tag(name="Carts", description="What visitors and members mean to buy, until it becomes an order.")]


@blueprint.post("/carts", tags=_TAGS, responses={201: Cart})
@checked(permissions.CARTS_WRITE)
def create_cart(header: IdempotencyHeader, body: CartIn) -> Response:
    """Begin a cart

    A member has one open cart: what is sent is put on top of what is in it.
    """
    ref = pb.CartRef(customer_id=_live(body.customer_id)) if body.customer_id else pb.CartRef()
    lines = [pb.CartWish(item_id=str(line.item_id), quantity=line.quantity, add=True) for line in body.lines]
    request = pb.ChangeCartRequest(cart=ref, lines=lines)
    # The account may have been merged between a request and its repeat.
    asked = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    cart = services().carts.change(request, key=header.idempotency_key, asked=asked).cart
    return created(cart_json(cart), f"{PREFIX}/carts/{cart.cart_id}")


@blueprint.get("/carts/<cart_id>", tags=_TAGS, responses={200: Cart})
@checked(permissions.CARTS_READ)
def get_cart(path: CartPath) -> Response:
    """Read a cart at the prices of now"""
    return answer(cart_json(_cart(path.cart_id)))


@blueprint.put("/carts/<cart_id>/lines/<item_id>", tags=_TAGS, responses={200: Cart})
@checked(permissions.CARTS_WRITE)
def set_cart_line(header: IdempotencyHeader, path: CartLinePath, body: LineQuantity) -> Response:
    """Put an item in, change its quantity, or take it out with 0"""
    wish = pb.CartWish(item_id=path.item_id, quantity=body.quantity)
    request = pb.ChangeCartRequest(cart=pb.CartRef(cart_id=path.cart_id), lines=[wish])
    try:
        cart = services().carts.change(request, key=header.idempotency_key).cart
    except InvalidInput as error:
        named = (Violation(v.field.removeprefix("lines[0]."), v.reason, v.params) for v in error.violations)
        raise InvalidInput(*named) from error
    return answer(cart_json(cart))


@blueprint.post("/carts/<cart_id>/owner", tags=_TAGS, responses={200: Cart})
@checked(permissions.CARTS_WRITE)
def claim_cart(header: IdempotencyHeader, path: CartPath, body: CartOwner) -> Response:
    """Let a visitor's cart go into the cart of a member, who has logged in

    Quantities of the same item add up. The answer is the member's cart; the visitor's is closed.
    """
    ref, owner = pb.CartRef(cart_id=path.cart_id), _live(body.customer_id)
    request = pb.ClaimCartRequest(cart=ref, customer_id=owner)
    return answer(cart_json(services().carts.claim(request, key=header.idempotency_key).cart))


@blueprint.post("/carts/<cart_id>/checkout", tags=_TAGS, responses={201: PlacedOrder})
@checked(permissions.CARTS_WRITE)
def check_out_cart(header: IdempotencyHeader, path: CartPath, body: CheckoutIn) -> Response:
    """Make an unpaid order of a cart, exactly once

    Of a cart that has become an order, that order is the answer, whatever the Idempotency-Key. Prices that are not the list's any more, and
    what is not in the cart, are refused by line: read the cart again and show it.
    """
    cart = _cart(path.cart_id)
    wish = body.message(cart, principal().store.currency)
    placed = check_out(
        pb.CartRef(cart_id=path.cart_id),
        wish,
        header.idempotency_key,
        apply_level=bool(cart.customer_id) and body.apply_level_discount,
    )
    document = order_json(placed.order)
    document["customer"] = buyer_json(placed.buyer)
    document["level_discount_missed"] = placed.level_discount_missed
    return created(document, f"{PREFIX}/orders/{placed.order.order_id}")


def _cart(cart_id: str) -> pb.Cart:
    return services().carts.get(pb.GetCartRequest(cart=pb.CartRef(cart_id=cart_id))).cart


def _live(customer_id: UUID) -> str:
    """The account that lives on behind an id (F10). Raises NotFound (customer_not_found)."""
    request = GetCustomerRequest(customer_id=str(customer_id))
    return services().membership.get_customer(request).customer.customer_id
