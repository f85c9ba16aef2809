"""/order-runs: one change made to many orders (E1)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import PREFIX, blueprint
from gateway.api.bulk_models import (
    OrderRun,
    OrderRunList,
    OrderRunPath,
    RefundRunIn,
    RefusedOrderList,
    StatusRunIn,
    refused_json,
    run_json,
)
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader, PageQuery
from gateway.api.order_lists import named_as_sent
from gateway.clients import services
from onefold.orders.v1 import bulk_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Many orders", description="One change made to many orders, by itself, order by order.")]


@blueprint.post("/order-runs/status", tags=_TAGS, responses={202: OrderRun})
@checked(permissions.ORDERS_WRITE)
def start_status_run(header: IdempotencyHeader, body: StatusRunIn) -> Response:
    """Bring many paid orders further: in preparation, shipped, completed

    Each order is changed at most once; those that cannot take the step stay as they are and are listed with the reason.
    """
    with named_as_sent():
        return _start(body.message(), header)


@blueprint.post("/order-runs/refunds", tags=_TAGS, responses={202: OrderRun})
@checked(permissions.ORDERS_REFUND)
def start_refund_run(header: IdempotencyHeader, body: RefundRunIn) -> Response:
    """Refund many orders in full

    Of an order that was refunded in part, what is left is given back. What was paid online, the payment provider gives back.
    """
    with named_as_sent():
        return _start(body.message(), header)


def _start(wish: pb.StartBulkRunRequest, header: IdempotencyHeader) -> Response:
    run = services().bulk.start(wish, key=header.idempotency_key).run
    return created(run_json(run), f"{PREFIX}/order-runs/{run.run_id}", 202)


@blueprint.get("/order-runs", tags=_TAGS, responses={200: OrderRunList})
@checked(permissions.ORDERS_READ)
def list_order_runs(query: PageQuery) -> Response:
    """List runs, newest first"""
    found = services().bulk.list(pb.ListBulkRunsRequest(page=query.page()))
    return answer({"items": [run_json(run) for run in found.runs], "next_page_token": found.next_page_token or None})


@blueprint.get("/order-runs/<run_id>", tags=_TAGS, responses={200: OrderRun})
@checked(permissions.ORDERS_READ)
def get_order_run(path: OrderRunPath) -> Response:
    """Watch a run; `done` is its end"""
    return answer(run_json(services().bulk.get(pb.GetBulkRunRequest(run_id=path.run_id)).run))


@blueprint.get("/order-runs/<run_id>/refused", tags=_TAGS, responses={200: RefusedOrderList})
@checked(permissions.ORDERS_READ)
def list_refused_orders(path: OrderRunPath, query: PageQuery) -> Response:
    """List the orders that a run could not change, each with its reason"""
    found = services().bulk.list_refused(pb.ListRefusedOrdersRequest(run_id=path.run_id, page=query.page()))
    return answer(
        {"items": [refused_json(order) for order in found.orders], "next_page_token": found.next_page_token or None}
    )
