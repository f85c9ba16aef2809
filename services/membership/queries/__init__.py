"""Reads of the membership service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import Customer, Entry, Lot, spendable
from services.membership.queries.directory import (
    Found,
    get_filter,
    get_overview,
    list_customers,
    list_filters,
    search_customers,
)
from services.membership.queries.merging import merge_record, preview_absorb
from services.membership.queries.tokens import token_id

__all__ = [
    "Found",
    "Statement",
    "get_customer",
    "get_customers",
    "get_filter",
    "get_overview",
    "list_customers",
    "list_entries",
    "list_filters",
    "merge_record",
    "preview_absorb",
    "search_customers",
]

MOST_CUSTOMERS = 100


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of a customer's ledger, with what it holds now."""

    page: Page[Entry]
    balance: int
    lots: Sequence[Lot]


async def get_customer(database: Database, claims: ServiceClaims, customer_id: UUID) -> Customer:
    """The customer behind any id it ever had (F10). Raises NotFound (customer_not_found)."""
    async with database.at_once() as connection:
        found = await store.load_whole(connection, claims.store, customer_id)
    if found is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    return found


async def get_customers(database: Database, claims: ServiceClaims, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Asked id → the customer behind it (F10); ids that are nobody's are left out. Raises InvalidInput (too_large)."""
    if len(ids) > MOST_CUSTOMERS:
        raise InvalidInput.of("customer_ids", "too_large", largest=str(MOST_CUSTOMERS))
    async with database.transaction(claims.store) as tx:
        return await store.load_all(tx, claims.store, ids)


async def list_entries(
    database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID
) -> Statement:
    """The ledger of the customer behind the id, newest first (B4). Raises NotFound, InvalidInput."""
    page = PageRequest.read(size, token, keys=1)
    if page.after:
        page = PageRequest(page.size, (token_id(page.after[0]),))
    async with database.transaction(claims.store) as tx:
        owner = await store.load(tx, claims.store, customer_id)
        if owner is None:
            raise NotFound("customer_not_found", customer_id=str(customer_id))
        entries = await store.entries_page(tx, claims.store, owner.customer_id, page)
        lots = await store.lots_of(tx, claims.store, [owner.customer_id])
    now = clock.now()
    good = [lot for lot in lots if lot.is_good(now)]
    return Statement(page.cut(entries, lambda entry: (str(entry.entry_id),)), spendable(good, now), good)
