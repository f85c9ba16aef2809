"""Ways of the data that cross services, the same for REST and console."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.clients import services
from gateway.context import own_claims
from gateway.errors import is_unreachable
from onefold.membership.v1 import service_pb2 as membership
from onefold.orders.v1 import carts_pb2 as carts
from onefold.orders.v1 import service_pb2 as orders
from services.common.errors import OnefoldError
from services.common.money import LARGEST_AMOUNT
from services.common.telemetry.metrics import ENROLMENTS_DEFERRED

log = structlog.get_logger()

# The order stands already; its reply may wait this long for what the event brings a moment later anyway.
ENROL_SECONDS = 0.5
# An order does not wait for the buyer's contact longer than a cashier would.
KNOW_SECONDS = 1.0
_GONE = {membership.CUSTOMER_STATUS_DELETED, membership.CUSTOMER_STATUS_ERASED}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who bought, as far as it is known yet. `status` UNSPECIFIED: membership could not say in time."""

    customer_id: str
    status: membership.CustomerStatus.ValueType
    name: str
    created_member: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that stands, and its buyer. `level_discount_missed`: it was wished for, and membership could not say in time."""

    order: orders.Order
    buyer: Buyer
    level_discount_missed: bool = False


def place_order(request: orders.CreateOrderRequest, key: str, *, apply_level: bool = False) -> Placed:
    """Places an order and makes or finds its customer (A4, E5, E6, E7).

    The order stands once `orders` has answered, whatever happens to the rest: the event brings what is missing. `request` is
    filled with the known customer's contact and, with `apply_level`, with what the level takes off (B1): an order for which
    membership cannot be asked stands without that. Raises what `orders` raises, and NotFound (customer_not_found).
    """
    return _place(
        request, apply_level, b"", lambda asked: services().orders.create(request, key=key, asked=asked).order
    )


def check_out(
    cart: carts.CartRef, request: orders.CreateOrderRequest, key: str, *, apply_level: bool = False
) -> Placed:
    """Makes the order of a cart, as `place_order` does; asked again, by whatever key, the answer is that order (E4).

    The lines of `request` are what the customer has seen. Raises what `orders` raises, and NotFound (customer_not_found).
    """

    def place(asked: str) -> orders.Order:
        wish = carts.CheckOutCartRequest(cart=cart, order=request)
        return services().carts.check_out(wish, key=key, asked=asked).order

    return _place(request, apply_level, cart.SerializeToString(deterministic=True), place)


def _place(
    request: orders.CreateOrderRequest, apply_level: bool, more: bytes, place: Callable[[str], orders.Order]
) -> Placed:
    # A repeat is known by what was asked, not by what is filled in here, which may have changed in between.
    asked = hashlib.sha256(request.SerializeToString(deterministic=True) + b"level" * apply_level + more).hexdigest()
    known, quoted = _identified(request, apply_level) if request.customer_id else (None, True)
    order = place(asked)
    # A guest who was picked becomes a member with this order, if that was wished (A4).
    if known and not (order.add_as_member and known.status == membership.CUSTOMER_STATUS_GUEST):
        return Placed(order, known, not (quoted or order.level_name))
    buyer = _enrol(order, new_customer=known is None)
    order.customer_id = buyer.customer_id
    return Placed(order, buyer)


def _identified(request: orders.CreateOrderRequest, apply_level: bool) -> tuple[Buyer, bool]:
    """The customer named in the request, whose contact fills what the request leaves open, and with it what the level takes off.

    False: that was wished for, and membership could not say in time.
    """
    amount = goods_of(request)
    # Else there is nothing to take from, or the order will be refused.
    wanted = apply_level and 0 < amount <= LARGEST_AMOUNT
    asked = membership.GetBuyerRequest(customer_id=request.customer_id, amount_minor=amount if wanted else 0)
    try:
        known = services().membership.get_buyer(asked, seconds=KNOW_SECONDS)
    except OnefoldError as error:
        if not is_unreachable(error):
            raise
        # The order is taken as it was given; `orders` and the event know the customer by the id (E6).
        _defer("get_buyer", error)
        return Buyer(request.customer_id, membership.CUSTOMER_STATUS_UNSPECIFIED, request.contact.name), not wanted
    request.customer_id, request.customer_gone = known.customer_id, known.status in _GONE
    contact = request.contact
    contact.name = contact.name or known.name
    contact.phone = contact.phone or known.phone
    contact.email = contact.email or known.email
    if known.level_discount_minor:
        request.level_discount_minor, request.level_name = known.level_discount_minor, known.level_name
    return Buyer(known.customer_id, known.status, known.name), True


def goods_of(request: orders.CreateOrderRequest) -> int:
    """What the lines come to after all discounts but the level's: that is what the level takes a part of."""
    lines = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in request.lines)
    return lines - request.discount_minor


def _enrol(order: orders.Order, *, new_customer: bool) -> Buyer:
    """Asks for the command that the event order_placed brings as well; it happens once for the order, whoever comes first."""
    request = membership.EnrolBuyerRequest(
        order_id=order.order_id,
        customer_id=order.customer_id,
        new_customer=new_customer,
        contact=order.contact,
        add_as_member=order.add_as_member,
        trusted=order.channel != orders.CHANNEL_STOREFRONT,
        language=order.language,
        shipping_address=order.shipping_address,
        placed_at=order.placed_at,
    )
    try:
        # In the gateway's own name: what it says of the order is not for a customer to say.
        answer = services().membership.enrol_buyer(
            request, key=order.order_id, seconds=ENROL_SECONDS, claims=own_claims()
        )
    except OnefoldError as error:
        _defer("enrol_buyer", error)
        return Buyer(order.customer_id, membership.CUSTOMER_STATUS_UNSPECIFIED, order.contact.name)
    return Buyer(answer.customer_id, answer.status, answer.name, answer.created_member)


def _defer(call: str, error: OnefoldError) -> None:
    ENROLMENTS_DEFERRED.labels(call, error.reason).inc()
    log.warning("enrolment_deferred", call=call, reason=error.reason)
