"""/customers/…/spend: a customer's net spend, order by order (B5)."""

from __future__ import annotations

from typing import Literal

from flask import Response
from pydantic import Field

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.customers import TAGS, CustomerPath
from gateway.api.fields import AnswerModel, Id, Json, PageQuery, Time, when, word
from gateway.api.order_models import STATUSES, StatusWord
from gateway.auth import principal
from gateway.clients import services
from onefold.membership.v1 import service_pb2 as membership
from onefold.orders.v1 import spend_pb2 as pb
from services.common import permissions

_STATUS_WORDS: dict[int, str] = {number: name for name, number in STATUSES.items()}


class SpentOrder(AnswerModel):
    """An order for which money came in."""

    order_id: Id
    number: int
    placed_at: Time
    status: StatusWord | Literal["other"]
    paid_minor: int
    refunded_minor: int
    running_minor: int = Field(description="Paid less refunded, of this order and all that were placed before it.")
    moved_from: Id | None = Field(description="The account that it was placed with, where a merge has moved it.")


class SpendExplained(AnswerModel):
    """Net spend and the orders of which it is the sum, newest first."""

    customer_id: Id
    currency: str
    net_spend_minor: int = Field(description="What the account has.")
    orders_minor: int = Field(description="What its orders come to.")
    settled: bool = Field(
        description="Whether the two are the same. Where they are not, the account has yet to hear of an order; a moment later it has."
    )
    items: list[SpentOrder]
    next_page_token: str | None


@blueprint.get("/customers/<customer_id>/spend", tags=TAGS, responses={200: SpendExplained})
@checked(permissions.ORDERS_READ)
def explain_spend(path: CustomerPath, query: PageQuery) -> Response:
    """Explain a customer's net spend order by order, newest first (B5)"""
    wish = membership.GetCustomerRequest(customer_id=path.customer_id)
    customer = services().membership.get_customer(wish).customer
    request = pb.ExplainSpendRequest(customer_id=customer.customer_id, page=query.page())
    found = services().spend.explain(request)
    return answer(
        {
            "customer_id": customer.customer_id,
            "currency": principal().store.currency,
            "net_spend_minor": customer.net_spend_minor,
            "orders_minor": found.net_spend_minor,
            "settled": customer.net_spend_minor == found.net_spend_minor,
            "items": [_order_json(order) for order in found.orders],
            "next_page_token": found.next_page_token or None,
        }
    )


def _order_json(order: pb.SpentOrder) -> Json:
    return {
        "order_id": order.order_id,
        "number": order.number,
        "placed_at": when(order.placed_at),
        "status": word(order.status, _STATUS_WORDS),
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
        "running_minor": order.running_minor,
        "moved_from": order.moved_from or None,
    }
