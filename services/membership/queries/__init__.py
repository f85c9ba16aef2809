"""Reads of the membership service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.errors import NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import (
    Account,
    Customer,
    Entry,
    Lot,
    Merge,
    Outcome,
    check_participants,
    merge_outcome,
    read_adjustment,
    read_query,
    spendable,
)
from services.membership.queries.tokens import token_id, token_time


@dataclass(frozen=True, slots=True)
class Found:
    """A page of customers; `members_total` is told on the first page of an empty query only."""

    page: Page[Customer]
    members_total: int = 0


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of a customer's ledger, with what it holds now."""

    page: Page[Entry]
    balance: int
    lots: Sequence[Lot]


async def get_customer(database: Database, claims: ServiceClaims, customer_id: UUID) -> Customer:
    """The customer behind any id it ever had (F10). Raises NotFound (customer_not_found)."""
    async with database.transaction(claims.store) as tx:
        found = await store.load_whole(tx, claims.store, customer_id)
    if found is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    return found


async def search_customers(
    database: Database, claims: ServiceClaims, size: int, token: str, text: str, members_only: bool
) -> Found:
    """Customers by part of name, phone or e-mail, newest first; merged and deleted ones left out (C2).

    Raises InvalidInput (invalid_page_token, too_large).
    """
    page = _read_newest_page(size, token)
    query = read_query(text, claims.region)
    total = 0
    async with database.transaction(claims.store) as tx:
        if query:
            keys = await store.find(tx, claims.store, query, page, members_only)
        else:
            keys = await store.newest(tx, claims.store, page, members_only)
            total = 0 if token else await store.count_members(tx, claims.store)
        cut = page.cut(keys, lambda key: (key[0].isoformat(), str(key[1])))
        known = await store.load_many(tx, claims.store, [customer_id for _, customer_id in cut.items])
    # One that was merged between the two reads is no longer to be listed, but loading it does no harm.
    return Found(Page([known[i] for _, i in cut.items], cut.next_token), total)


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


async def preview_absorb(database: Database, claims: ServiceClaims, merge: Merge) -> tuple[Sequence[Account], Outcome]:
    """What absorbing would do, by the very function that does it (F4, F8). Raises as `commands.absorb`."""
    check_participants(merge.primary_id, merge.merged_ids)
    async with database.transaction(claims.store) as tx:
        now = clock.now()
        settings = await store.load_settings(tx, claims.store)
        adjustment = read_adjustment(
            merge.points, merge.expires_on, merge.description, now, settings, prefix="adjustment."
        )
        accounts = await store.load_accounts(tx, claims.store, merge, lock=False)
    return accounts, merge_outcome(accounts, merge.primary_id, adjustment, now)


def _read_newest_page(size: int, token: str) -> PageRequest:
    page = PageRequest.read(size, token, keys=2)
    if page.after is None:
        return page
    return PageRequest(page.size, (token_time(page.after[0]), token_id(page.after[1])))
