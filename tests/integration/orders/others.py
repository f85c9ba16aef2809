"""Membership as orders with points meet it: real gRPC, scripted answers. The whole system is in tests/faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from deploy.local.ports import LOOPBACK, choose
from onefold.membership.v1 import benefits_pb2 as pb
from onefold.membership.v1 import benefits_pb2_grpc
from services.common import rpc
from services.common.errors import OnefoldError
from services.common.ids import new_id
from services.common.tokens import TokenSigner
from services.orders.clients import Membership

_SIGNER = TokenSigner("a service key for tests, long enough")


def nobody() -> Membership:
    """Nobody is asked, or answers."""
    return Membership(f"{LOOPBACK}:1", rpc.Caller(_SIGNER, "orders"))


@dataclass
class Points:
    """Each key has its hold; `refusal` is raised instead. A point is worth a cent."""

    refusal: OnefoldError | None = None
    asked: list[pb.ReservePointsRequest] = field(default_factory=list)
    holds: dict[str, UUID] = field(default_factory=dict)


class ScriptedBenefits(benefits_pb2_grpc.BenefitsServiceServicer):
    def __init__(self, points: Points) -> None:
        self._points = points

    async def ReservePoints(self, request: Any, _: Any) -> pb.ReservePointsResponse:  # noqa: N802
        self._points.asked.append(request)
        if self._points.refusal:
            raise self._points.refusal
        key = rpc.once(request, lambda answer: answer).key
        order_id = self._points.holds.setdefault(key, new_id())
        return pb.ReservePointsResponse(order_id=str(order_id), discount_minor=request.points)


@asynccontextmanager
async def scripted_membership(points: Points) -> AsyncIterator[Membership]:
    """The service, and the calls to it."""
    address = f"{LOOPBACK}:{choose(['others'], {})['others']}"
    server = rpc.Server(address, _SIGNER)
    benefits_pb2_grpc.add_BenefitsServiceServicer_to_server(ScriptedBenefits(points), server.aio)
    await server.start()
    membership = Membership(address, rpc.Caller(_SIGNER, "orders"))
    yield membership
    await membership.close()
    await server.aio.stop(grace=None)
