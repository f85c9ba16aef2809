"""RelinkingService of the contract."""

from __future__ import annotations

from collections.abc import Iterable

from grpc import aio

from onefold.orders.v1 import merging_pb2 as pb
from onefold.orders.v1 import merging_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.orders import commands, queries
from services.orders.api.items import item_message
from services.orders.api.orders import read_ids
from services.orders.domain import CartLine

Context = aio.ServicerContext[object, object]
MOST_MERGED = 4


class RelinkingApi(merging_pb2_grpc.RelinkingServiceServicer):
    """What merges mean for orders and carts."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def PreviewRelink(self, request: pb.PreviewRelinkRequest, _: Context) -> pb.PreviewRelinkResponse:
        survivor_id = parse_id(request.survivor_id, "survivor_id")
        merged_ids = read_ids(request.merged_ids, "merged_ids", MOST_MERGED)
        found = await queries.preview_relink(self._context.database, rpc.caller(), survivor_id, merged_ids)

        def lines(of: Iterable[CartLine]) -> list[pb.RelinkedLine]:
            return [
                pb.RelinkedLine(item=item_message(found.items[line.item_id]), quantity=line.quantity) for line in of
            ]

        return pb.PreviewRelinkResponse(
            accounts=[
                pb.AccountShare(
                    customer_id=str(i), cart=lines(found.carts.get(i, ())), under_way_count=found.under_way.get(i, 0)
                )
                for i in (survivor_id, *merged_ids)
            ],
            cart=lines(found.cart),
            left_out=lines(found.left_out),
        )
