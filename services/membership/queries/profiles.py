"""Notes about people, their past, and whether they may be deleted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Database
from services.common.errors import NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import Customer, DeletionPolicy, HistoryEntry, Note, Use, every_kind
from services.membership.queries.tokens import token_id, token_time

_MOST_CHANGES = 100


async def list_notes(database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID) -> Page[Note]:
    """Notes about the customer behind the id, newest first (C4). Raises NotFound, InvalidInput."""
    page = PageRequest.read(size, token, keys=1)
    if page.after:
        page = PageRequest(page.size, (token_id(page.after[0]),))
    async with database.transaction(claims.store) as tx:
        owner = await _owner(tx, claims.store, customer_id)
        notes = await store.notes_page(tx, claims.store, owner.customer_id, page)
    return page.cut(notes, lambda note: (str(note.note_id),))


async def list_history(
    database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID
) -> Page[HistoryEntry]:
    """What happened to the customer behind the id, newest first (F13). Raises NotFound, InvalidInput."""
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        page = PageRequest(page.size, (token_time(page.after[0]), str(page.after[1])))
    async with database.transaction(claims.store) as tx:
        owner = await _owner(tx, claims.store, customer_id)
        entries = await store.history_page(tx, claims.store, owner.customer_id, page)
    return page.cut(entries, lambda entry: (entry.at.isoformat(), entry.entry_id))


async def get_uses(database: Database, claims: ServiceClaims, customer_id: UUID) -> tuple[Sequence[Use], Sequence[Use]]:
    """What the customer behind the id has agreed to, every kind once, and the newest changes (C6). Raises NotFound."""
    async with database.transaction(claims.store) as tx:
        owner = await _owner(tx, claims.store, customer_id)
        uses = await store.load_uses(tx, claims.store, [owner.customer_id])
        changes = await store.use_changes(tx, claims.store, owner.customer_id, _MOST_CHANGES)
    return every_kind(uses.get(owner.customer_id, {})), changes


async def deletion_policy(database: Database, claims: ServiceClaims) -> DeletionPolicy:
    """Whom staff may delete (C10)."""
    async with database.transaction(claims.store) as tx:
        return await store.load_policy(tx, claims.store)


async def _owner(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer:
    owner = await store.load(tx, store_id, customer_id)
    if owner is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    return owner
