"""Writes of the orders service: one use case, one function, one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.common.contact import Contact, clean_text, read_address, read_contact
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound, Violations
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.money import check_amount
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.domain import Draft, Order, Payment, PaymentMethod, check_draft, read_lines

# One merge step's size: large enough to be fast, small enough that other orders of the store hardly wait (limits, part 7).
RELINK_BATCH = 2_000
# Each batch is one event with as many ids, and one update of as many messages.
ERASE_BATCH = 500
_NUMBERS_AT_ONCE = 50


class Numbers:
    """Order numbers of this process, fetched in blocks; a restart leaves a gap, which is harmless."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._left: dict[UUID, range] = {}
        self._locks: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def next(self, store_id: UUID) -> int:
        """The next number of the store."""
        async with self._locks[store_id]:
            left = self._left.get(store_id)
            if not left:
                async with self._database.transaction(store_id) as tx:
                    first = await store.take_numbers(tx, store_id, _NUMBERS_AT_ONCE)
                left = range(first, first + _NUMBERS_AT_ONCE)
            self._left[store_id] = left[1:]
            return left[0]


@dataclass(frozen=True, slots=True)
class Context:
    """What the commands need of the process."""

    database: Database
    numbers: Numbers
    waker: outbox.Waker


async def create_order(context: Context, claims: ServiceClaims, once: Once[Order], draft: Draft) -> Order:
    """Writes an order; it stands when this returns (A4, E1, E6, E7). Raises InvalidInput, Conflict, Replayed."""
    draft = read_draft(draft, claims)
    order = Order.place(
        draft,
        order_id=new_id(),
        number=await context.numbers.next(claims.store),
        new_customer_id=new_id(),
        payment_id=new_id(),
        actor=claims.actor,
        now=clock.now(),
    )
    crash.point("orders.create.before_insert")
    async with context.database.at_once() as connection:
        written = await store.insert_whole(connection, once, order, [events.placed(order)])
    if not written:
        async with context.database.transaction(claims.store) as tx:
            await once.replay(tx)
    crash.point("orders.create.after_commit")
    context.waker.wake()
    return order


def read_draft(draft: Draft, claims: ServiceClaims) -> Draft:
    """The draft with phones, e-mails and texts in their stored form, all rules kept. Raises InvalidInput with every fault."""
    found = Violations()
    contact = draft.contact
    clean = replace(
        draft,
        contact=found.gather(lambda: read_contact(contact.name, contact.phone, contact.email, claims.region), contact),
        lines=found.gather(lambda: read_lines(draft.lines), draft.lines),
        shipping_address=found.gather(lambda: read_address(draft.shipping_address), draft.shipping_address),
        note=found.gather(lambda: clean_text(draft.note, "note", multiline=True), ""),
        external_reference=found.gather(lambda: clean_text(draft.external_reference, "external_reference", 64), ""),
        payment_reference=found.gather(lambda: clean_text(draft.payment_reference, "payment_reference", 64), ""),
    )
    found.gather(lambda: check_draft(clean, claims.currency, clock.now()), None)
    found.check()
    return clean


async def confirm_payment(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, method: int, reference: str, amount: int
) -> Order:
    """Marks an unpaid order paid; a merged account's order goes to the survivor here (E1, F7).

    `amount` 0 means the whole. Raises NotFound, StateConflict, Conflict, InvalidInput, Replayed.
    """
    check_amount(amount, "amount_minor")
    if method not in set(PaymentMethod):
        raise InvalidInput.of("method", "unknown_value")
    reference = clean_text(reference, "reference", 64)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await _locked(tx, claims.store, order_id)
        now = clock.now()
        payment = Payment(new_id(), amount or order.total, PaymentMethod(method), reference, now)
        order.confirm_payment(payment, actor=claims.actor, now=now)
        order.customer_id = await store.survivor_of(tx, claims.store, order.customer_id)
        await store.save(tx, claims.store, order, new_payment=payment)
        await outbox.add(tx, claims.store, [events.paid(order)])
        await once.finish(tx, order)
        crash.point("orders.confirm_payment.before_commit")
    context.waker.wake()
    return order


async def edit_contact(
    context: Context, claims: ServiceClaims, once: Once[Order], order_id: UUID, contact: Contact, expected_version: int
) -> Order:
    """Changes the contact on the order, never the account (E2). Raises NotFound, Conflict (stale_version), InvalidInput, Replayed."""
    contact = read_contact(contact.name, contact.phone, contact.email, claims.region)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        order = await _locked(tx, claims.store, order_id)
        order.edit_contact(contact, expected_version, actor=claims.actor, now=clock.now())
        await store.save(tx, claims.store, order)
        await outbox.add(tx, claims.store, [events.contact_edited(order)])
        await once.finish(tx, order)
    context.waker.wake()
    return order


async def relink_orders(
    context: Context, claims: ServiceClaims, run_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID
) -> tuple[int, bool]:
    """One batch of a merge: (orders moved, whether none is left). Unpaid orders stay until paid (F5, F7).

    The pointer is written first, so that a payment confirmed from now on moves its order itself. One confirmed at that very
    moment is caught by membership, which learns of it by event and answers with BuyerLinked. Idempotent by nature.
    """
    async with context.database.transaction(claims.store) as tx:
        await store.hold_owners(tx, claims.store, merged_ids, moving=True)
        await store.point_to_survivor(tx, claims.store, merged_ids, survivor_id)
        moved = await store.relink_batch(
            tx, claims.store, merged_ids, survivor_id, claims.actor, str(run_id), RELINK_BATCH
        )
        if moved:
            await outbox.add(tx, claims.store, [events.relinked(survivor_id, moved, str(run_id))])
        crash.point("orders.relink.before_commit")
    crash.point("orders.relink.after_commit")
    context.waker.wake()
    return len(moved), len(moved) < RELINK_BATCH


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


async def queue_erasures(tx: AsyncConnection, store_id: UUID, people: Sequence[tuple[UUID, datetime]]) -> None:
    """(customer, when) of people who were erased: their orders forget them, batch by batch. Part of the inbox transaction."""
    await store.queue_erasures(tx, store_id, people)


async def erase_contacts(database: Database) -> int:
    """Works off the erasures of all stores (C12); how many orders were stripped. Totals, lines and payments stay."""
    total = 0
    while True:
        async with database.across_stores() as tx:
            erasure = await store.next_erasure(tx)
        if erasure is None:
            return total
        async with database.transaction(erasure.store_id) as tx:
            if not await store.hold_erasure(tx, erasure):
                continue
            stripped = await store.erase_batch(tx, erasure, "service:membership", ERASE_BATCH)
            if stripped:
                await outbox.add(tx, erasure.store_id, [events.contacts_erased(erasure.customer_id, stripped)])
            if len(stripped) < ERASE_BATCH:
                await store.finish_erasure(tx, erasure)
            crash.point("orders.erase.before_commit")
        total += len(stripped)


async def _locked(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> Order:
    order = await store.load(tx, store_id, order_id, lock=True)
    if order is None:
        raise NotFound("order_not_found", order_id=str(order_id))
    return order
