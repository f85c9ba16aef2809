"""Who may be advertised to."""

from __future__ import annotations

from collections.abc import Sequence

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.paging import LARGEST_SIZE
from services.common.tokens import ServiceClaims
from services.notification import store


async def is_subscribed(database: Database, claims: ServiceClaims, address_digest: bytes) -> bool:
    """Whether the store may advertise by an address."""
    async with database.transaction(claims.store) as tx:
        return not await store.is_suppressed(tx, claims.store, address_digest)


async def list_unsubscribed(
    database: Database, claims: ServiceClaims, address_digests: Sequence[bytes]
) -> Sequence[bytes]:
    """Those of the addresses by which the store may not advertise. Raises InvalidInput (too_large)."""
    if len(address_digests) > LARGEST_SIZE:
        raise InvalidInput.of("address_digests", "too_large", largest=str(LARGEST_SIZE))
    async with database.transaction(claims.store) as tx:
        return await store.suppressed_among(tx, claims.store, address_digests)
