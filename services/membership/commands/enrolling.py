"""Finding or making the customer behind an order (A1, A2, A4, E5, E6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.common.database import Together
from services.common.errors import Unavailable
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    Buyer,
    Customer,
    Decision,
    Enrolled,
    Identifier,
    Status,
    decide,
    identifiers_of,
    search_text,
)

# Each lost try means that another call for the same person went through; the next one sees what it did.
_TRIES = 10


class _LostError(Exception):
    """Somebody was faster: what this transaction wrote must not stay."""


_Way = Callable[[Context, AsyncConnection, UUID, Buyer], Awaitable[Enrolled]]


async def enrol_buyer(context: Context, store_id: UUID, buyer: Buyer) -> Enrolled:
    """The customer that owns the order, once per order: asked again, the answer is the same. The contact is in its stored form.

    A buyer who is no surprise costs one statement. Otherwise the rules are gone through with the rows held (README).
    Raises Unavailable when too many calls for one person meet.
    """
    enrolled = await _as_stranger(context, store_id, buyer) or await _try(_as_known, context, store_id, buyer)
    for _ in range(_TRIES):
        if enrolled is None:
            enrolled = await _try(_with_care, context, store_id, buyer)
    if enrolled is None:
        raise Unavailable("service_unavailable", "too many enrolments of one person at once")
    return enrolled


async def _try(way: _Way, context: Context, store_id: UUID, buyer: Buyer) -> Enrolled | None:
    try:
        async with context.database.transaction(store_id) as tx:
            enrolled = await way(context, tx, store_id, buyer)
            crash.point("membership.enrol.before_commit")
    except _LostError:
        return None
    crash.point("membership.enrol.after_commit")
    context.wake()
    return enrolled


async def _as_stranger(context: Context, store_id: UUID, buyer: Buyer) -> Enrolled | None:
    """A new member or guest of whose identifiers none is anybody's: a transaction of one statement."""
    if not buyer.new_customer:
        return None
    named = _trusted_identifiers(context, buyer)
    owned = named if buyer.add_as_member else ()
    enrolled = await _make(store.insert_stranger, context.database.together, store_id, buyer, named, owned)
    if enrolled:
        crash.point("membership.enrol.after_commit")
        context.wake()
    return enrolled


async def _as_known(context: Context, tx: AsyncConnection, store_id: UUID, buyer: Buyer) -> Enrolled:
    """A live customer known by id, or the live member who has an identifier. Raises _LostError."""
    enrolled = None
    if not buyer.new_customer:
        enrolled = await store.add_to_known(tx, store_id, buyer)
        if enrolled and buyer.promotes(enrolled.status):
            raise _LostError
    elif identifiers := _trusted_identifiers(context, buyer):
        enrolled = await store.add_to_holder(tx, store_id, buyer, identifiers)
        if enrolled:
            await outbox.add(tx, store_id, [events.buyer_linked(buyer.order_id, enrolled.customer_id)])
    if enrolled is None:
        raise _LostError
    return enrolled


def _trusted_identifiers(context: Context, buyer: Buyer) -> Sequence[Identifier]:
    return identifiers_of(context.hasher, buyer.contact) if buyer.trusted else ()


async def _with_care(context: Context, tx: AsyncConnection, store_id: UUID, buyer: Buyer) -> Enrolled:
    """The rules one by one. Rows are held in the order customer, identifiers by digest, order; so no two calls block each other."""
    known = await store.find_enrolled(tx, store_id, buyer.order_id)
    if known:
        return known
    owner = await store.lock_owner(tx, store_id, buyer.customer_id, shared=True)
    promoted = owner is not None and buyer.promotes(owner.status)
    if owner and promoted:
        buyer = buyer.filled_from(owner)
    decision, identifiers = Decision(), identifiers_of(context.hasher, buyer.contact)
    if promoted or (buyer.new_customer and (owner is None or owner.status is Status.GUEST)):
        decision = decide(buyer, await store.holders_of(tx, store_id, identifiers))
    if decision.owner:
        owner = await store.lock_owner(tx, store_id, decision.owner, shared=True)
    if owner is None or (owner.customer_id == buyer.customer_id and decision.owned):
        owned = [i for i in identifiers if i.kind in decision.owned]
        made = await _make(store.insert_new, tx, store_id, buyer, owned, owned)
        if made is None:
            raise _LostError
        return made
    return await _link(tx, store_id, buyer, owner)


async def _make(
    insert: Callable[..., Awaitable[store.Attempt]],
    tx: AsyncConnection | Together,
    store_id: UUID,
    buyer: Buyer,
    named: Sequence[Identifier],
    owned: Sequence[Identifier],
) -> Enrolled | None:
    """Writes the new customer: a member if it owns anything, else a guest. None when one of the `named` identifiers was somebody's
    already, or the order had its buyer, and nothing was written. Raises _LostError when that showed too late.
    """
    now = clock.now()
    status = Status.MEMBER if owned else Status.GUEST
    reach = {identifier.kind: identifier.value for identifier in owned} if owned else None
    contact = buyer.contact
    attempt = await insert(
        tx,
        store_id,
        buyer,
        named,
        owned,
        status,
        search_text(
            contact.name,
            reach.get("phone", "") if reach is not None else contact.phone,
            reach.get("email", "") if reach is not None else contact.email,
        ),
        [events.member_enrolled(buyer, owned, now)] if owned else [],
        now,
    )
    if not attempt.succeeded:
        if attempt.wrote:
            raise _LostError
        return None
    return Enrolled(buyer.customer_id, status is Status.MEMBER, status, contact.name)


async def _link(tx: AsyncConnection, store_id: UUID, buyer: Buyer, owner: Customer) -> Enrolled:
    """Gives the order to somebody who is there already, and says so if the order names another. Raises _LostError."""
    if not await store.add_fact(tx, store_id, buyer, owner.customer_id):
        raise _LostError
    if owner.customer_id != buyer.customer_id:
        await outbox.add(tx, store_id, [events.buyer_linked(buyer.order_id, owner.customer_id)])
    return Enrolled(owner.customer_id, False, owner.status, owner.name)
