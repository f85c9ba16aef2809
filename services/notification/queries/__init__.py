"""Reads of the notification service."""

from services.notification.queries.messages import get_message, list_messages, list_outages, messages_of_events
from services.notification.queries.subscriptions import is_subscribed, list_unsubscribed
from services.notification.queries.webhooks import get_delivery, get_webhook, list_deliveries, list_webhooks

__all__ = [
    "get_delivery",
    "get_message",
    "get_webhook",
    "is_subscribed",
    "list_deliveries",
    "list_messages",
    "list_outages",
    "list_unsubscribed",
    "list_webhooks",
    "messages_of_events",
]
