"""What people say about accounts that may be one person's (F12)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.errors import NotFound
from services.common.idempotency import Once
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain.duplicates import Pair, Scan
from services.identity_merge.store import duplicates as store
from services.identity_merge.store import scans


async def dismiss(context: Context, claims: ServiceClaims, once: Once[Pair], ids: tuple[UUID, UUID]) -> Pair:
    """ "Not the same person". Who has said it first stays on record. Raises NotFound (duplicate_not_found), Replayed."""
    return await _judge(context, claims, once, ids, dismissed=True)


async def restore(context: Context, claims: ServiceClaims, once: Once[Pair], ids: tuple[UUID, UUID]) -> Pair:
    """Takes a dismissal back. Raises NotFound (duplicate_not_found), Replayed."""
    return await _judge(context, claims, once, ids, dismissed=False)


async def _judge(
    context: Context, claims: ServiceClaims, once: Once[Pair], ids: tuple[UUID, UUID], *, dismissed: bool
) -> Pair:
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        pair = await store.load_pair(tx, claims.store, ids)
        if pair is None:
            raise NotFound("duplicate_not_found")
        if (pair.dismissed_at is not None) != dismissed:
            pair = await store.save_judgement(tx, claims.store, ids, claims.actor if dismissed else "")
            await _note(tx, claims, pair)
        answer = await once.finish(tx, pair)
    context.waker.wake()
    return answer


async def _note(tx: AsyncConnection, claims: ServiceClaims, pair: Pair) -> None:
    """On the record of both accounts."""
    action = "customer.duplicate_dismissed" if pair.dismissed_at else "customer.duplicate_restored"
    first, second = pair.customer_ids
    both = ((first, second), (second, first))
    noted = [
        events.noted(claims.actor, action, "customer", mine, [audit.change("other_id", "", other)])
        for mine, other in both
    ]
    await outbox.add(tx, claims.store, noted)


async def want_scan(context: Context, claims: ServiceClaims) -> Scan:
    """Has the store looked through soon; a scan that waits or runs is what one gets (F12)."""
    async with context.database.transaction(claims.store) as tx:
        await scans.want_scan(tx, claims.store)
        return await scans.load_scan(tx, claims.store)


async def note_change(tx: AsyncConnection, store_id: UUID) -> None:
    """Members have come, changed or gone: the store is looked through again in its time. Part of the inbox transaction."""
    await scans.note_change(tx, store_id)
