"""Reads of the price list."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import Item, search_patterns


async def get_item(database: Database, claims: ServiceClaims, item_id: UUID) -> Item:
    """One item, archived or not. Raises NotFound (item_not_found)."""
    async with database.transaction(claims.store) as tx:
        item = await store.load_item(tx, claims.store, item_id)
    if item is None:
        raise NotFound("item_not_found", item_id=str(item_id))
    return item


async def list_items(
    database: Database, claims: ServiceClaims, size: int, token: str, query: str, wanted: store.ItemsWanted
) -> Page[Item]:
    """Items in the store's order; every word of the query must be a part of a name or the SKU.

    Raises InvalidInput (invalid_page_token, too_large).
    """
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        page = PageRequest(page.size, _place(page.after))
    wanted = replace(wanted, patterns=search_patterns(query))
    async with database.transaction(claims.store) as tx:
        rows = await store.items_page(tx, claims.store, page, wanted)
    return page.cut(rows, lambda item: (item.position, str(item.item_id)))


def _place(after: tuple[object, ...]) -> tuple[int, UUID]:
    position, item_id = after
    if not isinstance(position, int) or abs(position) >= 2**31 or not isinstance(item_id, str):
        raise InvalidInput.of("page.token", "invalid_page_token")
    try:
        return position, UUID(item_id)
    except ValueError:
        raise InvalidInput.of("page.token", "invalid_page_token") from None
