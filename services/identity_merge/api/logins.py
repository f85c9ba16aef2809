"""LoginService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import service_pb2_grpc
from services.common import rpc
from services.common.errors import InvalidInput
from services.common.ids import parse_id
from services.identity_merge import queries
from services.identity_merge.commands import Context, logins
from services.identity_merge.events import login_message, store_message

GrpcContext = aio.ServicerContext[object, object]


class LoginApi(service_pb2_grpc.LoginServiceServicer):
    """How customers get in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def IssueConfirmation(
        self, request: pb.IssueConfirmationRequest, _: GrpcContext
    ) -> pb.IssueConfirmationResponse:
        issued = await logins.issue_confirmation(
            self._context, rpc.caller(), parse_id(request.login_method_id, "login_method_id")
        )
        if issued is None:
            return pb.IssueConfirmationResponse(needed=False)
        return pb.IssueConfirmationResponse(needed=True, token=issued.token, store_slug=issued.store_slug)

    async def ConfirmLogin(self, request: pb.ConfirmLoginRequest, _: GrpcContext) -> pb.ConfirmLoginResponse:
        store = await logins.confirm_login(self._context, request.token)
        return pb.ConfirmLoginResponse(store=store_message(store))

    async def ListLoginMethods(
        self, request: pb.ListLoginMethodsRequest, _: GrpcContext
    ) -> pb.ListLoginMethodsResponse:
        found = await queries.list_login_methods(
            self._context.database, rpc.caller(), parse_id(request.customer_id, "customer_id")
        )
        return pb.ListLoginMethodsResponse(login_methods=[login_message(method) for method in found])

    async def EndLogins(self, request: pb.EndLoginsRequest, _: GrpcContext) -> pb.EndLoginsResponse:
        if request.how not in (pb.LOGINS_END_FREED, pb.LOGINS_END_RETIRED):
            raise InvalidInput.of("how", "unknown_value")
        ids = [parse_id(text, f"customer_ids[{n}]") for n, text in enumerate(request.customer_ids)]
        await logins.end_logins(self._context, rpc.caller(), ids, freed=request.how == pb.LOGINS_END_FREED)
        return pb.EndLoginsResponse()
