"""Links of invitations in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.identifiers import EMAIL
from services.identity_merge.domain.proofs import Proved

# As long as somebody may leave a mail of a shop unread.
LIFETIME = timedelta(days=14)
_ADD = text(
    """INSERT INTO guest_invitations (store_id, token_digest, invitation_id, customer_id, digest, value, expires_at)
 SELECT CAST(:store_id AS uuid), CAST(:token AS bytea), CAST(:invitation_id AS uuid), CAST(:customer_id AS uuid),
  CAST(:digest AS bytea), CAST(:value AS text), now() + CAST(:lifetime AS interval)
 WHERE NOT EXISTS (SELECT FROM login_methods m WHERE m.store_id = :store_id AND m.kind = 'email' AND m.digest = :digest)
 RETURNING token_digest"""
)
_READ = text("SELECT value FROM guest_invitations WHERE store_id = :store_id AND token_digest = :token")
# Whoever has an account by now logs in by a code, as always: a link that lies in a mailbox for days opens none.
_FOLLOW = text(
    """UPDATE guest_invitations i SET browser_digest = :browser WHERE i.store_id = :store_id AND i.token_digest = :token
  AND i.expires_at > now() AND (i.browser_digest IS NULL OR i.browser_digest = :browser)
  AND NOT EXISTS (SELECT FROM login_methods m WHERE m.store_id = i.store_id AND m.kind = 'email' AND m.digest = i.digest)
 RETURNING i.digest, i.value"""
)
_FORGET = text(
    """DELETE FROM guest_invitations WHERE store_id = :store_id AND (customer_id = ANY(CAST(:customers AS uuid[]))
  OR digest IN (SELECT digest FROM login_methods WHERE store_id = :store_id AND kind = 'email'
   AND customer_id = ANY(CAST(:customers AS uuid[]))))"""
)


async def add(
    tx: AsyncConnection, store_id: UUID, token_digest: bytes, invitation_id: UUID, customer_id: UUID, address: Proved
) -> bool:
    """Writes a token down; False when the address is somebody's login, or was and can never be again."""
    parameters = {
        "store_id": store_id,
        "token": token_digest,
        "invitation_id": invitation_id,
        "customer_id": customer_id,
        "digest": address.digest,
        "value": address.value,
        "lifetime": LIFETIME,
    }
    return (await tx.execute(_ADD, parameters)).first() is not None


async def read(tx: AsyncConnection, store_id: UUID, token_digest: bytes) -> str | None:
    """The address that an invitation went to, whether or not its link is good still."""
    found: str | None = await tx.scalar(_READ, {"store_id": store_id, "token": token_digest})
    return found


async def follow(tx: AsyncConnection, store_id: UUID, token_digest: bytes, browser_digest: bytes) -> Proved | None:
    """The address, if the link proves it still, nobody has an account by it, and this is the first browser that opens it, or the same
    again.
    """
    parameters = {"store_id": store_id, "token": token_digest, "browser": browser_digest}
    row = (await tx.execute(_FOLLOW, parameters)).first()
    return Proved(EMAIL, bytes(row.digest), row.value) if row else None


async def forget(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Drops what was written for these customers, and for the addresses that they log in by."""
    await tx.execute(_FORGET, {"store_id": store_id, "customers": list(customer_ids)})
