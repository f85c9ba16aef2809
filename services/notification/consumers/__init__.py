"""What the notification service learns from others: messages that they ask for, and events that merchants' own systems are told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.inbox import Delivered, Handler, Subscription
from services.notification.consumers import messages
from services.notification.consumers.webhooks import PUBLIC, on_public_events

__all__ = ["SUBSCRIPTIONS"]


def _subscriptions(context: str) -> Sequence[Subscription]:
    """One handler for all events of a context, so that a batch of several types asks for the store's endpoints once."""
    handlers: Mapping[type[Message], Handler] = {s.message: s.handler for s in messages.SUBSCRIPTIONS.get(context, ())}
    public = [message for message in PUBLIC if message.DESCRIPTOR.full_name.split(".")[1] == context]

    async def handle(tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[Any]]) -> None:
        for handler, run in groupby(events, key=lambda event: handlers.get(type(event.message))):
            if handler is not None:
                await handler(tx, store_id, list(run))
        await on_public_events(tx, store_id, [event for event in events if type(event.message) in PUBLIC])

    return [Subscription(message, handle) for message in dict.fromkeys((*handlers, *public))]


SUBSCRIPTIONS: Mapping[str, Sequence[Subscription]] = {
    context: _subscriptions(context) for context in ("membership", "orders", "identity_merge", "notification")
}
