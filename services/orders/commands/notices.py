"""What providers tell: kept first, durably and once; then applied, once; what cannot be applied stays for a person (E1, F7)."""

from __future__ import annotations

from uuid import UUID

import structlog

from services.common import audit, clock, crash, outbox
from services.common.database import Database, is_transient
from services.common.errors import NotFound, StateConflict, Unavailable
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.applying import apply
from services.orders.commands.context import Context
from services.orders.domain import GivingBack, Notice, NoticeState, Settlement

log = structlog.get_logger()


async def receive_notice(context: Context, provider_id: UUID, body: bytes, signature: str) -> tuple[UUID, NoticeState]:
    """Keeps a notice and applies it: (its id, what became of it). A repeat finds the one that is kept.

    Applying may fail or be cut off: it is KEPT then, and the worker applies it. Raises NotFound (provider_not_found),
    InvalidInput (signature_refused, malformed_notice), Unavailable; a sender that is told so sends it again.
    """
    now = clock.now()
    async with context.database.across_stores() as tx:
        store_id = await store.store_of_provider(tx, provider_id)
    if store_id is None:
        raise NotFound("provider_not_found")
    async with context.database.transaction(store_id) as tx:
        provider = await store.provider(tx, store_id, provider_id)
    if provider is None:
        raise NotFound("provider_not_found")
    try:
        secrets, client = context.providers.secrets(store_id, provider, now), context.providers.client(provider.kind)
    except StateConflict as error:  # ours to mend; what is told meanwhile must not be lost
        raise Unavailable("service_unavailable", error.reason) from error
    told = client.read_notice(body, signature, secrets.webhook, now)
    async with context.database.transaction(store_id) as tx:
        notice_id = await store.keep_notice(tx, store_id, Notice(new_id(), provider_id, told, now), body)
    crash.point("orders.notice.kept")
    state = await _apply_now(context.database, store_id, notice_id)
    context.waker.wake()
    return notice_id, state


async def _apply_now(database: Database, store_id: UUID, notice_id: UUID) -> NoticeState:
    try:
        return await apply_notice(database, store_id, notice_id)
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("notice_waits", error=type(error).__name__)
        return NoticeState.KEPT


async def apply_notice(database: Database, store_id: UUID, notice_id: UUID) -> NoticeState:
    """Applies a notice that is kept; what has been applied is left alone. Raises what a database that is away raises."""
    try:
        async with database.transaction(store_id) as tx:
            notice = _held(await store.hold_notice(tx, store_id, notice_id))
            if notice.state is NoticeState.KEPT:
                notice.state, notice.reason = await apply(tx, store_id, notice)
                await store.save_notice(tx, store_id, notice)
                crash.point("orders.notice.before_commit")
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("notice_not_applied", notice_id=str(notice_id))
        async with database.transaction(store_id) as tx:
            notice = _held(await store.hold_notice(tx, store_id, notice_id))
            if notice.state is NoticeState.KEPT:
                notice.state, notice.reason = NoticeState.NEEDS_LOOK, "not_understood"
                await store.save_notice(tx, store_id, notice)
    return notice.state


def _held(notice: Notice | None) -> Notice:
    if notice is None:
        raise NotFound("notice_not_found")
    return notice


async def settle_notice(
    context: Context, claims: ServiceClaims, once: Once[Notice], notice_id: UUID, settlement: int, note: str
) -> Notice:
    """Somebody has looked; if wished, the provider is asked to give the money back.

    Raises NotFound (notice_not_found), InvalidInput, StateConflict (notice_settled, nothing_to_give_back), Replayed.
    """
    now = clock.now()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        notice = _held(await store.hold_notice(tx, claims.store, notice_id))
        notice.settle(settlement, note, actor=claims.actor, now=now)
        await store.save_notice(tx, claims.store, notice)
        if settlement == Settlement.GIVEN_BACK:
            told = notice.told
            wish = GivingBack(claims.store, new_id(), notice.provider_id, told.reference, told.amount, 0, 0)
            await store.ask_back(tx, wish, None, now)
        await outbox.add(tx, claims.store, [_noted(claims, notice, Settlement(settlement))])
        await once.finish(tx, notice)
    context.waker.wake()
    return notice


def _noted(claims: ServiceClaims, notice: Notice, settlement: Settlement) -> Event:
    told = notice.told
    changes = [
        audit.change("settlement", "", settlement),
        audit.change("amount", "", audit.amount(told.amount, told.currency or claims.currency)),
        audit.change("reference", "", told.reference),
        audit.change("order_id", "", told.order_id),
        audit.hidden("note", "", notice.note),
    ]
    return events.noted(claims.actor, "payment_notice.settled", "payment_notice", notice.notice_id, changes)
