"""Statements of the hot path, which go to the driver itself; and those of callers who come at the same time, in one transaction."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

# How long a statement may wait for a lock, in the words of PostgreSQL.
LOCK_TIMEOUT = "5s"
_STORE = "CAST(set_config('app.store_id', CAST(CAST(:store_id AS uuid) AS text), true) AS uuid) AS store_id"
# For a statement that is a transaction of its own (Database.at_once): the CTE "bound" names the store. Every write must draw
# its rows from it, directly or through what was written before, so that the store is named before any policy asks for it.
BOUND = f"bound AS MATERIALIZED (SELECT {_STORE})"
# The same for a statement that may go to `Together`: it says for how long it waits for a lock, `patience`, which is LOCK_TIMEOUT alone.
BOUND_TOGETHER = f"""bound AS MATERIALIZED (SELECT {_STORE},
 set_config('lock_timeout', CAST(:patience AS text), true))"""
# Whoever shares a transaction holds what others of it have locked, in the order in which they came, and so may wait for nobody for
# long: well below the second after which the server looks for a deadlock and ends anybody, as it may be an innocent one. Alone
# each locks in the order that all keep.
_SHARED_PATIENCE = "100ms"
# Transactions of one statement at a time: while one waits for the disk, the other computes. Whoever comes meanwhile goes with the next.
_LANES = 2
# In one transaction. With more nothing is gained, and the first waits for the last.
_MOST = 16
# What the server, or the way to it, says of itself and not of a statement; what has become of that, nobody knows.
_LOST = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
BIND = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")  # as SQLAlchemy's text() reads it


class Statement:
    """A statement of the hot path: `:name` as in text(), sent by the driver itself.

    SQLAlchemy's way with one that has fifty values costs twice as much as everything else that is done for it.
    """

    def __init__(self, sql: str) -> None:
        places: dict[str, int] = {}
        self.text = sql
        self._numbered = BIND.sub(lambda bind: f"${places.setdefault(bind[1], len(places) + 1)}", sql)
        self.names = tuple(places)

    async def first(self, tx: AsyncConnection | Together, values: Mapping[str, Any]) -> Any:
        """The first row, which is read by name or position, or None. Raises the driver's errors, which is_transient knows."""
        if isinstance(tx, Together):
            return await tx.first(self, values)
        return await driver_of(tx).fetchrow(self._numbered, *[values[name] for name in self.names])

    async def all(self, tx: AsyncConnection, values: Mapping[str, Any]) -> Sequence[Any]:
        """All rows."""
        found: Sequence[Any] = await driver_of(tx).fetch(self._numbered, *[values[name] for name in self.names])
        return found

    async def each(self, tx: AsyncConnection, many: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """The rows of all of them, one after the other, in one round trip and, on a connection of `at_once`, one transaction."""
        values = [[each[name] for name in self.names] for each in many]
        found: Sequence[Any] = await driver_of(tx).fetchmany(self._numbered, values)
        return found


@dataclass(frozen=True, slots=True)
class _Waiting:
    values: Mapping[str, Any]
    answer: asyncio.Future[Any]
    context: Context


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Waiting] = field(default_factory=deque)
    under_way: set[asyncio.Task[None]] = field(default_factory=set)


class Together:
    """Where statements of callers who come at the same time become one transaction: one wait for the disk, one round trip.

    Each binds itself to its store (BOUND_TOGETHER if it locks anything, else BOUND) and gives exactly one row. Who comes alone waits
    for nobody. What one of many is refused, or has to wait for, is no matter of the others: then each goes by itself.
    """

    def __init__(self, at_once: Callable[[], AbstractAsyncContextManager[AsyncConnection]]) -> None:
        self._at_once = at_once
        self._queues: defaultdict[Statement, _Queue] = defaultdict(_Queue)

    async def first(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """The row, once it is committed. Raises the driver's errors."""
        answer = asyncio.get_running_loop().create_future()
        queue = self._queues[statement]
        queue.waiting.append(_Waiting(values, answer, copy_context()))
        self._go_on(statement, queue)
        return await answer

    def _go_on(self, statement: Statement, queue: _Queue) -> None:
        while queue.waiting and len(queue.under_way) < _LANES:
            these = [queue.waiting.popleft() for _ in range(min(_MOST, len(queue.waiting)))]
            # What is logged and traced of it belongs to the first of them.
            task = asyncio.get_running_loop().create_task(self._send(statement, these), context=these[0].context)
            queue.under_way.add(task)
            task.add_done_callback(lambda task: self._ended(statement, queue, task))

    def _ended(self, statement: Statement, queue: _Queue, task: asyncio.Task[None]) -> None:
        queue.under_way.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waited
        self._go_on(statement, queue)

    async def _send(self, statement: Statement, these: Sequence[_Waiting]) -> None:
        shared = len(these) > 1
        try:
            async with self._at_once() as connection:
                rows = await statement.each(
                    connection, [_shared(one.values) if shared else one.values for one in these]
                )
            for one, row in zip(these, rows, strict=True):
                if not one.answer.done():
                    one.answer.set_result(row)
        except BaseException as error:
            if shared and isinstance(error, asyncpg.PostgresError) and not isinstance(error, _LOST):
                # One of them is refused, or waits, or cannot be sent, so nothing of it stands.
                await asyncio.gather(*(self._send(statement, [one]) for one in these), return_exceptions=True)
                return
            for one in these:
                if not one.answer.done():
                    one.answer.set_exception(error)
            raise


def _shared(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**values, "patience": _SHARED_PATIENCE}


def driver_of(connection: AsyncConnection) -> Any:
    """The asyncpg connection under a connection that is in use."""
    proxied = connection.sync_connection
    if proxied is None:
        raise RuntimeError("the connection is closed")
    return proxied.connection.driver_connection
