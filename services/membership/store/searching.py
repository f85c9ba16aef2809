"""Finding customers, by whatever filter and in whatever order (C2, C3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Kind, Query, Sort, Wish

# How many rows at a list's head tell whether words or tags are common: where 4 of 1,500 fit, the page is found by walking on
# over some 10,000; where fewer do, the index has at most a few thousand. Either takes 10 to 15 ms at worst.
FIRST_ROWS = 1_500
Key = datetime | int | str
_KINDS = {Kind.EVERYBODY: [True, False], Kind.MEMBERS: [True], Kind.INVITABLE: [False]}
_FIND = text(
    """SELECT customer_id, key_at, key_number, key_word FROM find_customers(CAST(:sort AS text), CAST(:kinds AS bool[]),
 CAST(:invitable AS bool), CAST(:way AS text), CAST(:grams AS text[]), CAST(:patterns AS text[]), CAST(:levels AS uuid[]),
 CAST(:without_level AS bool), CAST(:recent AS timestamptz), CAST(:cart AS timestamptz), CAST(:spend_from AS bigint),
 CAST(:spend_to AS bigint), CAST(:month AS int), CAST(:tags AS text[]), CAST(:after_at AS timestamptz),
 CAST(:after_number AS bigint), CAST(:after_word AS text), CAST(:after_id AS uuid), CAST(:most AS int), CAST(:first AS int))"""
)
_COUNT = text(
    """SELECT count(*) FROM (SELECT FROM customer_search WHERE store_id = :store_id AND member
 LIMIT CAST(:most AS int)) AS members"""
)
# Up to here members are counted whenever a list is looked at: 0.1 µs each.
MOST_COUNTED = 10_000


async def find(
    tx: AsyncConnection, wish: Wish, query: Query | None, page: PageRequest, recent: datetime
) -> list[tuple[Key, UUID]]:
    """(sort key, id) of the transaction's store's customers, one more than the page holds. `page.after` is such a pair.

    `query` stands for the words of the filter; `recent` is the moment from which something is within 7 days.
    """
    asked = wish.filter
    parameters = {
        "sort": wish.sort.name.lower(),
        "kinds": _KINDS[asked.kind],
        "invitable": asked.kind is Kind.INVITABLE,
        "way": query.way.value if query else "",
        "grams": list(query.grams) if query else [],
        "patterns": list(query.patterns) if query else [],
        "levels": list(asked.level_ids),
        "without_level": asked.without_level,
        "recent": recent if asked.registered_recently else None,
        "cart": recent if asked.cart_unchecked else None,
        "spend_from": asked.net_spend_from,
        "spend_to": asked.net_spend_to,
        "month": asked.birthday_month,
        "tags": list(asked.tags),
        "most": page.size + 1,
        "first": FIRST_ROWS,
        **_after(wish.sort, page),
    }
    return [(_key(row), row.customer_id) for row in await tx.execute(_FIND, parameters)]


async def count_members(tx: AsyncConnection, store_id: UUID) -> int | None:
    """Live members, paid by who looks and not by who enrols; None when they are too many to be counted in passing."""
    count = int(await tx.scalar(_COUNT, {"store_id": store_id, "most": MOST_COUNTED + 1}) or 0)
    return count if count <= MOST_COUNTED else None


def _after(sort: Sort, page: PageRequest) -> dict[str, object]:
    key, customer_id = page.after or (None, None)
    by_time, by_name = sort in {Sort.NEWEST, Sort.OLDEST}, sort is Sort.NAME
    return {
        "after_at": key if by_time else None,
        "after_word": key if by_name else None,
        "after_number": None if by_time or by_name else key,
        "after_id": customer_id,
    }


def _key(row: Any) -> Key:
    key: Key | None = next((key for key in (row.key_at, row.key_number, row.key_word) if key is not None), None)
    return "" if key is None else key
