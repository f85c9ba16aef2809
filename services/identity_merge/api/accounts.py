"""CustomerAccountService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import accounts_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.commands import Context, accounts
from services.identity_merge.domain.codes import CodeRequest
from services.identity_merge.events import login_message

GrpcContext = aio.ServicerContext[object, object]


class CustomerAccountApi(accounts_pb2_grpc.CustomerAccountServiceServicer):
    """How customers log in, and who is logged in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def RequestCode(self, request: pb.RequestCodeRequest, _: GrpcContext) -> pb.RequestCodeResponse:
        ends = await accounts.request_code(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda ends: pb.RequestCodeResponse(expires_at=timestamp(ends))),
            CodeRequest.read(request.email, request.browser, request.language, request.source),
        )
        return pb.RequestCodeResponse(expires_at=timestamp(ends))

    async def IssueCode(self, request: pb.IssueCodeRequest, _: GrpcContext) -> pb.IssueCodeResponse:
        code = await accounts.issue_code(self._context, rpc.caller(), parse_id(request.code_id, "code_id"))
        return pb.IssueCodeResponse(needed=code is not None, code=code or "")

    async def VerifyCode(self, request: pb.VerifyCodeRequest, _: GrpcContext) -> pb.VerifyCodeResponse:
        begun = await accounts.verify_code(self._context, rpc.caller(), request.browser, request.code)
        return pb.VerifyCodeResponse(
            session_token=begun.token,
            expires_at=timestamp(begun.session.expires_at),
            login_method=login_message(begun.session.login_method),
        )

    async def AuthenticateCustomer(
        self, request: pb.AuthenticateCustomerRequest, _: GrpcContext
    ) -> pb.AuthenticateCustomerResponse:
        session = await queries.authenticate_customer(self._context.database, rpc.caller(), request.session_token)
        return pb.AuthenticateCustomerResponse(
            login_method=login_message(session.login_method), expires_at=timestamp(session.expires_at)
        )

    async def LogOutCustomer(self, request: pb.LogOutCustomerRequest, _: GrpcContext) -> pb.LogOutCustomerResponse:
        await accounts.log_out(self._context, rpc.caller(), request.session_token)
        return pb.LogOutCustomerResponse()

    async def FollowLink(self, request: pb.FollowLinkRequest, _: GrpcContext) -> pb.FollowLinkResponse:
        raise NotImplementedError

    async def GetProofs(self, request: pb.GetProofsRequest, _: GrpcContext) -> pb.GetProofsResponse:
        raise NotImplementedError

    async def Register(self, request: pb.RegisterRequest, _: GrpcContext) -> pb.RegisterResponse:
        raise NotImplementedError

    async def LogInWithPassword(
        self, request: pb.LogInWithPasswordRequest, _: GrpcContext
    ) -> pb.LogInWithPasswordResponse:
        raise NotImplementedError

    async def SetPassword(self, request: pb.SetPasswordRequest, _: GrpcContext) -> pb.SetPasswordResponse:
        raise NotImplementedError

    async def GetAccount(self, request: pb.GetAccountRequest, _: GrpcContext) -> pb.GetAccountResponse:
        raise NotImplementedError

    async def EndSessions(self, request: pb.EndSessionsRequest, _: GrpcContext) -> pb.EndSessionsResponse:
        raise NotImplementedError
