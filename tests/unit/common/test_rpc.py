"""Calls whose caller does not wait (rule 8)."""

from __future__ import annotations

import asyncio
import gc

import grpc
import pytest
from grpc import aio

from onefold.orders.v1.service_pb2 import GetOrderRequest, GetOrderResponse
from onefold.orders.v1.service_pb2_grpc import (
    OrdersServiceServicer,
    OrdersServiceStub,
    add_OrdersServiceServicer_to_server,
)
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.common.rpc import Boundary
from services.common.tokens import ServiceClaims, TokenSigner


class Slow(OrdersServiceServicer):  # type: ignore[misc, unused-ignore]
    """Fails later than its caller waits."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def GetOrder(self, request: GetOrderRequest, context: object) -> GetOrderResponse:  # noqa: N802 - the contract's name
        await asyncio.sleep(0.2)
        self.ended.set()
        raise Unavailable("service_unavailable", "the connection was reset")


async def test_a_call_that_fails_after_its_caller_has_gone_is_no_defect() -> None:
    """It goes on to its end, and nothing is said of an exception that nobody fetched: alerts count errors in logs."""
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(str(context["message"])))
    signer, servicer = TokenSigner("k" * 32), Slow()
    server = aio.server(interceptors=[Boundary(signer)])
    add_OrdersServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    metadata = (("authorization", f"Bearer {signer.sign(ServiceClaims('staff:a', 'owner', str(new_id())))}"),)
    async with aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        with pytest.raises(aio.AioRpcError) as refused:
            await OrdersServiceStub(channel).GetOrder(
                GetOrderRequest(order_id=str(new_id())), timeout=0.1, metadata=metadata
            )
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(servicer.ended.wait(), 5)
    await asyncio.sleep(0.05)
    gc.collect()
    await server.stop(None)
    assert said == []
