"""Lists of customers, saved filters, figures (C1-C3, C11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import (
    Customer,
    Filter,
    Kind,
    Overview,
    Query,
    SavedFilter,
    Sort,
    Wish,
    folded_name,
    read_query,
    recent_since,
)
from services.membership.queries.tokens import token_id, token_time

_BY_TIME = {Sort.NEWEST, Sort.OLDEST}


@dataclass(frozen=True, slots=True)
class Found:
    """A page of customers; `members_total` is told on the first page of a list of all only, and None in a store that is too large to
    be counted for it: its overview knows.
    """

    page: Page[Customer]
    members_total: int | None = 0


async def search_customers(
    database: Database, claims: ServiceClaims, size: int, token: str, text: str, members_only: bool
) -> Found:
    """Customers by part of name, phone or e-mail, newest first; merged and deleted ones left out (C2).

    Raises InvalidInput (invalid_page_token, too_large).
    """
    kind = Kind.MEMBERS if members_only else Kind.EVERYBODY
    return await list_customers(database, claims, size, token, Wish(Filter(query=text, kind=kind)))


async def list_customers(database: Database, claims: ServiceClaims, size: int, token: str, wish: Wish) -> Found:
    """Customers by filter, in the order wished for; merged and deleted ones left out (C3).

    Raises InvalidInput (invalid_page_token, too_large).
    """
    page, way = _read_page(size, token, wish)
    queries = read_query(wish.filter.query, claims.region)
    total: int | None = 0
    async with database.transaction(claims.store) as tx:
        settings = await store.load_settings(tx, claims.store)
        recent = recent_since(clock.now(), settings.timezone)
        keys, way = await _find(tx, wish, queries, page, way, recent)
        cut = page.cut(keys, lambda key: (wish.mark(), way, _written(key[0]), str(key[1])))
        if not token and not wish.filter.narrows and wish.filter.kind is not Kind.INVITABLE:
            total = await store.count_members(tx, claims.store)
        known = await store.load_many(tx, claims.store, [customer_id for _, customer_id in cut.items])
    # One that was merged between the two reads is no longer to be listed, but showing it does no harm.
    return Found(Page([known[i] for _, i in cut.items], cut.next_token), total)


async def _find(
    tx: AsyncConnection, wish: Wish, queries: Sequence[Query], page: PageRequest, way: int, recent: datetime
) -> tuple[list[tuple[store.Key, UUID]], int]:
    """By the first way that finds anybody; later pages go on by the way of the first."""
    if not queries:
        return await store.find(tx, wish, None, page, recent), 0
    while True:
        keys = await store.find(tx, wish, queries[min(way, len(queries) - 1)], page, recent)
        if keys or page.after or way + 1 >= len(queries):
            return keys, way
        way += 1


def _written(key: store.Key) -> str | int:
    return key.isoformat() if isinstance(key, datetime) else key


def _read_page(size: int, token: str, wish: Wish) -> tuple[PageRequest, int]:
    """The page, and by which way of the query it goes on. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=4)
    if page.after is None:
        return page, 0
    mark, way, key, customer_id = page.after
    if mark != wish.mark() or way not in (0, 1):
        raise InvalidInput.of("page.token", "invalid_page_token")
    return PageRequest(page.size, (_read_key(wish.sort, key), token_id(customer_id))), int(way)


def _read_key(sort: Sort, key: object) -> store.Key:
    if sort in _BY_TIME:
        return token_time(key)
    if sort is Sort.NAME and isinstance(key, str) and "\0" not in key:
        return key
    if sort is not Sort.NAME and isinstance(key, int) and abs(key) < 2**63:
        return key
    raise InvalidInput.of("page.token", "invalid_page_token")


async def get_filter(database: Database, claims: ServiceClaims, filter_id: UUID) -> SavedFilter:
    """A saved filter. Raises NotFound (filter_not_found)."""
    async with database.transaction(claims.store) as tx:
        saved = await store.load_filter(tx, claims.store, filter_id)
    if saved is None:
        raise NotFound("filter_not_found")
    return saved


async def list_filters(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[SavedFilter]:
    """Saved filters by name. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=1)
    if page.after and not isinstance(page.after[0], str):
        raise InvalidInput.of("page.token", "invalid_page_token")
    async with database.transaction(claims.store) as tx:
        rows = await store.filters_page(tx, claims.store, page)
    return page.cut(rows, lambda saved: (folded_name(saved.name),))


async def get_overview(database: Database, claims: ServiceClaims) -> Overview | None:
    """The figures that were reckoned last; None when they never were."""
    async with database.transaction(claims.store) as tx:
        return await store.load_overview(tx, claims.store)
