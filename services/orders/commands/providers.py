"""A store's payment providers are set up. Their secrets go in sealed and come out for calls alone."""

from __future__ import annotations

from dataclasses import replace

from services.common import audit, clock, outbox
from services.common.errors import InvalidInput, StateConflict
from services.common.idempotency import Once
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.domain import Provider, ProviderKind, ProviderWish


async def set_provider(context: Context, claims: ServiceClaims, once: Once[Provider], wish: ProviderWish) -> Provider:
    """Sets a provider up or changes it; customers go to the one that was made active last. Raises InvalidInput, Replayed."""
    wish = wish.clean()
    kind = ProviderKind(wish.kind)
    if kind not in context.providers.kinds:
        raise InvalidInput.of("kind", "unknown_value")
    now = clock.now()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.hold_providers(tx, claims.store)
        known = {each.kind: each for each in await store.providers(tx, claims.store)}
        provider = known.get(kind) or Provider.blank(claims.store, kind)
        sealed = {
            name: context.providers.seal(claims.store, provider, name, getattr(wish, name))
            for name in ("api_key", "webhook_secret")
        }
        was = replace(provider)
        provider.take(wish, **sealed, now=now)
        await store.save_provider(tx, claims.store, provider)
        await outbox.add(tx, claims.store, [_noted(claims, was, provider)])
        await once.finish(tx, provider)
    context.waker.wake()
    return provider


def _noted(claims: ServiceClaims, was: Provider, provider: Provider) -> Event:
    changes = [audit.change(name, getattr(was, name), getattr(provider, name)) for name in ("name", "active")]
    changes += [
        audit.hidden(name, getattr(was, name), getattr(provider, name)) for name in ("api_key", "webhook_secret")
    ]
    return events.noted(claims.actor, "payment_provider.changed", "payment_provider", provider.provider_id, changes)


async def test_provider(context: Context, claims: ServiceClaims, kind: int) -> None:
    """Whether the provider takes the key that is kept.

    Raises StateConflict (provider_not_set_up, provider_refused), Unavailable (provider_unavailable).
    """
    async with context.database.transaction(claims.store) as tx:
        known = {int(each.kind): each for each in await store.providers(tx, claims.store)}
    provider = known.get(kind)
    if provider is None or not provider.api_key:
        raise StateConflict("provider_not_set_up")
    secrets = context.providers.secrets(claims.store, provider, clock.now())
    await context.providers.client(provider.kind).test(secrets.api_key)
