"""Calls whose caller does not wait, and channels that do not wait for each other (rule 8)."""

from __future__ import annotations

import asyncio
import gc

import grpc
import pytest
from grpc import aio

from deploy.local.ports import LOOPBACK, choose
from onefold.orders.v1.service_pb2 import GetOrderRequest, GetOrderResponse
from onefold.orders.v1.service_pb2_grpc import (
    OrdersServiceServicer,
    OrdersServiceStub,
    add_OrdersServiceServicer_to_server,
)
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.common.rpc import Boundary, channel
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


async def test_a_channel_does_not_wait_after_what_another_channel_was_refused() -> None:
    """A process that still has a channel to where nobody listened reaches a server that has come there since."""
    port = choose(["late"], {})["late"]
    target = f"{LOOPBACK}:{port}"
    async with channel(target) as early:
        early.get_state(try_to_connect=True)
        # By now it tries again after a second or two, which is longer than a call's own attempts take.
        await asyncio.sleep(3)
        assert early.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE
        server = aio.server()
        server.add_insecure_port(target)
        await server.start()
        async with channel(target) as late:
            with pytest.raises(aio.AioRpcError) as answered:
                await OrdersServiceStub(late).GetOrder(GetOrderRequest(), timeout=5)
        await server.stop(None)
    assert answered.value.code() is grpc.StatusCode.UNIMPLEMENTED
