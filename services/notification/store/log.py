"""The log of messages, as people look at it, and what they decide about one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock
from services.common.ids import first_at, new_id
from services.common.paging import PageRequest
from services.notification.domain import Cause, Change, Channel, LogFilter, Message, Outage, State
from services.notification.store.messages import message_of
from services.notification.store.tables import message_changes, messages

# To people a claim is an inner matter: the message still waits.
_WAITS = (State.QUEUED, State.CLAIMED)
_RECIPIENTS_LOOKED_AT = 10_000


async def list_page(tx: AsyncConnection, store_id: UUID, page: PageRequest, wanted: LogFilter) -> list[Message]:
    """Messages newest first, one more than the page holds. `page.after` is (message_id,)."""
    query = select(messages).where(messages.c.store_id == store_id, *_conditions(wanted))
    if page.after:
        query = query.where(messages.c.message_id < page.after[0])
    if wanted.recipient:
        # A function of the owner's: under row-level security no index is asked for a part of a text (see migration 0006).
        last = page.after[0] if page.after else None
        found = func.find_messages(_pattern(wanted), last, _RECIPIENTS_LOOKED_AT, type_=PG_UUID)
        query = query.where(messages.c.message_id.in_(select(found)))
    rows = await tx.execute(query.order_by(messages.c.message_id.desc()).limit(page.size + 1))
    return [message_of(row) for row in rows]


def _conditions(wanted: LogFilter) -> list[ColumnElement[bool]]:
    column = messages.c
    states = [state for each in wanted.states for state in (_WAITS if each is State.QUEUED else (each,))]
    conditions: dict[bool, list[ColumnElement[bool]]] = {True: [], False: []}
    conditions[wanted.order_id is not None].append(column.order_id == wanted.order_id)
    conditions[bool(wanted.customers)].append(column.customer_id.in_(wanted.customers))
    conditions[bool(wanted.kinds)].append(column.kind.in_(wanted.kinds))
    conditions[bool(states)].append(column.state.in_(states))
    conditions[wanted.channel is not None].append(column.channel == wanted.channel)
    if wanted.since:
        conditions[True].append(column.message_id >= first_at(wanted.since))
    if wanted.before:
        conditions[True].append(column.message_id < first_at(wanted.before))
    return conditions[True]


def _pattern(wanted: LogFilter) -> str:
    part = wanted.recipient.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return part if wanted.whole else f"%{part}%"


# An attempt ends after a day, so what was sent since is among the messages of the day before, and those behind.
_OUTAGES = text(
    """SELECT channel, since FROM (
  SELECT channel, min(failing_since) AS since, max(failing_since) AS last FROM messages
  WHERE store_id = :store_id AND state = 'queued' AND cause = 'server_away'
   AND failing_since IS NOT NULL GROUP BY channel) waiting
 WHERE NOT EXISTS (SELECT FROM messages m WHERE m.store_id = :store_id AND m.channel = waiting.channel AND m.state = 'sent'
  AND m.message_id >= :day_ago AND m.sent_at > waiting.last) ORDER BY channel"""
)


async def outages(tx: AsyncConnection, store_id: UUID) -> list[Outage]:
    """Servers that messages of the store wait for."""
    values = {"store_id": store_id, "day_ago": first_at(clock.now() - timedelta(days=2))}
    return [Outage(Channel(row.channel), row.since) for row in await tx.execute(_OUTAGES, values)]


async def load(tx: AsyncConnection, store_id: UUID, message_id: UUID, *, lock: bool = False) -> Message | None:
    """One message; with `lock` nobody else changes it until the transaction ends."""
    query = select(messages).where(messages.c.store_id == store_id, messages.c.message_id == message_id)
    row = (await tx.execute(query.with_for_update() if lock else query)).first()
    return message_of(row) if row else None


async def messages_of_events(
    tx: AsyncConnection, store_id: UUID, event_ids: Sequence[UUID]
) -> list[tuple[UUID, Message]]:
    """(event, message) of the messages that these events asked for."""
    query = select(messages).where(messages.c.store_id == store_id, messages.c.event_id.in_(event_ids))
    return [(row.event_id, message_of(row)) for row in await tx.execute(query)]


async def changes_of(tx: AsyncConnection, store_id: UUID, message_id: UUID) -> list[Change]:
    """What became of a message beside what it says itself, oldest first."""
    column = message_changes.c
    query = select(message_changes).where(column.store_id == store_id, column.message_id == message_id)
    rows = await tx.execute(query.order_by(column.at, column.change_id))
    return [Change(State(row.state), Cause(row.cause), row.error, row.actor, row.at) for row in rows]


async def decide(tx: AsyncConnection, store_id: UUID, message: Message, state: State, actor: str) -> Message:
    """What a person has decided: SENT, or QUEUED for another attempt. The row is held by whoever calls."""
    values: dict[str, Any] = {"state": state, "error": "", "cause": Cause.NONE}
    if state is State.SENT:
        values["sent_at"] = func.now()
    else:
        values |= {"next_attempt_at": func.now(), "failing_since": None}
    changed = (
        update(messages)
        .where(messages.c.store_id == store_id, messages.c.message_id == message.message_id)
        .values(values)
        .returning(messages)
    )
    row = (await tx.execute(changed)).one()
    await add_change(tx, store_id, message.message_id, Change(state, Cause.NONE, "", actor, row.created_at))
    return message_of(row)


async def note_status(
    tx: AsyncConnection, store_id: UUID, message: Message, change: Change, provider_id: str, *, delivered: bool
) -> Message:
    """What the provider has told. The row is held by whoever calls."""
    values: dict[str, Any] = {"state": change.state, "cause": change.cause, "error": change.error}
    values |= {"provider_id": provider_id, "lease_until": None}
    if change.state is State.SENT:
        values["sent_at"] = func.coalesce(messages.c.sent_at, func.now())
    if delivered:
        values["delivered_at"] = func.now()
    here = (messages.c.store_id == store_id, messages.c.message_id == message.message_id)
    row = (await tx.execute(update(messages).where(*here).values(values).returning(messages))).one()
    await add_change(tx, store_id, message.message_id, change)
    return message_of(row)


async def add_change(tx: AsyncConnection, store_id: UUID, message_id: UUID, change: Change) -> None:
    """Writes down what became of a message, as of now."""
    row = {
        "store_id": store_id,
        "message_id": message_id,
        "change_id": new_id(),
        "state": change.state,
        "cause": change.cause,
        "error": change.error,
        "actor": change.actor,
    }
    await tx.execute(insert(message_changes).values(row))
