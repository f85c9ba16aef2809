"""Connections and transactions bound to one store.

Row-level security is the second wall of tenancy (architecture, rule 6): a transaction names its store, and the role it runs
as owns nothing, so no statement can reach another store's rows even if a WHERE clause were forgotten.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.common.database.driver import Connection
from services.common.database.statements import LOCK_TIMEOUT, Together, driver_of
from services.common.telemetry import process, sql
from services.common.telemetry.metrics import CONNECTIONS_IN_USE, CONNECTIONS_MOST

# One message instead of two. The id is a UUID's hexadecimal digits, so nothing can be smuggled in.
_BEGIN_IN_STORE = "BEGIN; SELECT set_config('app.store_id', '{}', true)"
# Waiting longer for a connection is answered as UNAVAILABLE: the caller's deadline is near anyway.
WAIT_SECONDS = 5.0
# What nobody has used for so long is closed: the server keeps some 5 MiB for each, of statements and tables that it has seen.
IDLE_SECONDS = 60.0


def address_of(url: str) -> tuple[URL, dict[str, Any]]:
    """Of "postgresql://…": the address for SQLAlchemy, and what the driver reads itself: sslmode, sslrootcert and the like."""
    return make_url(url).set(drivername="postgresql+asyncpg", query={}), {"dsn": url}


def connect(url: str, *, connections: int, name: str) -> AsyncEngine:
    """An engine with at most `connections` connections; `name` is shown in pg_stat_activity."""
    address, own = address_of(url)
    engine = create_async_engine(
        address,
        # SQLAlchemy begins and ends nothing: `Database` does, on the driver, which costs a third.
        isolation_level="AUTOCOMMIT",
        # Errors end up in logs, and values are about people.
        hide_parameters=True,
        # One more than what `Database` keeps: a listener's (outbox.listen).
        pool_size=connections,
        max_overflow=1,
        pool_timeout=WAIT_SECONDS,
        connect_args=own
        | {
            "connection_class": Connection,
            "timeout": 5,
            "server_settings": {
                "application_name": name,
                "jit": "off",
                "timezone": "UTC",
                "statement_timeout": "10s",
                "lock_timeout": LOCK_TIMEOUT,
                "idle_in_transaction_session_timeout": "30s",
            },
        },
    )
    sql.watch(engine)
    return engine


class Database:
    """One service's database.

    Keeps the connections that it has opened: taking one from SQLAlchemy's pool and giving it back, once for each transaction,
    costs as much as a statement.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # With the time of its last use. The last used first, so that what a quiet time does not need lies idle, and ends.
        self._free: deque[tuple[AsyncConnection, float]] = deque()
        self._closing: set[asyncio.Task[None]] = set()
        self.most: int = engine.pool.size()  # type: ignore[attr-defined]
        self._turns = asyncio.Semaphore(self.most)
        self.in_use = 0
        self._ended = 0
        # For statements that are transactions of their own and come in crowds.
        self.together = Together(self.at_once)

    def transaction(self, store_id: UUID) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that sees and writes rows of one store only. Commits on a clean exit."""
        return self._held(_BEGIN_IN_STORE.format(store_id.hex))

    def across_stores(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction bound to no store: plumbing and work queues, which only the worker's role may read whole."""
        return self._held("BEGIN")

    def at_once(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection on which each statement is a transaction of its own: one round trip instead of three.

        It is bound to no store, unless the statement binds itself (BOUND).
        """
        return self._held("")

    @asynccontextmanager
    async def _held(self, begin: str) -> AsyncIterator[AsyncConnection]:
        connection = await self._take()
        driver = driver_of(connection)
        try:
            if begin:
                await driver.execute(begin)
            yield connection
            if begin and await driver.execute("COMMIT") != "COMMIT":
                # The server's answer to COMMIT after a statement that failed and whose error somebody has swallowed.
                raise RuntimeError("the transaction had failed before; it was rolled back")
        except BaseException:
            # Shielded: a connection must not be used again with a transaction open, cancelled or not.
            await asyncio.shield(asyncio.ensure_future(self._give_up(connection, driver)))
            raise
        self._put_back(connection)

    async def _take(self) -> AsyncConnection:
        """A connection; those that the server has closed since they were last used are replaced. Raises TimeoutError."""
        if self._turns.locked():
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        else:
            await self._turns.acquire()
        self.in_use += 1
        try:
            while self._free:
                connection, _ = self._free.pop()
                if not driver_of(connection).is_closed():
                    return connection
                await _discard(connection)
            return await self.engine.connect()
        except BaseException:
            self._release()
            raise

    def _put_back(self, connection: AsyncConnection) -> None:
        now = time.monotonic()
        self._free.append((connection, now))
        oldest, used = self._free[0]
        if now - used > IDLE_SECONDS:
            self._free.popleft()
            closing = asyncio.ensure_future(_discard(oldest))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self._ended += 1
        self._release()

    def _release(self) -> None:
        self.in_use -= 1
        self._turns.release()

    async def _give_up(self, connection: AsyncConnection, driver: Any) -> None:
        """Ends what was begun, and the connection too if it is in no state to be used again."""
        try:
            if not driver.is_closed():
                await driver.execute("ROLLBACK")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            driver.terminate()  # the server rolls back what it loses
        if driver.is_closed() or connection.invalidated:
            try:
                await _discard(connection)
            finally:
                self._release()
        else:
            self._put_back(connection)

    def watch(self) -> None:
        """Has the metrics of this process tell of its connections."""
        own = process.own()
        CONNECTIONS_MOST.labels(own.service, own.process).set(self.most)
        CONNECTIONS_IN_USE.labels(own.service, own.process).set_function(lambda: self.in_use)

    async def answers(self) -> bool:
        """Whether it does its work. While all connections are in use nobody waits for one: then anybody's work counts."""
        before = self._ended
        try:
            async with self.at_once() as tx:
                await driver_of(tx).execute("SELECT 1")
        except Exception as error:
            if not is_transient(error):
                raise
            return self._ended != before
        return True

    async def close(self) -> None:
        """Closes all connections."""
        await asyncio.gather(*self._closing)
        while self._free:
            connection, _ = self._free.pop()
            await connection.close()
        await self.engine.dispose()


async def _discard(connection: AsyncConnection) -> None:
    await connection.invalidate()
    await connection.close()


def is_transient(error: BaseException) -> bool:
    """Whether a database error may vanish by itself: lost connection, shutdown, deadlock, serialisation, no space, lock wait."""
    if isinstance(error, (ConnectionError, TimeoutError, OSError)):
        return True
    # The driver's own, from what is not sent through SQLAlchemy. A value that it cannot send is a ValueError besides.
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)
    # The server's farewell came between a statement's messages: the driver no longer knows where it is.
    if isinstance(error, asyncpg.InternalClientError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return _passes(error)
    if not isinstance(error, DBAPIError):
        return type(error).__module__ == "sqlalchemy.exc" and type(error).__name__ == "TimeoutError"
    if error.connection_invalidated or isinstance(error, (InterfaceError, OperationalError)):
        return True
    return _passes(error.orig)


def _passes(error: object) -> bool:
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    return state[:2] in {"08", "40", "53", "55", "57"}
