"""ApiKeyService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import keys_pb2 as pb
from onefold.identity_merge.v1 import keys_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.commands import Context, api_keys
from services.identity_merge.events import api_key_message

GrpcContext = aio.ServicerContext[object, object]


class ApiKeyApi(keys_pb2_grpc.ApiKeyServiceServicer):
    """Keys of a merchant's own programs, once they are made."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, _: GrpcContext) -> pb.ListApiKeysResponse:
        page = await queries.list_api_keys(self._context.database, rpc.caller(), request.page.size, request.page.token)
        return pb.ListApiKeysResponse(api_keys=map(api_key_message, page.items), next_page_token=page.next_token)

    async def RotateApiKey(self, request: pb.RotateApiKeyRequest, _: GrpcContext) -> pb.RotateApiKeyResponse:
        api_key_id = parse_id(request.api_key_id, "api_key_id")
        key, secret, until = await api_keys.rotate_api_key(self._context, rpc.caller(), api_key_id)
        return pb.RotateApiKeyResponse(api_key=api_key_message(key), secret=secret, old_secret_until=timestamp(until))

    async def RevokeApiKey(self, request: pb.RevokeApiKeyRequest, _: GrpcContext) -> pb.RevokeApiKeyResponse:
        await api_keys.revoke_api_key(self._context, rpc.caller(), parse_id(request.api_key_id, "api_key_id"))
        return pb.RevokeApiKeyResponse()
