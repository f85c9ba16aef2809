"""Calls to identity_merge and orders, with a deadline each; never made inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from grpc import aio

from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1.service_pb2_grpc import LoginServiceStub
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1.service_pb2_grpc import OrdersServiceStub
from services.common import rpc
from services.common.errors import NotFound
from services.common.rpc import Caller
from services.membership.domain import HoldState, RemovalKind

ASK_SECONDS = 3.0
# As many as the orders service sums up at a time.
_AT_ONCE = 5
_HOW = {RemovalKind.DELETE: identity.LOGINS_END_FREED, RemovalKind.ERASE: identity.LOGINS_END_RETIRED}


class Others:
    """The services that have a say before somebody is deleted or erased, or points that were held go back."""

    def __init__(self, identity_merge: str, orders_: str, caller: Caller) -> None:
        """Targets; the channels connect when first used."""
        self._channels: list[aio.Channel] = [rpc.channel(identity_merge), rpc.channel(orders_)]
        self._logins = LoginServiceStub(self._channels[0])
        self._orders = OrdersServiceStub(self._channels[1])
        self._caller = caller

    async def end_logins(self, store_id: UUID, ids: Sequence[UUID], kind: RemovalKind) -> None:
        """Nobody logs in as these customers from now on. Raises StateConflict (registered_online, merge_in_progress), Unavailable."""
        request = identity.EndLoginsRequest(customer_ids=[str(i) for i in ids], how=_HOW[kind])
        claims = self._caller.as_service(str(store_id))
        await self._caller.call(self._logins.EndLogins, request, claims, seconds=ASK_SECONDS)

    async def unpaid_orders(self, store_id: UUID, ids: Sequence[UUID]) -> int:
        """Orders of these customers that wait for payment. Raises Unavailable."""
        claims = self._caller.as_service(str(store_id))
        count = 0
        for start in range(0, len(ids), _AT_ONCE):
            request = orders.SummariseCustomersRequest(customer_ids=[str(i) for i in ids[start : start + _AT_ONCE]])
            answer = await self._caller.call(self._orders.SummariseCustomers, request, claims, seconds=ASK_SECONDS)
            count += sum(each.unpaid_count for each in answer.customers)
        return count

    async def state_of_order(self, store_id: UUID, order_id: UUID) -> HoldState | None:
        """How far the order with these points is; None when there is none. Raises Unavailable."""
        claims = self._caller.as_service(str(store_id))
        request = orders.GetOrderRequest(order_id=str(order_id))
        try:
            found = await self._caller.call(self._orders.GetOrder, request, claims, seconds=ASK_SECONDS)
        except NotFound:
            return None
        return hold_state(found.order)

    async def close(self) -> None:
        """Closes the channels."""
        for channel in self._channels:
            await channel.close()


def hold_state(order: orders.Order) -> HoldState:
    """What an order makes of the points that it holds."""
    if order.status == orders.ORDER_STATUS_CANCELLED:
        return HoldState.RETURNED
    return HoldState.SPENT if order.HasField("paid_at") else HoldState.CONFIRMED
