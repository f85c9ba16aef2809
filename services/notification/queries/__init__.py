"""Reads of the notification service."""

from services.notification.queries.messages import get_message, list_messages
from services.notification.queries.subscriptions import is_subscribed

__all__ = ["get_message", "is_subscribed", "list_messages"]
