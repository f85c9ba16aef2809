"""Confirmation tokens: asked for at the moment of sending, so that no secret lies in this service's database (rule 10)."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import service_pb2_grpc
from services.common.rpc import Caller

SECONDS = 5.0


class Confirmations:
    """LoginService of identity_merge, as far as notification uses it."""

    def __init__(self, caller: Caller, channel: aio.Channel) -> None:
        self._caller = caller
        self._stub = service_pb2_grpc.LoginServiceStub(channel)

    async def issue(self, store_id: UUID, login_method_id: str) -> str:
        """A token that confirms the login method; "" when none is needed any more. Raises Unavailable and others of the tree."""
        response = await self._caller.call(
            self._stub.IssueConfirmation,
            pb.IssueConfirmationRequest(login_method_id=login_method_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.token if response.needed else ""
