"""What events ask for: messages to be sent, stores to be known. Each is part of the inbox transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import time_of
from services.notification import store
from services.notification.domain import HISTORY_AFTER, Intent, Store


async def queue(tx: AsyncConnection, store_id: UUID, intents: Sequence[Intent]) -> None:
    """Writes one message for each intent, once (E)."""
    await store.insert_intents(tx, store_id, intents)


async def remember_store(tx: AsyncConnection, store_id: UUID, changed: Store, version: int) -> None:
    """Takes over what a store says of itself; messages that waited for it are sent from now on."""
    await store.save_store(tx, store_id, changed, version)


def why_not_to_send(order_id: UUID, placed_at: datetime) -> str:
    """The reason why an order's e-mail is only written down; "" for an order of today.

    An order's id holds the moment at which it was entered (UUIDv7), so the answer is the same however late the event comes.
    """
    return "the order is history brought from elsewhere" if time_of(order_id) - placed_at > HISTORY_AFTER else ""
