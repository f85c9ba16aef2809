"""Endpoints are made, changed, given other secrets, tested and removed; deliveries are replayed (H4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.audit import Change
from services.common.database import Database
from services.common.errors import NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event, Waker
from services.common.sealing import Sealer
from services.common.tokens import ServiceClaims
from services.notification import events, store
from services.notification.clients import Targets
from services.notification.commands.webhook_delivery import secret_context
from services.notification.domain import (
    MOST_REPLAYED,
    MOST_WEBHOOKS,
    OLD_SECRET_LIFETIME,
    TEST_TYPE,
    Announcement,
    Delivery,
    Webhook,
    WebhookWish,
    new_secret,
)

E = TypeVar("E")
_TOLD = ("description", "event_types", "disabled_because")


@dataclass(frozen=True, slots=True)
class WebhookContext:
    """What the commands need of the process."""

    database: Database
    waker: Waker
    targets: Targets
    sealer: Sealer


async def announce(
    tx: AsyncConnection, store_id: UUID, happened: Sequence[E], told_as: Callable[[E], Announcement | None]
) -> None:
    """Queues a delivery of each event for each endpoint that wants its type, once; part of the inbox transaction.

    `told_as` says how an event is told, if at all; it is asked only where the store has an endpoint.
    """
    listening = await store.listening(tx, store_id)
    if not listening:
        return
    wanted = []
    for told in filter(None, map(told_as, happened)):
        payload = events.payload(told)
        wanted += [(to, told, payload) for to, types in listening if not types or told.type in types]
    if wanted:
        await store.queue_deliveries(tx, store_id, wanted)


async def create_webhook(
    context: WebhookContext, claims: ServiceClaims, url: str, wish: WebhookWish
) -> tuple[Webhook, str]:
    """Makes an endpoint; returns it and its secret. Raises InvalidInput, StateConflict (too_many_webhooks).

    A repeated request makes another endpoint: an answer kept for repeating would keep the secret with it.
    """
    url = await context.targets.check(url)
    webhook_id, secret = new_id(), new_secret()
    sealed = context.sealer.seal(secret, secret_context(claims.store, webhook_id))
    async with context.database.transaction(claims.store) as tx:
        if await store.hold_count(tx, claims.store) >= MOST_WEBHOOKS:
            raise StateConflict("too_many_webhooks", largest=str(MOST_WEBHOOKS))
        webhook = await store.add_webhook(tx, claims.store, webhook_id, url, wish, sealed)
        await outbox.add(tx, claims.store, [_noted(claims, "webhook.created", None, webhook)])
    context.waker.wake()
    return webhook, secret


async def change_webhook(
    context: WebhookContext,
    claims: ServiceClaims,
    once: Once[Webhook],
    webhook_id: UUID,
    url: str,
    wish: WebhookWish,
    enabled: bool,
) -> Webhook:
    """What an endpoint is from now on. Raises InvalidInput, NotFound (webhook_not_found), Conflict, Replayed."""
    url = await context.targets.check(url)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        was = await _held(tx, claims.store, webhook_id)
        webhook = await store.save_webhook(tx, claims.store, was, url, wish, enabled)
        await outbox.add(tx, claims.store, [_noted(claims, "webhook.changed", was, webhook)])
        await once.finish(tx, webhook)
    context.waker.wake()
    return webhook


async def rotate_webhook_secret(
    context: WebhookContext, claims: ServiceClaims, webhook_id: UUID
) -> tuple[Webhook, str]:
    """Gives an endpoint another secret; the one before signs beside it for a day. Raises NotFound (webhook_not_found).

    Every secret before the newest signs for its day, so a repeat, whose first answer was lost, takes nothing from receivers.
    """
    secret = new_secret()
    sealed = context.sealer.seal(secret, secret_context(claims.store, webhook_id))
    async with context.database.transaction(claims.store) as tx:
        await _held(tx, claims.store, webhook_id)
        lifetime = OLD_SECRET_LIFETIME.total_seconds()
        webhook = await store.replace_secret(tx, claims.store, webhook_id, sealed, lifetime)
        changes = [audit.change("old_secret_until", "", webhook.old_secret_until)]
        await outbox.add(tx, claims.store, [_event(claims, "webhook.secret_rotated", webhook_id, changes)])
    context.waker.wake()
    return webhook, secret


async def remove_webhook(context: WebhookContext, claims: ServiceClaims, webhook_id: UUID) -> None:
    """Ends an endpoint; one that has ended is no error. Raises NotFound (webhook_not_found)."""
    async with context.database.transaction(claims.store) as tx:
        webhook = await store.load_webhook(tx, claims.store, webhook_id, lock=True)
        if webhook is None:
            if not await store.was_webhook(tx, claims.store, webhook_id):
                raise NotFound("webhook_not_found", webhook_id=str(webhook_id))
            return
        await store.remove_webhook(tx, claims.store, webhook_id)
        changes = [audit.change("url", _shown(webhook), "")]
        await outbox.add(tx, claims.store, [_event(claims, "webhook.removed", webhook_id, changes)])
    context.waker.wake()


async def send_test(context: WebhookContext, claims: ServiceClaims, once: Once[Delivery], webhook_id: UUID) -> Delivery:
    """Queues a test. Raises NotFound (webhook_not_found), StateConflict (webhook_disabled), Conflict, Replayed."""
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await _enabled(tx, claims.store, webhook_id)
        test = Announcement(new_id(), TEST_TYPE, clock.now(), {"endpoint_id": str(webhook_id)})
        queued = await store.queue_deliveries(tx, claims.store, [(webhook_id, test, events.payload(test))])
        await store.end_rest(tx, claims.store, webhook_id)
        delivery = await _delivery(tx, claims.store, queued[0])
        await outbox.add(tx, claims.store, [_event(claims, "webhook.tested", webhook_id)])
        await once.finish(tx, delivery)
    context.waker.wake()
    return delivery


async def replay_delivery(
    context: WebhookContext, claims: ServiceClaims, once: Once[Delivery], delivery_id: UUID
) -> Delivery:
    """Sends a delivery once more, under its id.

    Raises NotFound (delivery_not_found), StateConflict (webhook_disabled), Conflict, Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        delivery = await _delivery(tx, claims.store, delivery_id)
        await _enabled(tx, claims.store, delivery.webhook_id)
        await store.replay(tx, claims.store, delivery_id)
        await store.end_rest(tx, claims.store, delivery.webhook_id)
        changes = [audit.change("event_type", "", delivery.type)]
        noted = _event(claims, "webhook.replayed", delivery.webhook_id, changes)
        await outbox.add(tx, claims.store, [noted])
        delivery = await _delivery(tx, claims.store, delivery_id)
        await once.finish(tx, delivery)
    context.waker.wake()
    return delivery


