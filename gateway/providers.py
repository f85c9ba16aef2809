"""What a page that tells of an order needs to know of paying it online."""

from __future__ import annotations

from flask import request

from gateway.clients import services
from onefold.orders.v1 import payments_pb2 as pb
from onefold.orders.v1.service_pb2 import Order, OrderStatus
from services.common.errors import OnefoldError
from services.common.tokens import ServiceClaims


def provider_of(order: Order, claims: ServiceClaims) -> str:
    """What the customer pays with, as the store calls it; empty where the order cannot be paid online, or nobody can say."""
    if order.status != OrderStatus.ORDER_STATUS_UNPAID or not order.total_minor:
        return ""
    try:
        found = services().payments.get_providers(pb.GetProvidersRequest(), claims=claims).providers
    except OnefoldError:
        return ""
    return next((provider.name for provider in found if provider.active), "")


def came_back(order: Order) -> str:
    """How the customer came back from the provider: done or cancelled; empty for everybody else, and once the order is paid."""
    word = request.args.get("payment", "")
    unpaid = order.status == OrderStatus.ORDER_STATUS_UNPAID
    return word if unpaid and word in ("done", "cancelled") else ""
