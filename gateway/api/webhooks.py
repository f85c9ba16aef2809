"""/webhooks: your own systems hear of events (H4)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader
from gateway.api.webhook_models import (
    STATES,
    DeliveriesQuery,
    Delivery,
    DeliveryList,
    DeliveryPath,
    NewWebhook,
    Replayed,
    ReplayIn,
    Webhook,
    WebhookChange,
    WebhookIn,
    WebhookList,
    WebhookPath,
    WholeDelivery,
    delivery_json,
    webhook_json,
    whole_json,
)
from gateway.clients import services
from onefold.notification.v1 import webhooks_pb2 as pb
from services.common.permissions import WEBHOOKS_WRITE

_TAGS = [
    Tag(
        name="Webhooks",
        description="Your own systems are told of events, signed as Standard Webhooks have it. Each event comes at least once; "
        "`webhook-id` tells a repeat. The order is not promised: go by `version` or `timestamp`. An attempt that is not answered "
        "with 2xx within 15 seconds is repeated for about a day. [All types with examples](/api/docs/events).",
    )
]


@blueprint.get("/webhooks", tags=_TAGS, responses={200: WebhookList})
@checked(WEBHOOKS_WRITE)
def list_webhooks() -> Response:
    """List endpoints, the oldest first"""
    return answer({"items": [webhook_json(w) for w in services().webhooks.list(pb.ListWebhooksRequest()).webhooks]})


@blueprint.post("/webhooks", tags=_TAGS, responses={201: NewWebhook})
@checked(WEBHOOKS_WRITE)
def create_webhook(header: IdempotencyHeader, body: WebhookIn) -> Response:
    """Add an endpoint

    The secret is in this answer and nowhere else, so a repeat adds another endpoint.
    """
    request = pb.CreateWebhookRequest(url=body.url, description=body.description, event_types=body.event_types)
    made = services().webhooks.create(request, key=header.idempotency_key)
    shown = webhook_json(made.webhook) | {"secret": made.secret}
    return created(shown, f"{PREFIX}/webhooks/{made.webhook.webhook_id}")


@blueprint.get("/webhooks/<webhook_id>", tags=_TAGS, responses={200: Webhook})
@checked(WEBHOOKS_WRITE)
def get_webhook(path: WebhookPath) -> Response:
    """Read an endpoint"""
    return answer(webhook_json(services().webhooks.get(pb.GetWebhookRequest(webhook_id=path.webhook_id)).webhook))


@blueprint.put("/webhooks/<webhook_id>", tags=_TAGS, responses={200: Webhook})
@checked(WEBHOOKS_WRITE)
def change_webhook(header: IdempotencyHeader, path: WebhookPath, body: WebhookChange) -> Response:
    """Change an endpoint, disable it, or enable it again"""
    request = pb.ChangeWebhookRequest(
        webhook_id=path.webhook_id,
        url=body.url,
        description=body.description,
        event_types=body.event_types,
        enabled=body.enabled,
    )
    return answer(webhook_json(services().webhooks.change(request, key=header.idempotency_key).webhook))


@blueprint.delete("/webhooks/<webhook_id>", tags=_TAGS, responses={204: None})
@checked(WEBHOOKS_WRITE)
def remove_webhook(header: IdempotencyHeader, path: WebhookPath) -> Response:
    """Remove an endpoint; what waits for it is not sent any more"""
    services().webhooks.remove(pb.RemoveWebhookRequest(webhook_id=path.webhook_id), key=header.idempotency_key)
    return Response(status=204)


@blueprint.post("/webhooks/<webhook_id>/rotation", tags=_TAGS, responses={200: NewWebhook})
@checked(WEBHOOKS_WRITE)
def rotate_webhook_secret(header: IdempotencyHeader, path: WebhookPath) -> Response:
    """Give an endpoint another secret; the one before signs beside it for 24 hours

    The secret is in this answer and nowhere else, so a repeat makes another; none is lost by that within its 24 hours.
    """
    request = pb.RotateWebhookSecretRequest(webhook_id=path.webhook_id)
    made = services().webhooks.rotate(request, key=header.idempotency_key)
    return answer(webhook_json(made.webhook) | {"secret": made.secret})


@blueprint.post("/webhooks/<webhook_id>/test", tags=_TAGS, responses={202: Delivery})
@checked(WEBHOOKS_WRITE)
def test_webhook(header: IdempotencyHeader, path: WebhookPath) -> Response:
    """Send a test: an event of the type webhook.test"""
    made = services().webhooks.test(pb.TestWebhookRequest(webhook_id=path.webhook_id), key=header.idempotency_key)
    return answer(delivery_json(made.delivery), 202)


@blueprint.get("/webhooks/<webhook_id>/deliveries", tags=_TAGS, responses={200: DeliveryList})
@checked(WEBHOOKS_WRITE)
def list_deliveries(path: WebhookPath, query: DeliveriesQuery) -> Response:
    """List what went to an endpoint in the last 30 days, newest first"""
    request = pb.ListDeliveriesRequest(
        page=query.page(),
        webhook_id=path.webhook_id,
        state=STATES.get(query.state, pb.DELIVERY_STATE_UNSPECIFIED),
        type=query.type,
    )
    found = services().webhooks.list_deliveries(request)
    items = [delivery_json(delivery) for delivery in found.deliveries]
    return answer({"items": items, "next_page_token": found.next_page_token or None})


@blueprint.post("/webhooks/<webhook_id>/replays", tags=_TAGS, responses={202: Replayed})
@checked(WEBHOOKS_WRITE)
def replay_failed(header: IdempotencyHeader, path: WebhookPath, body: ReplayIn) -> Response:
    """Send what has failed since a time once more, at most 1,000 deliveries"""
    request = pb.ReplayFailedRequest(webhook_id=path.webhook_id, since=body.stamp())
    found = services().webhooks.replay_failed(request, key=header.idempotency_key)
    return answer({"deliveries": found.deliveries, "more": found.more}, 202)


@blueprint.get("/webhook-deliveries/<delivery_id>", tags=_TAGS, responses={200: WholeDelivery})
@checked(WEBHOOKS_WRITE)
def get_delivery(path: DeliveryPath) -> Response:
    """Read a delivery: what was sent, and every attempt"""
    return answer(whole_json(services().webhooks.get_delivery(pb.GetDeliveryRequest(delivery_id=path.delivery_id))))


@blueprint.post("/webhook-deliveries/<delivery_id>/replays", tags=_TAGS, responses={202: Delivery})
@checked(WEBHOOKS_WRITE)
def replay_delivery(header: IdempotencyHeader, path: DeliveryPath) -> Response:
    """Send a delivery once more, under its id"""
    request = pb.ReplayDeliveryRequest(delivery_id=path.delivery_id)
    return answer(delivery_json(services().webhooks.replay_delivery(request, key=header.idempotency_key).delivery), 202)
