"""Lists of orders as CSV (C11)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from flask_babel import gettext as _

from gateway.auth import principal
from gateway.clients import services
from gateway.exports import csv_response, decimal, pages_of, phone, safe, zone_of_store
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1 import service_pb2 as pb
from services.common.paging import LARGEST_SIZE

Words = dict[int, str]


def orders_csv(request: pb.ListOrdersRequest) -> Response:
    """A list of orders as a file. Raises the errors of the list."""
    zone, statuses, channels = zone_of_store(), _statuses(), _channels()
    request.page.CopyFrom(PageRequest(size=LARGEST_SIZE))
    pages = pages_of(services().orders.list, request, lambda answer: answer.orders)
    header = _header(principal().store.currency)
    return csv_response("orders", header, pages, lambda order: _row(order, zone, statuses, channels))


def _header(currency: str) -> list[str]:
    return [
        *(_("Order"), _("Placed"), _("Status"), _("Channel"), _("Name"), _("Phone"), _("E-mail")),
        *(
            f"{amount} ({currency})"
            for amount in (_("Subtotal"), _("Discounts"), _("Shipping"), _("Total"), _("Received"), _("Refunded"))
        ),
        *(_("Note"), _("External reference"), _("Customer id"), _("Order id")),
    ]


def _row(order: pb.Order, zone: ZoneInfo, statuses: Words, channels: Words) -> list[Any]:
    placed = datetime.fromtimestamp(order.placed_at.seconds, zone).strftime("%Y-%m-%d %H:%M")
    discounts = order.discount_minor + order.level_discount_minor + order.points_discount_minor
    amounts = (order.subtotal_minor, discounts, order.shipping_minor, order.total_minor, order.paid_minor)
    return [
        *(order.number, placed, statuses.get(order.status, ""), channels.get(order.channel, "")),
        *map(safe, (order.contact.name, phone(order.contact.phone), order.contact.email)),
        *(decimal(minor, order.currency) for minor in (*amounts, order.refunded_minor)),
        *map(safe, (order.note, order.external_reference)),
        *(order.customer_id, order.order_id),
    ]


def _statuses() -> Words:
    return {
        pb.ORDER_STATUS_UNPAID: _("Unpaid"),
        pb.ORDER_STATUS_PAID: _("Paid"),
        pb.ORDER_STATUS_PROCESSING: _("In preparation"),
        pb.ORDER_STATUS_SHIPPED: _("Shipped"),
        pb.ORDER_STATUS_COMPLETED: _("Completed"),
        pb.ORDER_STATUS_CANCELLED: _("Cancelled"),
        pb.ORDER_STATUS_REFUNDED: _("Refunded"),
    }


def _channels() -> Words:
    return {
        pb.CHANNEL_CONSOLE: _("Console"),
        pb.CHANNEL_POS: _("Shop counter"),
        pb.CHANNEL_STOREFRONT: _("Online store"),
        pb.CHANNEL_API: _("API"),
    }
