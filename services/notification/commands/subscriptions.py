"""Who wants no advertising of a store, and who wants it again."""

from __future__ import annotations

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.tokens import ServiceClaims
from services.notification import store

DIGEST_BYTES = 32


async def set_subscription(
    database: Database, claims: ServiceClaims, address_digest: bytes, *, subscribed: bool
) -> None:
    """Writes down whether the store may advertise by the address. Raises InvalidInput for what is no digest."""
    if len(address_digest) != DIGEST_BYTES:
        raise InvalidInput.of("address_digest", "invalid_id")
    async with database.transaction(claims.store) as tx:
        if subscribed:
            await store.unsuppress(tx, claims.store, address_digest)
        else:
            await store.suppress(tx, claims.store, address_digest)
