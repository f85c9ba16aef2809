"""Confirmation tokens and codes: asked for at the moment of sending, so that no secret lies in this service's database (rule 10)."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.identity_merge.v1 import accounts_pb2, accounts_pb2_grpc, service_pb2_grpc
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common.rpc import Caller

SECONDS = 5.0


class Secrets:
    """LoginService and CustomerAccountService of identity_merge, as far as notification uses them."""

    def __init__(self, caller: Caller, channel: aio.Channel) -> None:
        self._caller = caller
        self._logins = service_pb2_grpc.LoginServiceStub(channel)
        self._accounts = accounts_pb2_grpc.CustomerAccountServiceStub(channel)

    async def confirmation(self, store_id: UUID, login_method_id: str) -> str:
        """A token that confirms the login method; "" when none is needed any more. Raises Unavailable and others of the tree."""
        response = await self._caller.call(
            self._logins.IssueConfirmation,
            pb.IssueConfirmationRequest(login_method_id=login_method_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.token if response.needed else ""

    async def code(self, store_id: UUID, code_id: str) -> str | None:
        """The code to log in by; "" where nobody logs in by the address, None when none is needed any more. Raises as `confirmation`."""
        response = await self._caller.call(
            self._accounts.IssueCode,
            accounts_pb2.IssueCodeRequest(code_id=code_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.code if response.needed else None
