"""What a receipt says of an order, for one that was just placed and for one that is printed again."""

from __future__ import annotations

from flask import Response

from gateway.api.checked import answer, checked
from gateway.api.fields import Json, when
from gateway.api.orders import OrderPath
from gateway.clients import services
from gateway.console import ask, labels
from gateway.pos.frame import blueprint
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1.service_pb2 import ListPointsEntriesRequest, PointsReason
from onefold.orders.v1.service_pb2 import Order
from services.common.errors import NotFound
from services.common.permissions import ORDERS_READ

# An order that was just placed is among the newest entries of its buyer's ledger.
_LOOKED_THROUGH = 25


@blueprint.get("/data/orders/<order_id>")
@checked(ORDERS_READ)
def show_receipt(path: OrderPath) -> Response:
    """The order as a receipt has it, with the points as far as membership knows by now: they are earned by the order's event."""
    order = ask.order(path.order_id)
    return answer(receipt_json(order) | {"points": _points(order)})


def receipt_json(order: Order) -> Json:
    """Amounts in minor units of `currency`."""
    return {
        "order_id": order.order_id,
        "number": order.number,
        "receipt": order.external_reference,
        "taken_at": when(order.placed_at),
        "paid": order.HasField("paid_at"),
        "payments": [
            {"method_text": labels.words_of(labels.PAYMENT_METHOD, payment.method), "reference": payment.reference}
            for payment in order.payments
        ],
        "lines": [
            {
                "title": line.title or line.sku,
                "quantity": line.quantity,
                "unit_price_minor": line.unit_price_minor,
                "discount_minor": line.discount_minor,
            }
            for line in order.lines
        ],
        "currency": order.currency,
        "discount_minor": order.discount_minor,
        "shipping_minor": order.shipping_minor,
        "level_discount_minor": order.level_discount_minor,
        "level_name": order.level_name,
        "points_redeemed": order.points_redeemed,
        "points_discount_minor": order.points_discount_minor,
        "total_minor": order.total_minor,
        "buyer": order.contact.name,
        "note": order.note,
    }


def _points(order: Order) -> Json | None:
    """What the order earned and what the buyer holds; None while nobody can say."""
    wish = ListPointsEntriesRequest(customer_id=order.customer_id, page=PageRequest(size=_LOOKED_THROUGH))
    try:
        ledger = ask.if_up(lambda: services().membership.list_points_entries(wish))
    except NotFound:  # the buyer is not known there yet
        return None
    if ledger is None:
        return None
    earned = sum(
        entry.points
        for entry in ledger.entries
        if entry.order_id == order.order_id and entry.reason == PointsReason.POINTS_REASON_EARNED
    )
    return {"earned": earned, "balance": ledger.balance}
