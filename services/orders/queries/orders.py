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
from services.orders.domain import CustomerChange, Order


async def get_order(database: Database, claims: ServiceClaims, order_id: UUID) -> Order:
    """One order whole. Raises NotFound (order_not_found)."""
    async with database.transaction(claims.store) as tx:
        order = await store.load(tx, claims.store, order_id)
    if order is None:
        raise NotFound("order_not_found", order_id=str(order_id))
    return order


async def list_orders(
    database: Database,
    claims: ServiceClaims,
    size: int,
    token: str,
    customer_ids: Sequence[UUID],
    statuses: Sequence[int],
    query: str,
) -> Page[Order]:
    """Orders newest first, by filter or by search. Raises InvalidInput (invalid_page_token, too_large)."""
    page = read_page(size, token)
    query = query.strip()
    async with database.transaction(claims.store) as tx:
        if query:
            digits = query.lstrip("#")
            number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 12 else None
            rows = await store.search_page(tx, page, like_pattern(query), number)
        else:
            rows = await store.list_page(tx, claims.store, page, customer_ids, statuses)
    return page.cut(rows, lambda order: (order.placed_at.isoformat(), str(order.order_id)))


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


def read_page(size: int, token: str) -> PageRequest:
    """The page of a list ordered by (placed_at, order_id)."""
    page = PageRequest.read(size, token, keys=2)
    if page.after is None:
        return page
    try:
        return PageRequest(page.size, (datetime.fromisoformat(page.after[0]), UUID(page.after[1])))
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None


def like_pattern(query: str) -> str:
    """`query` as a LIKE pattern for "contains", with LIKE's own signs made harmless."""
    escaped = query.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped[:100]}%"
