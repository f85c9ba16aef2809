"""Browsers that were sent to a provider, in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.social import LIFETIME, Attempt


async def put(tx: AsyncConnection, store_id: UUID, browser: bytes, state: bytes, attempt: Attempt) -> None:
    """Writes an attempt; `browser` and `state` are digests."""
    parameters = {
        "store_id": store_id,
        "state": state,
        "browser": browser,
        "provider_id": attempt.provider_id,
        "redirect_uri": attempt.redirect_uri,
        "language": attempt.language,
        "adds_to": attempt.adds_to,
        "lifetime": LIFETIME,
    }
    await tx.execute(_PUT, parameters)


_PUT = text(
    """INSERT INTO social_attempts (store_id, state_digest, browser_digest, provider_id, redirect_uri, language, adds_to, expires_at)
 VALUES (:store_id, :state, :browser, :provider_id, :redirect_uri, :language, :adds_to, now() + CAST(:lifetime AS interval))"""
)


async def take(tx: AsyncConnection, store_id: UUID, browser: bytes, state: bytes) -> Attempt | None:
    """The attempt of this browser, which is over with that; None when there is none, or it has run out."""
    row = (await tx.execute(_TAKE, {"store_id": store_id, "browser": browser, "state": state})).first()
    return Attempt(row.provider_id, row.redirect_uri, row.language, row.adds_to) if row else None


_TAKE = text(
    """DELETE FROM social_attempts WHERE store_id = :store_id AND state_digest = :state AND browser_digest = :browser
  AND expires_at > now() RETURNING provider_id, redirect_uri, language, adds_to"""
)
