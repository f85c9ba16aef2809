"""AccessService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import service_pb2_grpc
from services.common import rpc
from services.common.ids import NIL
from services.identity_merge import queries
from services.identity_merge.api.authentication import holder_message
from services.identity_merge.api.staff import entered_message
from services.identity_merge.commands import Context, access, api_keys, entering
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import Founding, KeyWish, Store
from services.identity_merge.domain.staff import Browser
from services.identity_merge.events import api_key_message, staff_message, store_message
from services.identity_merge.queries.authentication import authenticate

GrpcContext = aio.ServicerContext[object, object]


class AccessApi(service_pb2_grpc.AccessServiceServicer):
    """Stores and those who work for them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateStore(self, request: pb.CreateStoreRequest, _: GrpcContext) -> pb.CreateStoreResponse:
        wanted = request.store
        store, owner = await access.create_store(
            self._context,
            rpc.caller(),
            Founding(
                Store(NIL, wanted.slug, wanted.name, wanted.region, wanted.currency, wanted.timezone, wanted.language),
                request.owner_name,
                request.owner_email,
                request.owner_password,
            ),
        )
        return pb.CreateStoreResponse(store=store_message(store), owner=staff_message(owner))

    async def LogIn(self, request: pb.LogInRequest, _: GrpcContext) -> pb.LogInResponse:
        entered = await entering.log_in(
            self._context,
            request.store_slug,
            request.email,
            request.password,
            Browser.read(request.agent, request.session_token),
        )
        return entered_message(entered)

    async def LogOut(self, request: pb.LogOutRequest, _: GrpcContext) -> pb.LogOutResponse:
        await entering.log_out(self._context, request.session_token)
        return pb.LogOutResponse()

    async def Authenticate(self, request: pb.AuthenticateRequest, _: GrpcContext) -> pb.AuthenticateResponse:
        holder = await authenticate(self._context.database, request.credential)
        return holder_message(holder, tokens.handle_of(request.credential))

    async def GetStore(self, request: pb.GetStoreRequest, _: GrpcContext) -> pb.GetStoreResponse:
        return pb.GetStoreResponse(store=store_message(await queries.get_store(self._context.database, request.slug)))

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, _: GrpcContext) -> pb.CreateApiKeyResponse:
        wish = KeyWish.read(request.name, request.scopes, request.valid_days)
        key, secret = await api_keys.create_api_key(self._context, rpc.caller(), wish)
        return pb.CreateApiKeyResponse(api_key=api_key_message(key), secret=secret)
