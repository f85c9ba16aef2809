"""Reads of the log of messages."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import LARGEST_SIZE, Page, PageRequest
from services.common.tokens import ServiceClaims
from services.notification import store
from services.notification.domain import Change, LogFilter, Message, Outage

# The index knows three letters in a row.
SHORTEST_PART = 3


async def list_messages(
    database: Database, claims: ServiceClaims, size: int, token: str, wanted: LogFilter
) -> Page[Message]:
    """The store's messages newest first (G2). Raises InvalidInput."""
    if wanted.recipient and not wanted.whole and len(wanted.recipient) < SHORTEST_PART:
        raise InvalidInput.of("recipient", "too_short", shortest=str(SHORTEST_PART))
    page = read_page(size, token)
    async with database.transaction(claims.store) as tx:
        rows = await store.list_page(tx, claims.store, page, wanted)
    return page.cut(rows, lambda message: (str(message.message_id),))


async def list_outages(database: Database, claims: ServiceClaims) -> list[Outage]:
    """Servers that messages of the store wait for."""
    async with database.transaction(claims.store) as tx:
        return await store.outages(tx, claims.store)


async def get_message(database: Database, claims: ServiceClaims, message_id: UUID) -> tuple[Message, list[Change]]:
    """One message and what became of it. Raises NotFound (message_not_found)."""
    async with database.transaction(claims.store) as tx:
        found = await store.load(tx, claims.store, message_id)
        if found is None:
            raise NotFound("message_not_found", message_id=str(message_id))
        return found, await store.changes_of(tx, claims.store, message_id)


async def messages_of_events(
    database: Database, claims: ServiceClaims, event_ids: Sequence[UUID]
) -> list[tuple[UUID, Message]]:
    """(event, message) of what these events asked for. Raises InvalidInput (too_large)."""
    if len(event_ids) > LARGEST_SIZE:
        raise InvalidInput.of("event_ids", "too_large", largest=str(LARGEST_SIZE))
    async with database.transaction(claims.store) as tx:
        return await store.messages_of_events(tx, claims.store, event_ids)


def read_page(size: int, token: str) -> PageRequest:
    """A page of a list whose key is one id. Raises InvalidInput."""
    page = PageRequest.read(size, token, keys=1)
    if page.after is None:
        return page
    try:
        return PageRequest(page.size, (UUID(page.after[0]),))
    except (TypeError, ValueError, AttributeError):
        raise InvalidInput.of("page.token", "invalid_page_token") from None
