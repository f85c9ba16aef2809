"""API keys are made, get other secrets, and end (H4). Their secrets are kept nowhere, so a repeat makes another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.common import audit, outbox
from services.common.audit import Change
from services.common.errors import NotFound
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import ApiKey, KeyWish
from services.identity_merge.store import api_keys


async def create_api_key(context: Context, claims: ServiceClaims, wish: KeyWish) -> tuple[ApiKey, str]:
    """Makes a key; returns it and its secret.

    A repeated request makes another key: an answer kept for repeating would keep the secret with it.
    """
    secret = tokens.mint(tokens.API_KEY, claims.store)
    async with context.database.transaction(claims.store) as tx:
        key = await api_keys.add(tx, claims.store, new_id(), wish, tokens.digest(secret), claims.actor)
        changes = [audit.change(field, "", getattr(key, field)) for field in ("name", "scopes", "expires_at")]
        await outbox.add(tx, claims.store, [_noted(claims, "api_key.made", key, changes)])
    context.waker.wake()
    return key, secret


async def rotate_api_key(context: Context, claims: ServiceClaims, api_key_id: UUID) -> tuple[ApiKey, str, datetime]:
    """Gives a key another secret: (key, secret, until when the one before works). Raises NotFound (api_key_not_found).

    Every secret before the newest stays good for its day, so a repeat, whose first answer was lost, takes nothing from programs.
    """
    secret = tokens.mint(tokens.API_KEY, claims.store)
    async with context.database.transaction(claims.store) as tx:
        replaced = await api_keys.replace_secret(tx, claims.store, api_key_id, tokens.digest(secret))
        if replaced is None:
            raise NotFound("api_key_not_found", api_key_id=str(api_key_id))
        key, old_until = replaced
        await outbox.add(
            tx,
            claims.store,
            [_noted(claims, "api_key.rotated", key, [audit.change("old_secret_until", "", old_until)])],
        )
    context.waker.wake()
    return key, secret, old_until


async def revoke_api_key(context: Context, claims: ServiceClaims, api_key_id: UUID) -> None:
    """Ends a key; one that has ended is no error. Raises NotFound (api_key_not_found)."""
    async with context.database.transaction(claims.store) as tx:
        revoked = await api_keys.revoke(tx, claims.store, api_key_id)
        if revoked is None:
            raise NotFound("api_key_not_found", api_key_id=str(api_key_id))
        key, ended = revoked
        if ended:
            await outbox.add(
                tx, claims.store, [_noted(claims, "api_key.revoked", key, [audit.change("name", key.name, "")])]
            )
    context.waker.wake()


def _noted(claims: ServiceClaims, action: str, key: ApiKey, changes: Iterable[Change | None]) -> Event:
    return events.noted(claims.actor, action, "api_key", key.api_key_id, changes)
