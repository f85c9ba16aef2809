"""Writes of the notification service: messages are queued by events (intents), written (writing) and sent by loops (delivery), and
forgotten in time (forgetting).
"""

from services.notification.commands.deciding import decide_message
from services.notification.commands.delivery import Sender, Way, expire_leases
from services.notification.commands.forgetting import forget, forget_in_time
from services.notification.commands.intents import queue, remember_store, why_not_to_send
from services.notification.commands.looking import read_look, save_look
from services.notification.commands.subscriptions import set_subscription
from services.notification.commands.writing import Writer

__all__ = [
    "Sender",
    "Way",
    "Writer",
    "decide_message",
    "expire_leases",
    "forget",
    "forget_in_time",
    "queue",
    "read_look",
    "remember_store",
    "save_look",
    "set_subscription",
    "why_not_to_send",
]
