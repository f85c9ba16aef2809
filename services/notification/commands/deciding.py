"""What a person decides about a message of which it is not known whether it arrived, or which failed (E)."""

from __future__ import annotations

from uuid import UUID

from services.common import audit, outbox
from services.common.database import Database
from services.common.errors import NotFound, StateConflict
from services.common.idempotency import Once
from services.common.outbox import Waker
from services.common.tokens import ServiceClaims
from services.notification import events, store
from services.notification.domain import Decision, Message, State


async def decide_message(
    database: Database,
    waker: Waker,
    claims: ServiceClaims,
    once: Once[Message],
    message_id: UUID,
    decision: Decision,
    attempts: int,
) -> Message:
    """Notes that a message arrived, or has it sent once more: one attempt for each decision (E7).

    `attempts` is what the person saw: who decided by an older state decides nothing. A sender that is still waiting for its answer
    changes nothing afterwards, for its attempt is over.
    Raises NotFound (message_not_found), StateConflict (message_changed, message_not_resendable).
    """
    async with database.transaction(claims.store) as tx:
        await once.begin(tx)
        before = await store.load(tx, claims.store, message_id, lock=True)
        if before is None:
            raise NotFound("message_not_found", message_id=str(message_id))
        _check(before, decision, attempts)
        state = State.SENT if decision is Decision.ARRIVED else State.QUEUED
        message = await store.decide(tx, claims.store, before, state, claims.actor)
        action = "message.marked_sent" if decision is Decision.ARRIVED else "message.sent_again"
        noted = events.noted(
            claims.actor, action, "message", message_id, [audit.change("message_state", before.state, message.state)]
        )
        await outbox.add(tx, claims.store, [noted, *events.settled(message)])
        await once.finish(tx, message)
    waker.wake()
    return message


def _check(message: Message, decision: Decision, attempts: int) -> None:
    if message.attempts != attempts or message.state not in (State.FAILED, State.UNKNOWN):
        raise StateConflict("message_changed")
    if decision is Decision.ARRIVED and message.state is State.FAILED:
        raise StateConflict("message_changed")
    if decision is Decision.SEND_AGAIN and not message.may_be_sent_again:
        raise StateConflict("message_not_resendable")
