"""Guest orders of a phone or e-mail that a member has proved (A7).

    LoginConfirmed ──► a proof, with its value (the inbox's transaction)
    the worker ──► guests of that value, a batch at a time, become part of the member; BuyerLinked tells orders of each order
    none left ──► the value goes

A guest order from before the proof whose news comes later has the guests looked for again. Guests of orders from after the proof wait for
the next one: whoever typed the value has proved nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    KINDS,
    Buyer,
    Cause,
    Customer,
    Identifier,
    Joining,
    Proof,
    Status,
    StoreSettings,
    identifiers_of,
    joined,
    merged_use,
    search_text,
)

# Each guest has an order or two; more at a time would only hold the member's row for longer.
_GUESTS_AT_ONCE = 100
_PROOFS_AT_ONCE = 50
# What one message to the outbox's table holds.
_EVENTS_AT_ONCE = 1_000


async def note_proofs(
    context: Context, tx: AsyncConnection, store_id: UUID, told: Sequence[tuple[UUID, str, str, datetime]]
) -> None:
    """(customer, kind, value, when) of phones and e-mails that were proved, for the first time or again.

    Whoever was invited there has come (A5).
    """
    newest: dict[bytes, Proof] = {}
    for customer_id, kind, value, at in sorted(told, key=lambda proof: proof[3]):
        digest = context.hasher.digest(kind, value)
        newest[digest] = Proof(Identifier(kind, value, digest), customer_id, at)
    if newest:
        await store.note_proofs(tx, store_id, list(newest.values()))
        accepted = [(digest, proof.customer_id, proof.proved_at) for digest, proof in newest.items()]
        await store.accept_invitations(tx, store_id, accepted)


async def note_guest_orders(context: Context, tx: AsyncConnection, store_id: UUID, buyers: Sequence[Buyer]) -> None:
    """Orders of guests are news: what was proved after one of them was placed looks for it again."""
    contacts = [(each, buyer.placed_at) for buyer in buyers for each in identifiers_of(context.hasher, buyer.contact)]
    if contacts:
        await store.reopen_proofs(tx, store_id, contacts)


async def join_guests(context: Context) -> None:
    """Goes on with every proof that may have guests, in every store. Any number of workers may do so at once."""
    async with context.database.across_stores() as tx:
        pending = await store.pending_proofs(tx, _PROOFS_AT_ONCE)
    for store_id, proof in pending:
        while await _batch(context, store_id, proof):
            crash.point("membership.join.after_commit")
            context.wake()


async def _batch(context: Context, store_id: UUID, proof: Proof) -> bool:
    """The next guests; False at the end."""
    async with context.database.transaction(store_id) as tx:
        # Held before any customer, as by everybody who moves members by the rules.
        settings = await store.load_settings(tx, store_id, hold=True)
        guest_ids = await store.guests_with(tx, proof.identifier, _GUESTS_AT_ONCE)
        owner = await store.load(tx, store_id, proof.customer_id)
        going = await store.all_being_removed(tx, store_id, guest_ids)
        guest_ids = [guest_id for guest_id in guest_ids if guest_id not in going]
        if owner is None or owner.status is not Status.MEMBER or not guest_ids:
            await store.settle_proof(tx, store_id, proof)
            return False
        held = await store.load_participants(tx, store_id, [owner.customer_id, *guest_ids])
        member = held.pop(owner.customer_id)
        guests = [guest for guest in held.values() if guest.status is Status.GUEST]
        # Somebody may have been faster with the guests, or the member was merged just now; then this is to be looked at again.
        if guests and member.status is Status.MEMBER:
            await _join(tx, store_id, member, guests, proof.identifier.kind, settings)
        crash.point("membership.join.before_commit")
    return True


async def _join(
    tx: AsyncConnection,
    store_id: UUID,
    member: Customer,
    guests: Sequence[Customer],
    kind: str,
    settings: StoreSettings,
) -> None:
    """Writes it. All rows are held."""
    now, ids = clock.now(), [guest.customer_id for guest in guests]
    new = joined(member, guests)
    new.version += 1
    order_ids = await store.take_orders(tx, store_id, member.customer_id, ids)
    await _join_uses(tx, store_id, member.customer_id, ids)
    joining = Joining(new, ids, order_ids, kind, now)
    await store.join_guests(tx, store_id, joining)
    await store.save_profile(tx, store_id, new, search_text(new.name, new.phone, new.email, new.further), now)
    told = [events.guests_joined(joining), *(events.buyer_linked(i, member.customer_id) for i in order_ids)]
    if settings.rules.levels:
        judging = store.Judging(settings.rules, settings.rules, now, settings.timezone)
        moved = await store.move_members(tx, store_id, judging, [member.customer_id], Cause.SPEND, store.EARNER)
        told += [events.level_changed(move) for move in moved]
    for start in range(0, len(told), _EVENTS_AT_ONCE):
        await outbox.add(tx, store_id, told[start : start + _EVENTS_AT_ONCE])


async def _join_uses(tx: AsyncConnection, store_id: UUID, member_id: UUID, guest_ids: Sequence[UUID]) -> None:
    """What the guests had agreed to, by the rule of merges."""
    uses = await store.load_uses(tx, store_id, [member_id, *guest_ids])
    own = uses.pop(member_id, {})
    kept = [merged_use(own.get(kind), [each[kind] for each in uses.values() if kind in each]) for kind in KINDS]
    await store.set_uses(tx, store_id, member_id, [use for use in kept if use is not None], noted=False)
