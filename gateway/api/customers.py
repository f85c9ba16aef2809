"""/customers: any id that a customer ever had leads to the account that stays (F10)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.customer_models import (
    Customer,
    LoginMethodList,
    PointsBalance,
    PointsIn,
    PointsLedger,
    customer_json,
    ledger_json,
    login_method_json,
)
from gateway.api.fields import Id, IdempotencyHeader, Json, PageQuery
from gateway.api.message_models import MessageList, message_json
from gateway.api.order_models import OrderList
from gateway.api.orders import order_list
from gateway.auth import principal
from gateway.clients import services
from gateway.context import own_claims
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import service_pb2 as pb
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import service_pb2 as orders
from services.common import permissions

TAGS = [Tag(name="Customers", description="Customers and members, their points and messages.")]


class CustomerPath(BaseModel):
    """Which customer; an id of a merged account will do."""

    customer_id: Id


@blueprint.get("/customers/<customer_id>", tags=TAGS, responses={200: Customer})
@checked(permissions.MEMBERS_READ)
def get_customer(path: CustomerPath) -> Response:
    """Read a customer

    `customer_id` in the answer is the account that stays; `requested_id` is the id that was asked for.
    """
    return answer(customer_json(_customer(path), principal().store.currency, path.customer_id))


@blueprint.get("/customers/<customer_id>/points", tags=TAGS, responses={200: PointsLedger})
@checked(permissions.MEMBERS_READ)
def list_points(path: CustomerPath, query: PageQuery) -> Response:
    """Read the points ledger, newest first (B4)"""
    request = pb.ListPointsEntriesRequest(customer_id=path.customer_id, page=query.page())
    found = services().membership.list_points_entries(request)
    return answer(of_customer(path.customer_id, ledger_json(found)))


@blueprint.post("/customers/<customer_id>/points", tags=TAGS, responses={200: PointsBalance})
@checked(permissions.MEMBERS_WRITE)
def adjust_points(header: IdempotencyHeader, path: CustomerPath, body: PointsIn) -> Response:
    """Award or deduct points (B2)"""
    request = pb.AdjustPointsRequest(
        customer_id=path.customer_id, points=body.points, expires_on=body.expires_on, note=body.note
    )
    balance = services().membership.adjust_points(request, key=header.idempotency_key).balance
    return answer(of_customer(path.customer_id, {"balance": balance}))


@blueprint.get("/customers/<customer_id>/orders", tags=TAGS, responses={200: OrderList})
@checked(permissions.ORDERS_READ)
def list_customer_orders(path: CustomerPath, query: PageQuery) -> Response:
    """List a customer's orders, newest first

    Unpaid orders of merged accounts are not among them until payment is confirmed (F7).
    """
    return order_list(orders.ListOrdersRequest(page=query.page(), customer_ids=[_customer(path).customer_id]))


@blueprint.get("/customers/<customer_id>/login-methods", tags=TAGS, responses={200: LoginMethodList})
@checked(permissions.MEMBERS_READ)
def list_login_methods(path: CustomerPath) -> Response:
    """List a customer's ways to log in"""
    owner = _customer(path).customer_id
    found = services().logins.list_methods(identity.ListLoginMethodsRequest(customer_id=owner))
    items = [login_method_json(method) for method in found.login_methods]
    return answer({"customer_id": owner, "items": items, "next_page_token": None})


@blueprint.get("/customers/<customer_id>/messages", tags=TAGS, responses={200: MessageList})
@checked(permissions.MEMBERS_READ)
def list_messages(path: CustomerPath, query: PageQuery) -> Response:
    """List the messages sent to a customer, newest first (G2)

    A message belongs to the account it was sent to: ask by the id of a merged account for what that one got.
    """
    found = services().notifications.list_messages(
        notification.ListMessagesRequest(page=query.page(), customer_id=path.customer_id)
    )
    return answer(
        {
            "items": [message_json(message) for message in found.messages],
            "next_page_token": found.next_page_token or None,
        }
    )


def of_customer(customer_id: str, document: Json) -> Json:
    """The document with the account behind an id, as in OfCustomer. Raises NotFound.

    Asked in the gateway's own name, for not everybody who may change a customer may read one. Where it fails after a change, the same
    request may be sent again and changes nothing more (E7).
    """
    request = pb.GetCustomerRequest(customer_id=customer_id)
    owner = services().membership.get_customer(request, claims=own_claims()).customer.customer_id
    return {"customer_id": owner, **document}


def _customer(path: CustomerPath) -> pb.Customer:
    return services().membership.get_customer(pb.GetCustomerRequest(customer_id=path.customer_id)).customer
