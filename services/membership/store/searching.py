"""Finding customers (C2)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Query

_AFTER = "CAST(:members_only AS bool), CAST(:after_since AS timestamptz), CAST(:after_id AS uuid), CAST(:most AS int)"
_BY_GRAMS = text(f"SELECT customer_id, since FROM find_by_grams(CAST(:grams AS text[]), CAST(:p1 AS text), {_AFTER})")
_BY_TEXT = text(
    f"SELECT customer_id, since FROM find_by_text(CAST(:p1 AS text), CAST(:p2 AS text), CAST(:p3 AS text), {_AFTER})"
)
# Each half reads its own stretch of one index; the outer sort has at most two pages to look at.
_HALF = """(SELECT customer_id, since FROM customer_search WHERE store_id = :store_id AND member = {member}
 AND (CAST(:after_since AS timestamptz) IS NULL OR (since, customer_id) < (:after_since, CAST(:after_id AS uuid))) {condition}
 ORDER BY since DESC, customer_id DESC LIMIT :most)"""
_LIKE = "AND (haystack LIKE :p1 OR haystack LIKE CAST(:p2 AS text) OR haystack LIKE CAST(:p3 AS text))"
_ORDER = "ORDER BY since DESC, customer_id DESC LIMIT :most"


def _walk(condition: str, members_only: bool) -> str:
    members = _HALF.format(member="true", condition=condition)
    return (
        members if members_only else f"{members} UNION ALL {_HALF.format(member='false', condition=condition)} {_ORDER}"
    )


_WALKS = {
    (filtered, members_only): text(_walk(_LIKE if filtered else "", members_only))
    for filtered in (False, True)
    for members_only in (False, True)
}
_COUNT = text("SELECT count(*) FROM customer_search WHERE store_id = :store_id AND member")


async def newest(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, members_only: bool
) -> list[tuple[datetime, UUID]]:
    """(since, id) of the newest customers, one more than the page holds. `page.after` is such a pair."""
    rows = await tx.execute(_WALKS[False, members_only], {"store_id": store_id, **_window(page)})
    return [(row.since, row.customer_id) for row in rows]


async def find(
    tx: AsyncConnection, store_id: UUID, query: Query, page: PageRequest, members_only: bool
) -> list[tuple[datetime, UUID]]:
    """As `newest`, of those that the query matches."""
    patterns = (*query.patterns, None, None)
    parameters = {"p1": patterns[0], "p2": patterns[1], "p3": patterns[2], **_window(page)}
    if query.grams:
        del parameters["p2"], parameters["p3"]
        rows = await tx.execute(_BY_GRAMS, parameters | {"grams": list(query.grams), "members_only": members_only})
    elif query.indexed:
        rows = await tx.execute(_BY_TEXT, parameters | {"members_only": members_only})
    else:
        rows = await tx.execute(_WALKS[True, members_only], parameters | {"store_id": store_id})
    return [(row.since, row.customer_id) for row in rows]


async def count_members(tx: AsyncConnection, store_id: UUID) -> int:
    """Live members, by a scan of one index: about 0.1 µs each, paid by who looks and not by who enrols."""
    return int(await tx.scalar(_COUNT, {"store_id": store_id}) or 0)


def _window(page: PageRequest) -> dict[str, object]:
    after = page.after or (None, None)
    return {"after_since": after[0], "after_id": after[1], "most": page.size + 1}
