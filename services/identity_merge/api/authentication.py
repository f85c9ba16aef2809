"""AuthenticationService of the contract, and how holders of credentials are told of."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import authentication_pb2 as pb
from onefold.identity_merge.v1 import authentication_pb2_grpc
from onefold.identity_merge.v1.accounts_pb2 import AuthenticateCustomerResponse
from onefold.identity_merge.v1.service_pb2 import AuthenticateResponse
from services.common.wire import timestamp
from services.identity_merge.commands import Context
from services.identity_merge.domain.access import ApiKey, Holder
from services.identity_merge.domain.logins import CustomerSession
from services.identity_merge.events import api_key_message, login_message, staff_message, store_message
from services.identity_merge.queries import authentication

GrpcContext = aio.ServicerContext[object, object]


class AuthenticationApi(authentication_pb2_grpc.AuthenticationServiceServicer):
    """Who holds credentials that have been vouched for before."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def AuthenticateAgain(
        self, request: pb.AuthenticateAgainRequest, _: GrpcContext
    ) -> pb.AuthenticateAgainResponse:
        found = await authentication.authenticate_again(self._context.database, request.handles)
        verdicts = [_verdict(holder, handle) for holder, handle in zip(found, request.handles, strict=True)]
        return pb.AuthenticateAgainResponse(verdicts=verdicts)


def _verdict(holder: Holder | CustomerSession | None, handle: bytes) -> pb.Verdict:
    if holder is None:
        return pb.Verdict()
    if isinstance(holder, CustomerSession):
        return pb.Verdict(customer=customer_message(holder, handle))
    return pb.Verdict(of_store=holder_message(holder, handle))


def holder_message(holder: Holder, handle: bytes) -> AuthenticateResponse:
    """Who holds a session of staff or an API key, for the wire."""
    store = store_message(holder.store)
    if isinstance(holder.who, ApiKey):
        return AuthenticateResponse(store=store, api_key=api_key_message(holder.who), handle=handle)
    return AuthenticateResponse(store=store, staff=staff_message(holder.who), handle=handle)


def customer_message(session: CustomerSession, handle: bytes) -> AuthenticateCustomerResponse:
    """Who holds a customer's session, for the wire."""
    return AuthenticateCustomerResponse(
        login_method=login_message(session.login_method), expires_at=timestamp(session.expires_at), handle=handle
    )
