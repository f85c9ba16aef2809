"""SubscriptionService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.notification.v1 import subscriptions_pb2 as pb
from onefold.notification.v1 import subscriptions_pb2_grpc
from services.common import rpc
from services.common.database import Database
from services.notification import commands, queries

Context = aio.ServicerContext[object, object]


class SubscriptionApi(subscriptions_pb2_grpc.SubscriptionServiceServicer):
    """SubscriptionService of the contract."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def GetSubscription(self, request: pb.GetSubscriptionRequest, _: Context) -> pb.GetSubscriptionResponse:
        subscribed = await queries.is_subscribed(self._database, rpc.caller(), request.address_digest)
        return pb.GetSubscriptionResponse(subscribed=subscribed)

    async def ListUnsubscribed(self, request: pb.ListUnsubscribedRequest, _: Context) -> pb.ListUnsubscribedResponse:
        found = await queries.list_unsubscribed(self._database, rpc.caller(), list(request.address_digests))
        return pb.ListUnsubscribedResponse(address_digests=found)

    async def SetSubscription(self, request: pb.SetSubscriptionRequest, _: Context) -> pb.SetSubscriptionResponse:
        await commands.set_subscription(
            self._database, rpc.caller(), request.address_digest, subscribed=request.subscribed
        )
        return pb.SetSubscriptionResponse()
