"""What the gateway calls of the notification service."""

from __future__ import annotations

import grpc

from gateway.calls import Method, Tokens
from onefold.notification.v1 import look_pb2_grpc as looks
from onefold.notification.v1 import service_pb2_grpc as notification
from onefold.notification.v1 import subscriptions_pb2_grpc as subscriptions


class Notifications:
    """NotificationService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = notification.NotificationServiceStub(channel)
        self.list_messages = Method(tokens, stub.ListMessages)
        self.get_message = Method(tokens, stub.GetMessage)
        self.decide_message = Method(tokens, stub.DecideMessage)
        self.list_messages_of_events = Method(tokens, stub.ListMessagesOfEvents)


class Looks:
    """LookService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = looks.LookServiceStub(channel)
        self.get = Method(tokens, stub.GetLook)
        self.save = Method(tokens, stub.SaveLook)
        self.get_logo = Method(tokens, stub.GetLogo)
        self.preview = Method(tokens, stub.PreviewMessage)


class Subscriptions:
    """SubscriptionService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = subscriptions.SubscriptionServiceStub(channel)
        self.get = Method(tokens, stub.GetSubscription)
        self.list_unsubscribed = Method(tokens, stub.ListUnsubscribed)
        self.set = Method(tokens, stub.SetSubscription)
