"""gRPC of the notification service: request → command or query → response. Each contract has its module."""

from __future__ import annotations

from grpc import aio

from onefold.notification.v1 import look_pb2_grpc, service_pb2_grpc, subscriptions_pb2_grpc, webhooks_pb2_grpc
from services.notification.api.look import LookApi
from services.notification.api.messages import NotificationApi
from services.notification.api.sms_status import SmsStatusApi
from services.notification.api.subscriptions import SubscriptionApi
from services.notification.api.webhooks import WebhookApi
from services.notification.commands import Notices, WebhookContext
from services.notification.queries.looks import Previewer

__all__ = ["LookApi", "NotificationApi", "SmsStatusApi", "SubscriptionApi", "WebhookApi", "register"]


def register(
    context: WebhookContext, notices: Notices, previewer: Previewer, mail_from: str, server: aio.Server
) -> None:
    """Puts every contract of this service on the server."""
    database, waker = context.database, context.waker
    look_pb2_grpc.add_LookServiceServicer_to_server(LookApi(database, waker, previewer, mail_from), server)
    service_pb2_grpc.add_NotificationServiceServicer_to_server(NotificationApi(database, waker), server)
    service_pb2_grpc.add_SmsStatusServiceServicer_to_server(SmsStatusApi(notices), server)
    subscriptions_pb2_grpc.add_SubscriptionServiceServicer_to_server(SubscriptionApi(database), server)
    webhooks_pb2_grpc.add_WebhookServiceServicer_to_server(WebhookApi(context), server)
