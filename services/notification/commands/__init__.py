"""Writes of the notification service: messages are queued by events (intents) and sent by a loop (delivery)."""

from services.notification.commands.delivery import Sender, SenderSettings
from services.notification.commands.intents import forget, queue, remember_store, why_not_to_send

__all__ = ["Sender", "SenderSettings", "forget", "queue", "remember_store", "why_not_to_send"]
