"""What staff write about customers (C4)."""

from __future__ import annotations

from uuid import UUID

from services.common import audit, clock, outbox
from services.common.errors import NotFound
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.commands.profiles import held
from services.membership.domain import Note, read_note


async def add_note(context: Context, claims: ServiceClaims, once: Once[Note], customer_id: UUID, content: str) -> Note:
    """Adds a note. Raises InvalidInput (required, too_long), NotFound, StateConflict (customer_gone, being_removed), Replayed."""
    clean = read_note(content)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        owner = await held(tx, claims.store, customer_id)
        note = Note(new_id(), clean, claims.actor, clock.now())
        await store.add_note(tx, claims.store, owner.customer_id, note)
        hidden = audit.hidden("note", "", clean)
        noted = events.noted(claims.actor, "customer.note_added", "customer", owner.customer_id, [hidden])
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, note)
    context.wake()
    return note


async def strike_note(
    context: Context, claims: ServiceClaims, once: Once[Note], customer_id: UUID, note_id: UUID
) -> Note:
    """Strikes a note; one that is struck stays as it is. Raises as `add_note`, and NotFound (note_not_found)."""
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        owner = await held(tx, claims.store, customer_id)
        note = await store.strike_note(tx, claims.store, owner.customer_id, note_id, claims.actor, clock.now())
        if note is None:
            raise NotFound("note_not_found", note_id=str(note_id))
        hidden = audit.hidden("note", note.content, "")
        noted = events.noted(claims.actor, "customer.note_struck", "customer", owner.customer_id, [hidden])
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, note)
    context.wake()
    return note
