"""Reads of the notification service."""

from services.notification.queries.messages import list_messages

__all__ = ["list_messages"]
