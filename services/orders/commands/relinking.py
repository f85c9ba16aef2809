"""Whose orders these are, after merges and once buyers are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import crash, outbox
from services.common.errors import NotFound
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.carts import move_carts
from services.orders.commands.context import Context

# One transaction's size: large enough to be fast, small enough that other orders of the store hardly wait. One at a time, so that a core is
# left to everybody else: two at a time are done a fifth sooner, and the slowest of others' orders take twice as long.
RELINK_BATCH = 2_000


async def relink_orders(
    context: Context, claims: ServiceClaims, run_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID
) -> tuple[int, bool]:
    """One step of a merge: (orders moved, whether none is left). Unpaid orders stay until paid; carts go along (F5, F7).

    The pointer is written first, so that a payment confirmed from now on moves its order itself. One confirmed at that very
    moment is caught by membership, which learns of it by event and answers with BuyerLinked. Idempotent by nature.
    """
    async with context.database.transaction(claims.store) as tx:
        await store.hold_owners(tx, claims.store, merged_ids, moving=True)
        await store.point_to_survivor(tx, claims.store, merged_ids, survivor_id)
        await move_carts(tx, claims.store, merged_ids, survivor_id)
    async with context.database.transaction(claims.store) as tx:
        await store.hold_owners(tx, claims.store, merged_ids, moving=True)
        looked_at, moved = await store.relink_batch(
            tx, claims.store, merged_ids, survivor_id, claims.actor, str(run_id), RELINK_BATCH
        )
        if moved:
            await outbox.add(tx, claims.store, [events.relinked(survivor_id, moved, str(run_id))])
        crash.point("orders.relink.before_commit")
    context.waker.wake()
    crash.point("orders.relink.after_commit")
    return len(moved), looked_at < RELINK_BATCH


async def link_buyers(tx: AsyncConnection, store_id: UUID, links: Sequence[tuple[UUID, UUID]]) -> None:
    """Membership found out whose orders these are: (order, customer) of each. Part of the inbox transaction.

    A merge of the customer goes either before, and its pointer is followed, or after, and takes these orders along (O).
    An unpaid order of a merged account stays where it is: it moves when its payment is confirmed (F7). Raises NotFound.
    """
    await store.hold_owners(tx, store_id, [customer_id for _, customer_id in links])
    wanted = dict(links)  # of several words on one order the last counts
    found, moved = await store.link_batch(tx, store_id, wanted, "service:membership")
    if found < len(wanted):
        raise NotFound("order_not_found", f"{len(wanted) - found} of {len(wanted)} orders")
    by_owner: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for order_id, owner in moved:
        by_owner[owner].append(order_id)
    await outbox.add(tx, store_id, [events.relinked(owner, order_ids) for owner, order_ids in by_owner.items()])
