"""WebhookService of the contract."""

from __future__ import annotations

from collections.abc import Mapping

from grpc import aio

from onefold.notification.v1 import webhooks_pb2 as pb
from onefold.notification.v1 import webhooks_pb2_grpc
from services.common import rpc
from services.common.errors import InvalidInput
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.wire import moment, timestamp
from services.notification import commands, queries
from services.notification.domain import (
    MOST_REPLAYED,
    TEST_TYPE,
    Delivery,
    DeliveryState,
    DisabledBecause,
    Webhook,
    WebhookWish,
)
from services.notification.events import WEBHOOK_TYPES

Context = aio.ServicerContext[object, object]
# What endpoints can wish for; a test goes to all.
_KNOWN = frozenset(WEBHOOK_TYPES) - {TEST_TYPE}
_BECAUSE: Mapping[DisabledBecause, pb.DisabledBecause.ValueType] = {
    DisabledBecause.ENABLED: pb.DISABLED_BECAUSE_UNSPECIFIED,
    DisabledBecause.STAFF: pb.DISABLED_BECAUSE_STAFF,
    DisabledBecause.GONE: pb.DISABLED_BECAUSE_GONE,
    DisabledBecause.FAILING: pb.DISABLED_BECAUSE_FAILING,
}
_STATES: Mapping[DeliveryState, pb.DeliveryState.ValueType] = {
    DeliveryState.QUEUED: pb.DELIVERY_STATE_QUEUED,
    # A claim is an inner matter: to people the delivery still waits.
    DeliveryState.CLAIMED: pb.DELIVERY_STATE_QUEUED,
    DeliveryState.DELIVERED: pb.DELIVERY_STATE_DELIVERED,
    DeliveryState.FAILED: pb.DELIVERY_STATE_FAILED,
}
_FILTERS: Mapping[int, str] = {
    pb.DELIVERY_STATE_QUEUED: DeliveryState.QUEUED,
    pb.DELIVERY_STATE_DELIVERED: DeliveryState.DELIVERED,
    pb.DELIVERY_STATE_FAILED: DeliveryState.FAILED,
}


