"""CustomerAccountService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import accounts_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.api.authentication import customer_message
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts import codes, invitations, passwords, registering, sessions
from services.identity_merge.domain import tokens
from services.identity_merge.domain.codes import CodeRequest
from services.identity_merge.domain.logins import Begun, CustomerSession, Visit
from services.identity_merge.domain.passwords import Credentials
from services.identity_merge.domain.proofs import Proved, Registration
from services.identity_merge.events import login_message
from services.identity_merge.queries.authentication import authenticate_customer

GrpcContext = aio.ServicerContext[object, object]


class CustomerAccountApi(accounts_pb2_grpc.CustomerAccountServiceServicer):
    """How customers register and log in, and who is logged in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def RequestCode(self, request: pb.RequestCodeRequest, _: GrpcContext) -> pb.RequestCodeResponse:
        claims = rpc.caller()
        asked = CodeRequest.read(
            request.email,
            request.phone,
            request.browser,
            request.language,
            request.source,
            claims.region,
            self._context.sms_regions,
        )
        ends = await codes.request_code(
            self._context,
            claims,
            rpc.once(request, lambda ends: pb.RequestCodeResponse(expires_at=timestamp(ends))),
            asked,
            request.session_token,
        )
        return pb.RequestCodeResponse(expires_at=timestamp(ends))

    async def IssueCode(self, request: pb.IssueCodeRequest, _: GrpcContext) -> pb.IssueCodeResponse:
        issued = await codes.issue_code(self._context, rpc.caller(), parse_id(request.code_id, "code_id"))
        if issued is None:
            return pb.IssueCodeResponse(needed=False)
        return pb.IssueCodeResponse(
            needed=True,
            code=issued.code,
            purpose=pb.CodePurpose.ValueType(issued.purpose),
            link_token=issued.link_token,
            store_slug=issued.store_slug,
        )

    async def VerifyCode(self, request: pb.VerifyCodeRequest, _: GrpcContext) -> pb.VerifyCodeResponse:
        visit = Visit(request.agent, request.session_token)
        done = await codes.verify_code(self._context, rpc.caller(), request.browser, request.code, visit)
        answer = pb.VerifyCodeResponse(outcome=pb.LogInOutcome.ValueType(done.outcome))
        if done.begun:
            answer.session_token = done.begun.token
            answer.expires_at.FromDatetime(done.begun.expires_at)
            answer.login_method.CopyFrom(login_message(done.begun.login_method))
        if done.added:
            answer.login_method.CopyFrom(login_message(done.added))
        return answer

    async def IssueGuestInvitation(
        self, request: pb.IssueGuestInvitationRequest, _: GrpcContext
    ) -> pb.IssueGuestInvitationResponse:
        token = await invitations.issue_guest_invitation(
            self._context,
            rpc.caller(),
            parse_id(request.invitation_id, "invitation_id"),
            parse_id(request.customer_id, "customer_id"),
            request.email,
        )
        return pb.IssueGuestInvitationResponse(needed=token is not None, token=token or "")

    async def ReadGuestInvitation(
        self, request: pb.ReadGuestInvitationRequest, _: GrpcContext
    ) -> pb.ReadGuestInvitationResponse:
        email = await invitations.read_guest_invitation(self._context, rpc.caller(), request.token)
        return pb.ReadGuestInvitationResponse(email=email)

    async def FollowLink(self, request: pb.FollowLinkRequest, _: GrpcContext) -> pb.FollowLinkResponse:
        proved = await codes.follow_link(self._context, rpc.caller(), request.token, request.browser)
        return pb.FollowLinkResponse(proof=proof_message(proved))

    async def GetProofs(self, request: pb.GetProofsRequest, _: GrpcContext) -> pb.GetProofsResponse:
        found = await queries.get_proofs(self._context.database, rpc.caller(), request.browser)
        name = next((proved.name for proved in found if proved.name), "")
        return pb.GetProofsResponse(proofs=[proof_message(proved) for proved in found], name=name)

    async def Register(self, request: pb.RegisterRequest, _: GrpcContext) -> pb.RegisterResponse:
        wanted = Registration(
            request.browser,
            request.name,
            request.birthday,
            request.language,
            request.consents,
            request.password,
            Visit(request.agent, request.session_token),
        )
        begun, created = await registering.register(self._context, rpc.caller(), wanted)
        return pb.RegisterResponse(session=session_message(begun), created=created)

    async def LogInWithPassword(
        self, request: pb.LogInWithPasswordRequest, _: GrpcContext
    ) -> pb.LogInWithPasswordResponse:
        typed = Credentials(request.email, request.phone, request.password, request.source)
        visit = Visit(request.agent, request.session_token)
        begun = await passwords.log_in_with_password(self._context, rpc.caller(), typed, visit)
        return pb.LogInWithPasswordResponse(session=session_message(begun))

    async def SetPassword(self, request: pb.SetPasswordRequest, _: GrpcContext) -> pb.SetPasswordResponse:
        begun = await passwords.set_password(
            self._context, rpc.caller(), request.session_token, request.current_password, request.new_password
        )
        return pb.SetPasswordResponse(session=session_message(begun))

    async def AuthenticateCustomer(
        self, request: pb.AuthenticateCustomerRequest, _: GrpcContext
    ) -> pb.AuthenticateCustomerResponse:
        session = await authenticate_customer(self._context.database, rpc.caller(), request.session_token)
        return customer_message(session, tokens.handle_of(request.session_token))

    async def LogOutCustomer(self, request: pb.LogOutCustomerRequest, _: GrpcContext) -> pb.LogOutCustomerResponse:
        await sessions.log_out(self._context, rpc.caller(), request.session_token)
        return pb.LogOutCustomerResponse()

    async def GetAccount(self, request: pb.GetAccountRequest, _: GrpcContext) -> pb.GetAccountResponse:
        account = await queries.get_account(self._context.database, rpc.caller(), request.session_token)
        return pb.GetAccountResponse(
            login_methods=[login_message(method) for method in account.login_methods],
            sessions=[_session_info(session, account.current) for session in account.sessions],
            has_password=account.has_password,
            password_needed=account.password_needed,
        )

    async def EndSessions(self, request: pb.EndSessionsRequest, _: GrpcContext) -> pb.EndSessionsResponse:
        only = parse_id(request.session_id, "session_id") if request.session_id else None
        ended = await sessions.end_sessions(self._context, rpc.caller(), request.session_token, only)
        return pb.EndSessionsResponse(ended=ended)


def session_message(begun: Begun) -> pb.CustomerSession:
    """A session that has just begun, for the wire."""
    return pb.CustomerSession(
        session_token=begun.token,
        expires_at=timestamp(begun.expires_at),
        login_method=login_message(begun.login_method),
    )


def proof_message(proved: Proved) -> pb.Proof:
    """A proof for the wire."""
    return pb.Proof(kind=proved.kind, value=proved.shown)


def _session_info(session: CustomerSession, current: CustomerSession) -> pb.SessionInfo:
    return pb.SessionInfo(
        session_id=str(session.session_id),
        created_at=timestamp(session.created_at),
        last_seen=timestamp(session.last_seen),
        expires_at=timestamp(session.expires_at),
        agent=session.agent,
        by=session.begun_by,
        current=session.session_id == current.session_id,
    )
