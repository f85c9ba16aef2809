"""Net spend, order by order: request → query → response."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import spend_pb2 as pb
from onefold.orders.v1 import spend_pb2_grpc
from onefold.orders.v1.service_pb2 import OrderStatus
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.orders import commands, queries
from services.orders.domain import SpentOrder

Context = aio.ServicerContext[object, object]


class SpendApi(spend_pb2_grpc.SpendServiceServicer):
    """SpendService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def ExplainSpend(self, request: pb.ExplainSpendRequest, _: Context) -> pb.ExplainSpendResponse:
        customer_id, page = parse_id(request.customer_id, "customer_id"), request.page
        total, found = await queries.explain_spend(
            self._context.database, rpc.caller(), customer_id, page.size, page.token
        )
        return pb.ExplainSpendResponse(
            net_spend_minor=total, orders=[_message(order) for order in found.items], next_page_token=found.next_token
        )


def _message(order: SpentOrder) -> pb.SpentOrder:
    return pb.SpentOrder(
        order_id=str(order.order_id),
        number=order.number,
        placed_at=timestamp(order.placed_at),
        status=OrderStatus.ValueType(order.status),
        paid_minor=order.paid,
        refunded_minor=order.refunded,
        running_minor=order.running,
        currency=order.currency,
        moved_from=str(order.moved_from or ""),
    )
