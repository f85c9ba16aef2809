"""Reads of runs that change many orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import MOST_ORDERS, BulkRun, Filter, RefusedOrder, read_search


async def count_orders(
    database: Database, claims: ServiceClaims, order_ids: Sequence[UUID], asked: Filter | None
) -> int:
    """How many orders a run would be about; MOST_ORDERS + 1 for all that is more."""
    if asked is None:
        return len(set(order_ids))
    async with database.transaction(claims.store) as tx:
        return len(await store.find_ids(tx, asked, read_search(asked.query, claims.region), MOST_ORDERS + 1))


async def get_bulk_run(database: Database, claims: ServiceClaims, run_id: UUID) -> BulkRun:
    """A run as it stands. Raises NotFound (bulk_run_not_found)."""
    async with database.transaction(claims.store) as tx:
        run = await store.load_bulk_run(tx, claims.store, run_id)
    if run is None:
        raise NotFound("bulk_run_not_found", run_id=str(run_id))
    return run


async def list_bulk_runs(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[BulkRun]:
    """Runs of the store, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        try:
            page = PageRequest(page.size, (datetime.fromisoformat(page.after[0]), UUID(page.after[1])))
        except (TypeError, ValueError, AttributeError):
            raise InvalidInput.of("page.token", "invalid_page_token") from None
    async with database.transaction(claims.store) as tx:
        rows = await store.bulk_runs_page(tx, claims.store, page)
    return page.cut(rows, lambda run: (run.requested_at.isoformat(), str(run.run_id)))


async def list_refused(
    database: Database, claims: ServiceClaims, run_id: UUID, size: int, token: str
) -> Page[RefusedOrder]:
    """Orders that a run could not change. Raises NotFound (bulk_run_not_found), InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=1)
    if page.after and not (isinstance(page.after[0], int) and 0 <= page.after[0] <= MOST_ORDERS):
        raise InvalidInput.of("page.token", "invalid_page_token")
    async with database.transaction(claims.store) as tx:
        if await store.load_bulk_run(tx, claims.store, run_id) is None:
            raise NotFound("bulk_run_not_found", run_id=str(run_id))
        rows = await store.refused_page(tx, claims.store, run_id, page)
    return page.cut(rows, lambda order: (order.place,))
