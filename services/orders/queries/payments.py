"""Reads of payments by a provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import Notice, Provider, ProviderKind


async def get_providers(database: Database, claims: ServiceClaims, kinds: Sequence[ProviderKind]) -> Sequence[Provider]:
    """One for each kind that is offered here, and those that were set up while theirs was."""
    async with database.transaction(claims.store) as tx:
        known = {each.kind: each for each in await store.providers(tx, claims.store)}
    return [known.get(kind) or Provider.blank(claims.store, kind) for kind in dict.fromkeys([*kinds, *known])]


async def list_notices(
    database: Database, claims: ServiceClaims, size: int, token: str, order_id: UUID | None
) -> Page[Notice]:
    """Notices that a person should look at, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=2)
    if page.after:
        try:
            page = PageRequest(page.size, (datetime.fromisoformat(page.after[0]), UUID(page.after[1])))
        except (TypeError, ValueError, AttributeError):
            raise InvalidInput.of("page.token", "invalid_page_token") from None
    async with database.transaction(claims.store) as tx:
        rows = await store.notices_to_look_at(tx, claims.store, page, order_id)
    return page.cut(rows, lambda notice: (notice.received_at.isoformat(), str(notice.notice_id)))
