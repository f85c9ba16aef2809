"""Reads of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import CustomerChange, Filter, Order, SpentOrder, read_search


async def get_order(database: Database, claims: ServiceClaims, order_id: UUID) -> Order:
    """One order whole; customers find their own, visitors the one whose link they have. Raises NotFound (order_not_found)."""
    async with database.transaction(claims.store) as tx:
        order = await store.load(tx, claims.store, order_id)
    if order is None or not claims.may_see_order(order_id, order.customer_id):
        raise NotFound("order_not_found", order_id=str(order_id))
    return order


async def list_orders(database: Database, claims: ServiceClaims, size: int, token: str, asked: Filter) -> Page[Order]:
    """Orders newest first, by filter and words. Raises InvalidInput (invalid_page_token, too_large)."""
    page, mark = PageRequest.read(size, token, keys=3), asked.mark()
    if page.after:
        if page.after[0] != mark:
            raise InvalidInput.of("page.token", "invalid_page_token")
        page = PageRequest(page.size, _key(*page.after[1:]))
    async with database.transaction(claims.store) as tx:
        rows = await store.find_page(tx, asked, read_search(asked.query, claims.region), page)
    return page.cut(rows, lambda order: (mark, order.placed_at.isoformat(), str(order.order_id)))


async def list_changes(
    database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID
) -> Page[CustomerChange]:
    """What happened to a customer's orders, newest first (F13). Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=3)
    if page.after:
        try:
            after = (datetime.fromisoformat(page.after[0]), UUID(page.after[1]), int(page.after[2]))
        except (TypeError, ValueError, AttributeError):
            raise InvalidInput.of("page.token", "invalid_page_token") from None
        page = PageRequest(page.size, after)
    async with database.transaction(claims.store) as tx:
        rows = await store.changes_page(tx, claims.store, customer_id, page)
    return page.cut(rows, lambda change: (change.at.isoformat(), str(change.order_id), change.version))


async def summarise_customers(
    database: Database, claims: ServiceClaims, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int, int]]:
    """For each customer: (unpaid orders, settled orders, net spend in minor units)."""
    async with database.transaction(claims.store) as tx:
        found = await store.summarise(tx, claims.store, customer_ids)
    return {customer_id: found.get(customer_id, (0, 0, 0)) for customer_id in customer_ids}


async def explain_spend(
    database: Database, claims: ServiceClaims, customer_id: UUID, size: int, token: str
) -> tuple[int, Page[SpentOrder]]:
    """(net spend, the orders of which it is the sum, newest first) of a customer, of one moment (B5).

    Raises InvalidInput (invalid_page_token, too_large).
    """
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        page = PageRequest(page.size, _key(*page.after))
    async with database.transaction(claims.store) as tx:
        # The newest of all has the whole sum; only the first page holds it.
        newest = await store.spent_page(tx, claims.store, customer_id, PageRequest(0))
        rows = await store.spent_page(tx, claims.store, customer_id, page)
    total = newest[0].running if newest else 0
    return total, page.cut(rows, lambda order: (order.placed_at.isoformat(), str(order.order_id)))


def _key(at: str, order_id: str) -> tuple[datetime, UUID]:
    try:
        return datetime.fromisoformat(at), UUID(order_id)
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None
