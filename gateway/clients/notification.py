"""What the gateway calls of the notification service."""

from __future__ import annotations

import grpc

from gateway.calls import Method, Tokens
from onefold.notification.v1 import look_pb2_grpc as looks
from onefold.notification.v1 import service_pb2_grpc as notification
from onefold.notification.v1 import subscriptions_pb2_grpc as subscriptions
from onefold.notification.v1 import webhooks_pb2_grpc as webhooks


class Notifications:
    """NotificationService, and SmsStatusService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = notification.NotificationServiceStub(channel)
        self.list_messages = Method(tokens, stub.ListMessages)
        self.get_message = Method(tokens, stub.GetMessage)
        self.decide_message = Method(tokens, stub.DecideMessage)
        self.receive_sms_status = Method(tokens, notification.SmsStatusServiceStub(channel).ReceiveSmsStatus)
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


class Webhooks:
    """WebhookService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = webhooks.WebhookServiceStub(channel)
        self.create = Method(tokens, stub.CreateWebhook)
        self.change = Method(tokens, stub.ChangeWebhook)
        self.rotate = Method(tokens, stub.RotateWebhookSecret)
        self.remove = Method(tokens, stub.RemoveWebhook)
        self.get = Method(tokens, stub.GetWebhook)
        self.list = Method(tokens, stub.ListWebhooks)
        self.test = Method(tokens, stub.TestWebhook)
        self.list_deliveries = Method(tokens, stub.ListDeliveries)
        self.get_delivery = Method(tokens, stub.GetDelivery)
        self.replay_delivery = Method(tokens, stub.ReplayDelivery)
        self.replay_failed = Method(tokens, stub.ReplayFailed)
