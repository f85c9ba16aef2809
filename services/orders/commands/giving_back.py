"""Work that payments leave behind: notices that are kept and not yet applied, money that a provider is to give back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import structlog

from services.common import audit, clock, crash, outbox
from services.common.database import Database
from services.common.errors import NotFound, StateConflict, Unavailable
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.clients import Providers, Returned
from services.orders.commands.context import Context, locked
from services.orders.commands.notices import apply_notice
from services.orders.domain import GivingBack, Notice, NoticeKind, NoticeState, Order, RefundState, Told

# Whoever keeps a notice applies it at once; what is still there after this was left behind.
LEFT_BEHIND = timedelta(seconds=2)
# A provider that has said nothing for so long is not waited for any more; a person decides.
PATIENCE = timedelta(days=3)
log = structlog.get_logger()


async def tend_payments(database: Database, providers: Providers) -> int:
    """Applies what was left behind and asks for money that is to go back; how many of both."""
    return await _apply_left(database) + await _give_back(database, providers)


async def _apply_left(database: Database) -> int:
    done = 0
    while True:
        async with database.across_stores() as tx:
            found = await store.next_kept(tx, clock.now() - LEFT_BEHIND)
        if found is None:
            return done
        await apply_notice(database, *found)
        done += 1


async def _give_back(database: Database, providers: Providers) -> int:
    done = 0
    while True:
        async with database.across_stores() as tx:
            due = await store.take_due(tx, clock.now())
        if due is None:
            return done
        wish, asked_at = due
        returned = await _ask(database, providers, wish)
        crash.point("orders.give_back.asked")
        if returned is None and clock.now() - asked_at > PATIENCE:
            returned = Returned(RefundState.FAILED, failure="provider_unavailable")
        if returned:
            await _note(database, wish, returned)
        done += 1


async def _ask(database: Database, providers: Providers, wish: GivingBack) -> Returned | None:
    """What the provider says; None when it has to be asked again later."""
    async with database.transaction(wish.store_id) as tx:
        provider = await store.provider(tx, wish.store_id, wish.provider_id)
    if provider is None:
        return Returned(RefundState.FAILED, failure="provider_not_set_up")
    try:
        secrets = providers.secrets(wish.store_id, provider, clock.now())
        return await providers.client(provider.kind).give_back(secrets.api_key, wish)
    except Unavailable as error:
        log.warning("refund_waits", tries=wish.tries, error=error.reason)
        return None
    except StateConflict as error:
        return Returned(RefundState.FAILED, failure=error.params.get("code", error.reason))


async def _note(database: Database, wish: GivingBack, returned: Returned) -> None:
    """Writes down what the provider said; a failure is put before a person as if the provider had told it."""
    async with database.transaction(wish.store_id) as tx:
        if returned.state is RefundState.PENDING:
            await store.await_refund(tx, wish.store_id, wish.refund_id, returned.reference)
            return
        state, failure = returned.state, returned.failure
        news, order_id = await store.finish_refund(
            tx, wish.store_id, wish.refund_id, state, returned.reference, failure
        )
        if news and state is RefundState.FAILED:
            await store.keep_notice(tx, wish.store_id, _failure(wish, order_id, failure), b"")


def _failure(wish: GivingBack, order_id: UUID | None, failure: str) -> Notice:
    told = Told(
        event_id=f"{wish.refund_id}-{wish.round}",
        type="refund.failed",
        kind=NoticeKind.REFUND_FAILED,
        order_id=order_id,
        amount=wish.amount,
        reference=wish.payment,
        refund_id=wish.refund_id,
        failure=failure,
    )
    return Notice(new_id(), wish.provider_id, told, clock.now(), NoticeState.NEEDS_LOOK, "refund_failed")


async def retry_refund(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, refund_id: UUID
) -> Order:
    """Asks the provider once more for a refund that failed. Raises NotFound, StateConflict (refund_not_failed), Replayed."""
    now = clock.now()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await locked(tx, claims.store, order_id)
        if not any(refund.refund_id == refund_id for refund in order.refunds):
            raise NotFound("refund_not_found")
        if not await store.ask_again(tx, claims.store, order_id, refund_id, now):
            raise StateConflict("refund_not_failed")
        await store.settle_refund_notices(tx, claims.store, refund_id, claims.actor, now)
        which = audit.change("refund_id", "", refund_id)
        noted = events.noted(claims.actor, "order.refund_retried", "order", order_id, [which])
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, order)
    context.waker.wake()
    return order
