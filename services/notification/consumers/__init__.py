"""What the notification service learns from others."""

from services.notification.consumers.messages import SUBSCRIPTIONS

__all__ = ["SUBSCRIPTIONS"]
