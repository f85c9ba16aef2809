"""Reads of the notification service."""

from services.notification.queries.messages import list_messages
from services.notification.queries.subscriptions import is_subscribed

__all__ = ["is_subscribed", "list_messages"]
