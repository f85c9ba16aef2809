"""Runs that change many orders: request → command or query → response."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.orders.v1 import bulk_pb2 as pb
from onefold.orders.v1 import bulk_pb2_grpc
from onefold.orders.v1.service_pb2 import OrderStatus, PaymentMethod
from services.common import access, rpc
from services.common.ids import parse_id
from services.common.permissions import ORDERS_REFUND, ORDERS_WRITE
from services.common.wire import timestamp
from services.orders import commands, queries
from services.orders.api.orders import list_filter, read_ids
from services.orders.domain import MOST_ORDERS, BulkRun, Filter, RefusedOrder

Context = aio.ServicerContext[object, object]


class BulkApi(bulk_pb2_grpc.BulkServiceServicer):
    """BulkService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def CountOrders(self, request: pb.CountOrdersRequest, _: Context) -> pb.CountOrdersResponse:
        ids, asked = _selection(request.selection)
        count = await queries.count_orders(self._context.database, rpc.caller(), ids, asked)
        return pb.CountOrdersResponse(count=count, most=MOST_ORDERS)

    async def StartBulkRun(self, request: pb.StartBulkRunRequest, _: Context) -> pb.StartBulkRunResponse:
        refunds = request.goal == OrderStatus.ORDER_STATUS_REFUNDED
        access.require(rpc.caller(), ORDERS_REFUND if refunds else ORDERS_WRITE)
        ids, asked = _selection(request.selection)
        wish = commands.BulkWish(ids, asked, request.goal, request.method, request.note, request.expected_count)
        run = await commands.start_bulk_run(self._context, rpc.caller(), rpc.once(request, _started), wish)
        return _started(run)

    async def GetBulkRun(self, request: pb.GetBulkRunRequest, _: Context) -> pb.GetBulkRunResponse:
        run_id = parse_id(request.run_id, "run_id")
        run = await queries.get_bulk_run(self._context.database, rpc.caller(), run_id)
        return pb.GetBulkRunResponse(run=_message(run))

    async def ListBulkRuns(self, request: pb.ListBulkRunsRequest, _: Context) -> pb.ListBulkRunsResponse:
        page = request.page
        found = await queries.list_bulk_runs(self._context.database, rpc.caller(), page.size, page.token)
        return pb.ListBulkRunsResponse(runs=[_message(run) for run in found.items], next_page_token=found.next_token)

    async def ListRefusedOrders(self, request: pb.ListRefusedOrdersRequest, _: Context) -> pb.ListRefusedOrdersResponse:
        run_id, page = parse_id(request.run_id, "run_id"), request.page
        found = await queries.list_refused(self._context.database, rpc.caller(), run_id, page.size, page.token)
        return pb.ListRefusedOrdersResponse(
            orders=[_refused(order) for order in found.items], next_page_token=found.next_token
        )


def _selection(message: pb.OrderSelection) -> tuple[list[UUID], Filter | None]:
    """The orders named or, where there is one, a filter. Raises InvalidInput."""
    if message.HasField("filter"):
        return [], list_filter(message.filter)
    return read_ids(message.order_ids, "order_ids", MOST_ORDERS), None


def _started(run: BulkRun) -> pb.StartBulkRunResponse:
    return pb.StartBulkRunResponse(run=_message(run))


def _message(run: BulkRun) -> pb.BulkRun:
    return pb.BulkRun(
        run_id=str(run.run_id),
        state=pb.BulkRunState.ValueType(run.state),
        goal=OrderStatus.ValueType(run.goal),
        method=PaymentMethod.ValueType(run.method),
        note=run.note,
        done=run.done,
        total=run.total,
        refused_count=run.refused,
        requested_by=run.requested_by,
        requested_at=timestamp(run.requested_at),
        started_at=timestamp(run.started_at),
        finished_at=timestamp(run.finished_at),
    )


def _refused(order: RefusedOrder) -> pb.RefusedOrder:
    return pb.RefusedOrder(
        order_id=str(order.order_id),
        number=order.number or 0,
        reason=order.reason,
        status=OrderStatus.ValueType(order.status or 0),
        total_minor=order.total or 0,
        currency=order.currency or "",
    )