class WebhookApi(webhooks_pb2_grpc.WebhookServiceServicer):
    """Endpoints of merchants' own systems, and what went to them."""

    def __init__(self, context: commands.WebhookContext) -> None:
        self._context = context

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, _: Context) -> pb.CreateWebhookResponse:
        wish = WebhookWish.read(request.description, request.event_types, _KNOWN)
        webhook, secret = await commands.create_webhook(self._context, rpc.caller(), request.url, wish)
        return pb.CreateWebhookResponse(webhook=webhook_message(webhook), secret=secret)

    async def ChangeWebhook(self, request: pb.ChangeWebhookRequest, _: Context) -> pb.ChangeWebhookResponse:
        once: Once[Webhook] = rpc.once(request, lambda w: pb.ChangeWebhookResponse(webhook=webhook_message(w)))
        webhook = await commands.change_webhook(
            self._context,
            rpc.caller(),
            once,
            parse_id(request.webhook_id, "webhook_id"),
            request.url,
            WebhookWish.read(request.description, request.event_types, _KNOWN),
            request.enabled,
        )
        return pb.ChangeWebhookResponse(webhook=webhook_message(webhook))

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, _: Context
    ) -> pb.RotateWebhookSecretResponse:
        webhook_id = parse_id(request.webhook_id, "webhook_id")
        webhook, secret = await commands.rotate_webhook_secret(self._context, rpc.caller(), webhook_id)
        return pb.RotateWebhookSecretResponse(webhook=webhook_message(webhook), secret=secret)

    async def RemoveWebhook(self, request: pb.RemoveWebhookRequest, _: Context) -> pb.RemoveWebhookResponse:
        await commands.remove_webhook(self._context, rpc.caller(), parse_id(request.webhook_id, "webhook_id"))
        return pb.RemoveWebhookResponse()

    async def GetWebhook(self, request: pb.GetWebhookRequest, _: Context) -> pb.GetWebhookResponse:
        webhook_id = parse_id(request.webhook_id, "webhook_id")
        webhook = await queries.get_webhook(self._context.database, rpc.caller(), webhook_id)
        return pb.GetWebhookResponse(webhook=webhook_message(webhook))

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, _: Context) -> pb.ListWebhooksResponse:
        found = await queries.list_webhooks(self._context.database, rpc.caller())
        return pb.ListWebhooksResponse(webhooks=map(webhook_message, found))

    async def TestWebhook(self, request: pb.TestWebhookRequest, _: Context) -> pb.TestWebhookResponse:
        once: Once[Delivery] = rpc.once(request, lambda d: pb.TestWebhookResponse(delivery=delivery_message(d)))
        webhook_id = parse_id(request.webhook_id, "webhook_id")
        delivery = await commands.send_test(self._context, rpc.caller(), once, webhook_id)
        return pb.TestWebhookResponse(delivery=delivery_message(delivery))

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, _: Context) -> pb.ListDeliveriesResponse:
        if request.type and request.type not in WEBHOOK_TYPES:
            raise InvalidInput.of("type", "event_type_unknown", event_type=request.type[:60])
        page = await queries.list_deliveries(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            parse_id(request.webhook_id, "webhook_id"),
            _FILTERS.get(request.state, ""),
            request.type,
        )
        return pb.ListDeliveriesResponse(deliveries=map(delivery_message, page.items), next_page_token=page.next_token)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, _: Context) -> pb.GetDeliveryResponse:
        delivery_id = parse_id(request.delivery_id, "delivery_id")
        delivery = await queries.get_delivery(self._context.database, rpc.caller(), delivery_id)
        attempts = [
            pb.DeliveryAttempt(
                number=attempt.number,
                at=timestamp(attempt.at),
                duration_ms=attempt.duration_ms,
                status=attempt.status,
                error=attempt.error,
                response=attempt.response,
            )
            for attempt in delivery.log
        ]
        return pb.GetDeliveryResponse(delivery=delivery_message(delivery), attempts=attempts)

    async def ReplayDelivery(self, request: pb.ReplayDeliveryRequest, _: Context) -> pb.ReplayDeliveryResponse:
        once: Once[Delivery] = rpc.once(request, lambda d: pb.ReplayDeliveryResponse(delivery=delivery_message(d)))
        delivery_id = parse_id(request.delivery_id, "delivery_id")
        delivery = await commands.replay_delivery(self._context, rpc.caller(), once, delivery_id)
        return pb.ReplayDeliveryResponse(delivery=delivery_message(delivery))

    async def ReplayFailed(self, request: pb.ReplayFailedRequest, _: Context) -> pb.ReplayFailedResponse:
        if not request.HasField("since"):
            raise InvalidInput.of("since", "required")
        once: Once[int] = rpc.once(request, _replayed)
        webhook_id = parse_id(request.webhook_id, "webhook_id")
        found = await commands.replay_failed(self._context, rpc.caller(), once, webhook_id, moment(request.since))
        return _replayed(found)


def webhook_message(webhook: Webhook) -> pb.Webhook:
    """An endpoint for the wire."""
    return pb.Webhook(
        webhook_id=str(webhook.webhook_id),
        url=webhook.url,
        description=webhook.description,
        event_types=webhook.event_types,
        disabled_because=_BECAUSE[webhook.disabled_because],
        disabled_at=timestamp(webhook.disabled_at),
        failing_since=timestamp(webhook.failing_since),
        created_at=timestamp(webhook.created_at),
        old_secret_until=timestamp(webhook.old_secret_until),
        version=webhook.version,
    )


def delivery_message(delivery: Delivery) -> pb.Delivery:
    """A delivery for the wire."""
    waits = delivery.state in (DeliveryState.QUEUED, DeliveryState.CLAIMED)
    return pb.Delivery(
        delivery_id=str(delivery.delivery_id),
        webhook_id=str(delivery.webhook_id),
        event_id=str(delivery.event_id),
        type=delivery.type,
        state=_STATES[delivery.state],
        attempts=delivery.attempts,
        created_at=timestamp(delivery.created_at),
        delivered_at=timestamp(delivery.delivered_at),
        next_attempt_at=timestamp(delivery.next_attempt_at) if waits else None,
        status=delivery.status,
        error=delivery.error,
        payload=delivery.payload,
    )


def _replayed(found: int) -> pb.ReplayFailedResponse:
    return pb.ReplayFailedResponse(deliveries=found, more=found == MOST_REPLAYED)
