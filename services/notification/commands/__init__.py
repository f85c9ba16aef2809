"""Writes of the notification service: messages are queued by events (intents), written (writing) and sent by loops (delivery), and
forgotten in time (forgetting). Webhooks: staff set them up (webhooks), events queue deliveries, and a loop sends them (webhook_delivery).
"""

from services.notification.commands.deciding import decide_message
from services.notification.commands.delivery import Sender, Way, expire_leases
from services.notification.commands.forgetting import forget, forget_in_time
from services.notification.commands.intents import queue, remember_store, why_not_to_send
from services.notification.commands.looking import read_look, save_look
from services.notification.commands.sms_status import Notices, status_url
from services.notification.commands.subscriptions import set_subscription
from services.notification.commands.webhook_delivery import WebhookSender, WebhookWay, purge_webhooks, tend_webhooks
from services.notification.commands.webhook_telling import tell_owners
from services.notification.commands.webhooks import (
    WebhookContext,
    announce,
    change_webhook,
    create_webhook,
    remove_webhook,
    replay_delivery,
    replay_failed,
    rotate_webhook_secret,
    send_test,
)
from services.notification.commands.writing import Writer

__all__ = [
    "Notices",
    "Sender",
    "Way",
    "WebhookContext",
    "WebhookSender",
    "WebhookWay",
    "Writer",
    "announce",
    "change_webhook",
    "create_webhook",
    "decide_message",
    "expire_leases",
    "forget",
    "forget_in_time",
    "purge_webhooks",
    "queue",
    "read_look",
    "remember_store",
    "remove_webhook",
    "replay_delivery",
    "replay_failed",
    "rotate_webhook_secret",
    "save_look",
    "send_test",
    "set_subscription",
    "status_url",
    "tell_owners",
    "tend_webhooks",
    "why_not_to_send",
]
