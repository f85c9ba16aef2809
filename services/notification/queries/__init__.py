"""Reads of the notification service."""

from services.notification.queries.messages import get_message, list_messages, messages_of_events
from services.notification.queries.subscriptions import is_subscribed, list_unsubscribed

__all__ = ["get_message", "is_subscribed", "list_messages", "list_unsubscribed", "messages_of_events"]
