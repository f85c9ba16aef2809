"""Reads of the log of messages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.notification import store
from services.notification.domain import Message


async def list_messages(
    database: Database, claims: ServiceClaims, size: int, token: str, order_id: UUID | None, customers: Sequence[UUID]
) -> Page[Message]:
    """The store's messages newest first (G2), perhaps about one order or to some customers. Raises InvalidInput."""
    page = _read_page(size, token)
    async with database.transaction(claims.store) as tx:
        rows = await store.list_page(tx, claims.store, page, order_id, customers)
    return page.cut(rows, lambda message: (str(message.message_id),))


def _read_page(size: int, token: str) -> PageRequest:
    page = PageRequest.read(size, token, keys=1)
    if page.after is None:
        return page
    try:
        return PageRequest(page.size, (UUID(page.after[0]),))
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None
