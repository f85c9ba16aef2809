"""gRPC of BenefitsService: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import benefits_pb2 as pb
from onefold.membership.v1 import benefits_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.membership import commands
from services.membership.domain import Redemption
from services.membership.queries import benefits

Context = aio.ServicerContext[object, object]


class BenefitsApi(benefits_pb2_grpc.BenefitsServiceServicer):
    """BenefitsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def QuoteBenefits(self, request: pb.QuoteBenefitsRequest, _: Context) -> pb.QuoteBenefitsResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        found = await benefits.quote_benefits(self._context.database, rpc.caller(), customer_id, request.amount_minor)
        return pb.QuoteBenefitsResponse(
            customer_id=str(found.customer_id),
            level_name=found.level_name,
            discount_percent=found.discount_percent,
            level_discount_minor=found.level_discount,
            points_balance=found.balance,
            redeem_per_unit=found.redeem_per_unit,
            points_usable=found.usable,
            points_value_minor=found.value,
        )

    async def ReservePoints(self, request: pb.ReservePointsRequest, _: Context) -> pb.ReservePointsResponse:
        held = await commands.reserve_points(
            self._context,
            rpc.caller(),
            rpc.once(request, _held_message),
            parse_id(request.customer_id, "customer_id"),
            request.points,
            request.due_minor,
        )
        return _held_message(held)


def _held_message(held: Redemption) -> pb.ReservePointsResponse:
    return pb.ReservePointsResponse(order_id=str(held.order_id), discount_minor=held.discount)
