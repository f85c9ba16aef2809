"""identity_merge and orders as a deletion meets them: real gRPC, scripted answers. The whole system is in tests/faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1 import service_pb2_grpc as orders_grpc
from services.common.errors import OnefoldError


@dataclass
class Script:
    """`refusal` is what EndLogins raises; `on_end` is called before it answers."""

    refusal: OnefoldError | None = None
    unpaid: int = 0
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
