"""Finding orders by whatever filter, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import Filter, Order, Search
from services.orders.store.rows import order_of

# How many rows at a list's head tell whether words are common: where 4 of them fit, the page is found by walking on over
# twenty times as many; where fewer do, the index has at most a few thousand.
FIRST_ROWS = 1_500
_FOUND = """find_orders(CAST(:way AS text), CAST(:grams AS text[]), CAST(:patterns AS text[]), CAST(:number AS bigint),
 CAST(:customers AS uuid[]), CAST(:statuses AS int[]), CAST(:partly AS bool), CAST(:channels AS int[]),
 CAST(:placed_from AS timestamptz), CAST(:placed_before AS timestamptz), CAST(:total_from AS bigint), CAST(:total_to AS bigint),
 CAST(:after_at AS timestamptz), CAST(:after_id AS uuid), CAST(:most AS int), CAST(:first AS int)) AS f"""
_PAGE = text(
    f"""SELECT o.* FROM {_FOUND}
 JOIN orders o ON o.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND o.order_id = f.order_id
 ORDER BY o.placed_at DESC, o.order_id DESC"""
)
_IDS = text(f"SELECT f.order_id FROM {_FOUND}")
_SURVIVORS = text(
    """SELECT survivor_id FROM survivors
 WHERE store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND merged_id = ANY(CAST(:ids AS uuid[]))"""
)


async def find_page(tx: AsyncConnection, asked: Filter, search: Search, page: PageRequest) -> list[Order]:
    """Orders of the transaction's store, newest first, one more than the page holds. `page.after` is (placed_at, order_id).

    `search` stands for the words of the filter. `find_orders` is the one door through which texts can be found by an index:
    PostgreSQL does not let operators that are not leakproof reach one past row-level security (revision 0004).
    """
    customers = await _owners(tx, asked)
    rows = await tx.execute(_PAGE, _parameters(asked, customers, search, page.size + 1, page.after))
    return [order_of(row) for row in rows]


async def find_ids(tx: AsyncConnection, asked: Filter, search: Search, most: int) -> list[UUID]:
    """Up to `most` orders, newest first."""
    parameters = _parameters(asked, await _owners(tx, asked), search, most, None)
    return [row.order_id for row in await tx.execute(_IDS, parameters)]


async def _owners(tx: AsyncConnection, asked: Filter) -> list[UUID]:
    """The customers that are asked about and the survivors of those who were merged (F10), whose unpaid orders stay theirs (F7)."""
    ids = list(asked.customer_ids)
    if not ids:
        return []
    found = await tx.execute(_SURVIVORS, {"ids": ids})
    return list(dict.fromkeys([*ids, *(row.survivor_id for row in found)]))


def _parameters(
    asked: Filter, customers: Sequence[UUID], search: Search, most: int, after: tuple[datetime, UUID] | None
) -> dict[str, object]:
    words = search.contact
    return {
        "way": words.way.value if words else "",
        "grams": list(words.grams) if words else [],
        "patterns": list(words.patterns) if words else [],
        "number": search.number,
        "customers": list(customers),
        "statuses": list(asked.statuses),
        "partly": asked.partly_refunded,
        "channels": list(asked.channels),
        "placed_from": asked.placed_from,
        "placed_before": asked.placed_before,
        "total_from": asked.total_from,
        "total_to": asked.total_to,
        "after_at": after[0] if after else None,
        "after_id": after[1] if after else None,
        "most": most,
        "first": FIRST_ROWS,
    }
