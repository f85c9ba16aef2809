"""gRPC of the notification service: request → command or query → response. Each contract has its module."""

from __future__ import annotations

from grpc import aio

from onefold.notification.v1 import look_pb2_grpc, service_pb2_grpc, subscriptions_pb2_grpc
from services.common.database import Database
from services.common.outbox import Waker
from services.notification.api.look import LookApi
from services.notification.api.messages import NotificationApi
from services.notification.api.subscriptions import SubscriptionApi
from services.notification.queries.looks import Previewer

__all__ = ["LookApi", "NotificationApi", "SubscriptionApi", "register"]


def register(database: Database, waker: Waker, previewer: Previewer, mail_from: str, server: aio.Server) -> None:
    """Puts every contract of this service on the server."""
    look_pb2_grpc.add_LookServiceServicer_to_server(LookApi(database, waker, previewer, mail_from), server)
    service_pb2_grpc.add_NotificationServiceServicer_to_server(NotificationApi(database, waker), server)
    subscriptions_pb2_grpc.add_SubscriptionServiceServicer_to_server(SubscriptionApi(database), server)