async def replay_failed(
    context: WebhookContext, claims: ServiceClaims, once: Once[int], webhook_id: UUID, since: datetime
) -> int:
    """Sends what failed since a time once more, at most MOST_REPLAYED; gives how many.

    Raises NotFound (webhook_not_found), StateConflict (webhook_disabled), Conflict, Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await _enabled(tx, claims.store, webhook_id)
        found = await store.replay_failed(tx, claims.store, webhook_id, since, MOST_REPLAYED)
        await store.end_rest(tx, claims.store, webhook_id)
        changes = [audit.change("since", "", since), audit.change("deliveries", "", found)]
        await outbox.add(tx, claims.store, [_event(claims, "webhook.replayed", webhook_id, changes)])
        await once.finish(tx, found)
    context.waker.wake()
    return found


async def _held(tx: AsyncConnection, store_id: UUID, webhook_id: UUID) -> Webhook:
    webhook = await store.load_webhook(tx, store_id, webhook_id, lock=True)
    if webhook is None:
        raise NotFound("webhook_not_found", webhook_id=str(webhook_id))
    return webhook


async def _enabled(tx: AsyncConnection, store_id: UUID, webhook_id: UUID) -> None:
    if not (await _held(tx, store_id, webhook_id)).enabled:
        raise StateConflict("webhook_disabled")


async def _delivery(tx: AsyncConnection, store_id: UUID, delivery_id: UUID) -> Delivery:
    delivery = await store.load_delivery(tx, store_id, delivery_id)
    if delivery is None:
        raise NotFound("delivery_not_found", delivery_id=str(delivery_id))
    return delivery


def _noted(claims: ServiceClaims, action: str, was: Webhook | None, webhook: Webhook) -> Event:
    changes = [audit.change(name, getattr(was, name, None), getattr(webhook, name)) for name in _TOLD]
    changes.append(audit.change("url", _shown(was) if was else "", _shown(webhook)))
    return _event(claims, action, webhook.webhook_id, changes)


def _event(claims: ServiceClaims, action: str, webhook_id: UUID, changes: Iterable[Change | None] = ()) -> Event:
    return events.noted(claims.actor, action, "webhook", webhook_id, changes)


def _shown(webhook: Webhook) -> str:
    """Without its query, in which receivers may have a secret of their own: the audit log is kept for good."""
    return webhook.url.partition("?")[0]
