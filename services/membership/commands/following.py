"""What membership makes of others' events. The transactions are the inbox's."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, outbox
from services.common.ids import new_id
from services.common.inbox import RetryLater
from services.common.outbox import Event
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.commands.enrolling import enrol_buyer
from services.membership.commands.joining import note_guest_orders
from services.membership.commands.refunding import undo_points
from services.membership.domain import Award, Buyer, Cause, OrderState, Status, StoreSettings, points_for

# Buyers that only the event tells of (the gateway's call did not come through), enrolled at the same time.
_ENROLMENTS_AT_ONCE = 4
_MERGES_WAITED_FOR = 10


async def follow_orders(
    context: Context, tx: AsyncConnection, store_id: UUID, news: Sequence[tuple[OrderState, Buyer]]
) -> None:
    """Brings net spend, points and levels to where the orders are (B1, B2, B4, N). Older news than is known is dropped.

    Of several states of one order the newest counts. An order that has been paid, or has ended, and still names another
    owner than it has here is announced: a merge and the payment have passed each other (fault 12). Raises RetryLater.
    """
    newest = {state.order_id: (state, buyer) for state, buyer in sorted(news, key=lambda pair: pair[0].version)}
    # Held before any customer: whoever changes the rules holds it alone, and then all members.
    settings = await store.load_settings(tx, store_id, hold=True)
    await _enrol_missing(context, tx, store_id, [buyer for _, buyer in newest.values()])
    owners = await _hold_owners(tx, store_id, [state for state, _ in newest.values()])
    orders = [newest[order_id][0] for order_id in owners]
    if not orders:
        return
    guest_orders = [newest[order_id][1] for order_id, owner in owners.items() if owner.status is Status.GUEST]
    await note_guest_orders(context, tx, store_id, guest_orders)
    levels = {owner.customer_id: owner.level_id for owner in owners.values()}
    told: list[Event] = []
    for batch in _batches(orders, owners, settings):
        told += await _apply(tx, store_id, batch, owners, levels, settings)
    told += await undo_points(tx, store_id, orders, owners, settings)
    told += [
        events.buyer_linked(order.order_id, owners[order.order_id].customer_id)
        for order in orders
        if (order.settled or order.cancelled) and order.customer_id != owners[order.order_id].customer_id
    ]
    await outbox.add(tx, store_id, told)


def _batches(
    orders: Sequence[OrderState], owners: Mapping[UUID, store.Owner], settings: StoreSettings
) -> Iterable[Sequence[OrderState]]:
    """All orders at once; where there are levels at most one of each customer, for an order may change what the next one earns."""
    if not settings.rules.levels:
        return [orders]
    batches: dict[int, list[OrderState]] = {}
    seen: Counter[UUID] = Counter()
    for order in sorted(orders, key=lambda order: order.paid_at or order.placed_at):
        owner_id = owners[order.order_id].customer_id
        batches.setdefault(seen[owner_id], []).append(order)
        seen[owner_id] += 1
    return batches.values()


async def _apply(
    tx: AsyncConnection,
    store_id: UUID,
    orders: Sequence[OrderState],
    owners: Mapping[UUID, store.Owner],
    levels: dict[UUID, UUID | None],
    settings: StoreSettings,
) -> list[Event]:
    """Net spend and earned points of the orders, then the levels that their buyers have by now; what there is to tell."""
    applied = await store.apply_orders(tx, store_id, orders, _awards(orders, owners, levels, settings))
    told = [events.points_earned(a.order_id, a.customer_id, a.points, a.balance, a.version) for a in applied]
    if settings.rules.levels:
        judging = store.Judging(settings.rules, settings.rules, clock.now(), settings.timezone)
        buyers = [owners[order.order_id].customer_id for order in orders]
        moved = await store.move_members(tx, store_id, judging, buyers, Cause.SPEND, store.EARNER)
        levels.update({move.customer_id: move.to_id for move in moved})
        told += [events.level_changed(move) for move in moved]
    return told


async def _enrol_missing(context: Context, tx: AsyncConnection, store_id: UUID, buyers: Sequence[Buyer]) -> None:
    """Enrols the buyers that nobody has enrolled. Orders of customers known by id are given to them in one statement.

    The others go each its own way, in a transaction of its own, as by the gateway's call; and go first, while the inbox's
    transaction holds nothing that they could wait for. If it fails later they stand, and are found done the next time.
    Raises RetryLater.
    """
    enrolled = await store.enrolled_orders(tx, store_id, [buyer.order_id for buyer in buyers])
    missing = [buyer for buyer in buyers if buyer.order_id not in enrolled]
    if not missing:
        return
    known = await store.load_many(tx, store_id, [buyer.customer_id for buyer in missing])
    live = {customer.customer_id: customer.status for customer in known.values() if customer.status <= Status.MEMBER}
    plain: list[Buyer] = []
    others: list[Buyer] = []
    for buyer in missing:
        simple = buyer.customer_id in live and not buyer.promotes(live[buyer.customer_id])
        (plain if simple else others).append(buyer)
    await _enrol_each(context, store_id, [replace(b, new_customer=b.customer_id not in known) for b in others])
    if not await store.add_many_to_known(tx, store_id, plain):
        raise RetryLater("a customer has just been merged")


async def _enrol_each(context: Context, store_id: UUID, buyers: Sequence[Buyer]) -> None:
    gate = asyncio.Semaphore(_ENROLMENTS_AT_ONCE)

    async def enrol(buyer: Buyer) -> None:
        async with gate:
            await enrol_buyer(context, store_id, buyer)

    # All are waited for: none may go on behind the back of a transaction that has failed.
    results = await asyncio.gather(*(enrol(buyer) for buyer in buyers), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _hold_owners(tx: AsyncConnection, store_id: UUID, orders: Sequence[OrderState]) -> Mapping[UUID, store.Owner]:
    for _ in range(_MERGES_WAITED_FOR):
        owners = await store.lock_buyers(tx, store_id, orders)
        if all(owner.status is not Status.MERGED for owner in owners.values()):
            return owners
    raise RetryLater("owners are being merged again and again")


def _awards(
    orders: Sequence[OrderState],
    owners: Mapping[UUID, store.Owner],
    levels: Mapping[UUID, UUID | None],
    settings: StoreSettings,
) -> list[tuple[UUID, Award]]:
    """What members' paid orders earn at their levels. An order brought from so long ago that its points would have expired
    earns none.
    """
    now = clock.now()
    awards = []
    for order in orders:
        owner = owners[order.order_id]
        if order.paid_at is None or owner.status is not Status.MEMBER or not owner.earns:
            continue
        multiplier = settings.rules.multiplier(levels[owner.customer_id])
        points, expires_at = points_for(order.paid, order.paid_at, settings, multiplier)
        if points > 0 and expires_at > now:
            awards.append((owner.customer_id, Award(order.order_id, points, expires_at, new_id(), new_id())))
    return awards


async def follow_store(tx: AsyncConnection, store_id: UUID, settings: StoreSettings, version: int) -> None:
    """Takes over the store's region, currency, time zone and language."""
    await store.save_settings(tx, store_id, settings, version)


async def follow_logins(tx: AsyncConnection, store_id: UUID, logins: Sequence[tuple[UUID, datetime]]) -> None:
    """(customer, when) of logins that were proved: since then the person has been on the online store (C10)."""
    await store.note_confirmed(tx, store_id, logins)
