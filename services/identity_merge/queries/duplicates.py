"""Accounts that may be one person's, as they are listed (F12)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.identity_merge.domain.duplicates import Pair, Scan
from services.identity_merge.store import duplicates, scans


async def list_duplicates(
    database: Database, claims: ServiceClaims, size: int, token: str, *, customer_id: UUID | None, dismissed: bool
) -> Page[Pair]:
    """Suggestions, the likeliest first, or dismissed pairs, the latest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = _read_page(size, token, dismissed=dismissed)
    read = duplicates.dismissed_page if dismissed else duplicates.suggested_page
    async with database.transaction(claims.store) as tx:
        rows = await read(tx, claims.store, page, customer_id)
    return page.cut(rows, lambda pair: (_key(pair), *map(str, pair.customer_ids)))


def _key(pair: Pair) -> int | str:
    return pair.dismissed_at.isoformat() if pair.dismissed_at else pair.score


def _read_page(size: int, token: str, *, dismissed: bool) -> PageRequest:
    page = PageRequest.read(size, token, keys=3)
    if page.after is None:
        return page
    key, first, second = page.after
    try:
        read = datetime.fromisoformat(key) if dismissed else int(key)
        ids = UUID(first), UUID(second)
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None
    if (isinstance(read, datetime) and read.tzinfo is None) or (isinstance(read, int) and abs(read) >= 2**31):
        raise InvalidInput.of("page.token", "invalid_page_token")
    return PageRequest(page.size, (read, *ids))


async def get_scan(database: Database, claims: ServiceClaims) -> Scan:
    """How far the store's scan is."""
    async with database.transaction(claims.store) as tx:
        return await scans.load_scan(tx, claims.store)
