"""/members/{id}/benefits: what level and points take off an order (B1, B2)."""

from __future__ import annotations

from flask import Response

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.customers import TAGS, CustomerPath
from gateway.api.fields import Amount, AnswerModel, Id, QueryModel
from gateway.clients import services
from onefold.membership.v1 import benefits_pb2 as pb
from services.common import permissions


class BenefitsQuery(QueryModel):
    """Of which amount: the goods after all other discounts, without shipping."""

    amount_minor: Amount


class Benefits(AnswerModel):
    """What the customer has for an order now; nothing is kept. All is 0 for a customer who is not a member."""

    customer_id: Id
    level_name: str
    discount_percent: int
    level_discount_minor: int
    points_balance: int
    redeem_per_unit: int
    points_usable: int
    points_value_minor: int


@blueprint.get("/members/<customer_id>/benefits", tags=TAGS, responses={200: Benefits})
@checked(permissions.MEMBERS_READ)
def quote_benefits(path: CustomerPath, query: BenefitsQuery) -> Response:
    """Say what level and points take off an amount

    `points_usable` are the most points that can be used for what the level leaves, and pay `points_value_minor`.
    """
    request = pb.QuoteBenefitsRequest(customer_id=path.customer_id, amount_minor=query.amount_minor)
    found = services().benefits.quote(request)
    return answer(
        {
            "customer_id": found.customer_id,
            "level_name": found.level_name,
            "discount_percent": found.discount_percent,
            "level_discount_minor": found.level_discount_minor,
            "points_balance": found.points_balance,
            "redeem_per_unit": found.redeem_per_unit,
            "points_usable": found.points_usable,
            "points_value_minor": found.points_value_minor,
        }
    )
