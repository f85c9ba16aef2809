"""identity_merge and orders as deletions and held points meet them: real gRPC, scripted answers. The whole system is in tests/faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from deploy.local.ports import LOOPBACK, choose
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1 import service_pb2_grpc as orders_grpc
from services.common import rpc
from services.common.errors import NotFound, OnefoldError
from services.common.tokens import TokenSigner
from services.membership.clients import Others


@dataclass
class Script:
    """`refusal` is what EndLogins raises; `on_end` is called before it answers."""

    refusal: OnefoldError | None = None
    unpaid: int = 0
    orders: dict[str, orders.Order | OnefoldError] = field(default_factory=dict)
    ended: list[identity.EndLoginsRequest] = field(default_factory=list)
    on_end: Callable[[], None] = lambda: None


class ScriptedLogins(identity_grpc.LoginServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def EndLogins(self, request: Any, _: Any) -> identity.EndLoginsResponse:  # noqa: N802
        self._script.on_end()
        if self._script.refusal:
            raise self._script.refusal
        self._script.ended.append(request)
        return identity.EndLoginsResponse()


class ScriptedOrders(orders_grpc.OrdersServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def SummariseCustomers(self, request: Any, _: Any) -> orders.SummariseCustomersResponse:  # noqa: N802
        sums = [orders.CustomerOrders(customer_id=i) for i in request.customer_ids]
        sums[0].unpaid_count = self._script.unpaid
        return orders.SummariseCustomersResponse(customers=sums)

    async def GetOrder(self, request: Any, _: Any) -> orders.GetOrderResponse:  # noqa: N802
        found = self._script.orders.get(request.order_id, NotFound("order_not_found"))
        if isinstance(found, OnefoldError):
            raise found
        return orders.GetOrderResponse(order=found)


@asynccontextmanager
async def scripted_others(script: Script) -> AsyncIterator[Others]:
    """Both services on one port, and the calls to them."""
    signer = TokenSigner("a service key for tests, long enough")
    address = f"{LOOPBACK}:{choose(['others'], {})['others']}"
    server = rpc.Server(address, signer)
    identity_grpc.add_LoginServiceServicer_to_server(ScriptedLogins(script), server.aio)
    orders_grpc.add_OrdersServiceServicer_to_server(ScriptedOrders(script), server.aio)
    await server.start()
    others = Others(address, address, rpc.Caller(signer, "membership"))
    yield others
    await others.close()
    await server.aio.stop(grace=None)
