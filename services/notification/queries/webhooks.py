"""Reads of endpoints and of what went to them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.common.database import Database
from services.common.errors import NotFound
from services.common.paging import Page
from services.common.tokens import ServiceClaims
from services.notification import store
from services.notification.domain import Delivery, Webhook
from services.notification.queries.messages import read_page


async def get_webhook(database: Database, claims: ServiceClaims, webhook_id: UUID) -> Webhook:
    """One endpoint. Raises NotFound (webhook_not_found)."""
    async with database.transaction(claims.store) as tx:
        webhook = await store.load_webhook(tx, claims.store, webhook_id)
    if webhook is None:
        raise NotFound("webhook_not_found", webhook_id=str(webhook_id))
    return webhook


async def list_webhooks(database: Database, claims: ServiceClaims) -> Sequence[Webhook]:
    """All endpoints of the store, the oldest first; there are few."""
    async with database.transaction(claims.store) as tx:
        return await store.list_webhooks(tx, claims.store)


async def list_deliveries(
    database: Database, claims: ServiceClaims, size: int, token: str, webhook_id: UUID, state: str, event_type: str
) -> Page[Delivery]:
    """What went to an endpoint in the last 30 days, newest first; "" filters nothing. Raises InvalidInput, NotFound."""
    page = read_page(size, token)
    await get_webhook(database, claims, webhook_id)
    async with database.transaction(claims.store) as tx:
        rows = await store.list_deliveries(tx, claims.store, page, webhook_id, state, event_type)
    return page.cut(rows, lambda delivery: (str(delivery.delivery_id),))


async def get_delivery(database: Database, claims: ServiceClaims, delivery_id: UUID) -> Delivery:
    """One delivery with payload and attempts. Raises NotFound (delivery_not_found)."""
    async with database.transaction(claims.store) as tx:
        delivery = await store.load_delivery(tx, claims.store, delivery_id)
    if delivery is None:
        raise NotFound("delivery_not_found", delivery_id=str(delivery_id))
    return delivery
