"""/orders"""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway import links
from gateway.api.base import CSV, PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import Id, IdempotencyHeader
from gateway.api.order_lists import OrderFilter, OrdersQuery, named_as_sent
from gateway.api.order_models import (
    METHODS,
    STATUSES,
    Advance,
    Cancellation,
    ContactEdit,
    Order,
    OrderIn,
    OrderList,
    PaymentIn,
    PaymentLink,
    PlacedOrder,
    RefundIn,
    buyer_json,
    order_json,
    summary_json,
)
from gateway.auth import principal
from gateway.clients import services
from gateway.flows import place_order
from gateway.order_exports import orders_csv
from gateway.providers import provider_of
from onefold.orders.v1 import service_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Orders", description="Orders and their payments.")]


class OrderPath(BaseModel):
    """Which order."""

    order_id: Id


@blueprint.post("/orders", tags=_TAGS, responses={201: PlacedOrder})
@checked(permissions.ORDERS_WRITE)
def create_order(header: IdempotencyHeader, body: OrderIn) -> Response:
    """Place an order

    The order stands with this answer, whatever else is down. The customer is made or found at once when possible, and a moment
    later otherwise (`customer.status` is then `pending`).
    """
    placed = place_order(body.message(), header.idempotency_key, apply_level=body.apply_level_discount)
    document = order_json(placed.order)
    document["customer"] = buyer_json(placed.buyer)
    document["level_discount_missed"] = placed.level_discount_missed
    return created(document, f"{PREFIX}/orders/{placed.order.order_id}")


@blueprint.get("/orders", tags=_TAGS, responses={200: OrderList})
@checked(permissions.ORDERS_READ)
def list_orders(query: OrdersQuery) -> Response:
    """List orders by filter, newest first"""
    with named_as_sent():
        return order_list(query.message())


@blueprint.get("/orders/export.csv", tags=_TAGS, responses={200: CSV})
@checked(permissions.ORDERS_EXPORT)
def export_orders(query: OrderFilter) -> Response:
    """Export a list of orders as CSV (C11)

    UTF-8 with a byte order mark; the header in the language of Accept-Language. Text that a spreadsheet would take for a formula
    has an apostrophe in front.
    """
    with named_as_sent():
        return orders_csv(query.message())


def order_list(request: pb.ListOrdersRequest) -> Response:
    """A page of orders as JSON."""
    found = services().orders.list(request)
    return answer(
        {"items": [summary_json(order) for order in found.orders], "next_page_token": found.next_page_token or None}
    )


@blueprint.get("/orders/<order_id>", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_READ)
def get_order(path: OrderPath) -> Response:
    """Read an order with lines, payments and history"""
    return answer(order_json(services().orders.get(pb.GetOrderRequest(order_id=path.order_id)).order))


@blueprint.post("/orders/<order_id>/payment", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_WRITE)
def confirm_payment(header: IdempotencyHeader, path: OrderPath, body: PaymentIn) -> Response:
    """Confirm the payment of an unpaid order

    An order of an account that was merged goes to the account that stays (F7).
    """
    request = pb.ConfirmPaymentRequest(
        order_id=path.order_id, method=METHODS[body.method], reference=body.reference, amount_minor=body.amount_minor
    )
    return answer(order_json(services().orders.confirm_payment(request, key=header.idempotency_key).order))


@blueprint.get("/orders/<order_id>/payment-link", tags=_TAGS, responses={200: PaymentLink})
@checked(permissions.ORDERS_WRITE)
def payment_link(path: OrderPath) -> Response:
    """The link by which the customer sees the order and pays it online

    It is good for 400 days. Nothing is sent; the order e-mail carries the same link.
    """
    order = services().orders.get(pb.GetOrderRequest(order_id=path.order_id)).order
    payable = bool(provider_of(order, principal().claims))
    return answer({"url": links.order_page(principal().store, order.order_id), "payable": payable})


@blueprint.post("/orders/<order_id>/resend-email", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_WRITE)
def resend_email(header: IdempotencyHeader, path: OrderPath) -> Response:
    """Send the order e-mail again, at most 5 times for each order (E3)

    It goes to the address that is on the order now.
    """
    request = pb.ResendOrderEmailRequest(order_id=path.order_id)
    return answer(order_json(services().orders.resend_email(request, key=header.idempotency_key).order))


@blueprint.post("/orders/<order_id>/status", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_WRITE)
def advance_order(header: IdempotencyHeader, path: OrderPath, body: Advance) -> Response:
    """Bring a paid order further: in preparation, shipped, completed"""
    request = pb.AdvanceOrderRequest(
        order_id=path.order_id, status=STATUSES[body.status], tracking=body.tracking, note=body.note
    )
    return answer(order_json(services().orders.advance(request, key=header.idempotency_key).order))


@blueprint.post("/orders/<order_id>/cancellation", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_WRITE)
def cancel_order(header: IdempotencyHeader, path: OrderPath, body: Cancellation) -> Response:
    """Cancel an order for which no money is held

    Points that it holds come back. What has been paid is refunded instead.
    """
    request = pb.CancelOrderRequest(order_id=path.order_id, reason=body.reason)
    return answer(order_json(services().orders.cancel(request, key=header.idempotency_key).order))


@blueprint.post("/orders/<order_id>/refunds", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_REFUND)
def refund_order(header: IdempotencyHeader, path: OrderPath, body: RefundIn) -> Response:
    """Note that money was given back, all or a part of it

    Where a provider took the payment, it is asked to give it back; `refunds[].state` says how far it is.
    Points that the order earned go, and those it redeemed come back, in proportion (B4).
    """
    request = pb.RefundOrderRequest(
        order_id=path.order_id,
        amount_minor=body.amount_minor,
        method=METHODS.get(body.method, pb.PAYMENT_METHOD_UNSPECIFIED),
        reference=body.reference,
        reason=body.reason,
    )
    return answer(order_json(services().orders.refund(request, key=header.idempotency_key).order))


@blueprint.patch("/orders/<order_id>/contact", tags=_TAGS, responses={200: Order})
@checked(permissions.ORDERS_WRITE)
def edit_contact(header: IdempotencyHeader, path: OrderPath, body: ContactEdit) -> Response:
    """Change contact and shipping address on an order; the account stays as it is (E2)"""
    request = pb.EditContactRequest(
        order_id=path.order_id,
        contact=body.contact.message(),
        shipping_address=body.shipping_address.message() if body.shipping_address else None,
        expected_version=body.expected_version,
    )
    return answer(order_json(services().orders.edit_contact(request, key=header.idempotency_key).order))
