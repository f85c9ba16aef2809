"""SocialLoginService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import accounts_pb2_grpc
from services.common import rpc
from services.common.network import network_of
from services.identity_merge.api.accounts import proof_message, session_message
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts import social
from services.identity_merge.domain.logins import Visit
from services.identity_merge.domain.social import Departure, Return
from services.identity_merge.events import login_message

GrpcContext = aio.ServicerContext[object, object]


class SocialLoginApi(accounts_pb2_grpc.SocialLoginServiceServicer):
    """How customers come by Google, Facebook, and whatever else is set up."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListProviders(self, request: pb.ListProvidersRequest, _: GrpcContext) -> pb.ListProvidersResponse:
        offered = [
            pb.SocialProvider(provider_id=provider.provider_id, name=provider.name)
            for provider in self._context.social.offered
        ]
        return pb.ListProvidersResponse(providers=offered)

    async def BeginSocialLogin(
        self, request: pb.BeginSocialLoginRequest, _: GrpcContext
    ) -> pb.BeginSocialLoginResponse:
        wanted = Departure.read(
            request.provider_id, request.browser, request.redirect_uri, request.language, request.session_token
        )
        return pb.BeginSocialLoginResponse(authorization_url=await social.begin(self._context, rpc.caller(), wanted))

    async def FinishSocialLogin(
        self, request: pb.FinishSocialLoginRequest, _: GrpcContext
    ) -> pb.FinishSocialLoginResponse:
        brought = Return(
            request.browser,
            request.state,
            request.code,
            request.error,
            request.issuer,
            network_of(request.source),
            Visit(request.agent, request.session_token),
        )
        met = await social.finish(self._context, rpc.caller(), brought)
        answer = pb.FinishSocialLoginResponse(outcome=pb.LogInOutcome.ValueType(met.outcome))
        if met.begun:
            answer.session.CopyFrom(session_message(met.begun))
        if met.proof:
            answer.proof.CopyFrom(proof_message(met.proof))
        if met.added:
            answer.login_method.CopyFrom(login_message(met.added))
        return answer
