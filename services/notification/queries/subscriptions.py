"""Who may be advertised to."""

from __future__ import annotations

from services.common.database import Database
from services.common.tokens import ServiceClaims
from services.notification import store


async def is_subscribed(database: Database, claims: ServiceClaims, address_digest: bytes) -> bool:
    """Whether the store may advertise by an address."""
    async with database.transaction(claims.store) as tx:
        return not await store.is_suppressed(tx, claims.store, address_digest)
