"""Joins between databases: both sides are streamed in key order, so memory stays small however large the store is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.common.database.driver import Connection

Row = tuple[Any, ...]


class Databases:
    """One connection for each context, with eyes for every store (a superuser, or a role with BYPASSRLS)."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._connections: dict[str, asyncpg.Connection] = {}
        # Those that have streamed what they were opened for, for the next ones.
        self._idle: defaultdict[str, list[asyncpg.Connection]] = defaultdict(list)
        self._opened: list[asyncpg.Connection] = []

    @classmethod
    @asynccontextmanager
    async def open(cls, urls: dict[str, str]) -> AsyncIterator[Databases]:
        """Connects on first use, closes at the end."""
        databases = cls(urls)
        try:
            yield databases
        finally:
            for connection in databases._opened:
                await connection.close()

    async def connection(self, context: str) -> asyncpg.Connection:
        """The connection for small queries."""
        if context not in self._connections:
            self._connections[context] = await self._connect(context)
        return self._connections[context]

    async def _connect(self, context: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._urls[context], timeout=10, connection_class=Connection)
        self._opened.append(connection)
        return connection

    async def rows(self, context: str, query: str, *args: object) -> list[Row]:
        """All rows of a small result."""
        return [tuple(row) for row in await (await self.connection(context)).fetch(query, *args)]

    async def value(self, context: str, query: str, *args: object) -> int:
        """A single number."""
        return int(await (await self.connection(context)).fetchval(query, *args) or 0)

    async def stream(self, context: str, query: str, *args: object) -> AsyncIterator[Row]:
        """Rows of a large result by a cursor on a connection that nobody else uses meanwhile."""
        idle = self._idle[context]
        connection = idle.pop() if idle else await self._connect(context)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                async for row in connection.cursor(query, *args, prefetch=5_000):
                    yield tuple(row)
        finally:
            idle.append(connection)


async def full_join(
    left: AsyncIterator[Row], right: AsyncIterator[Row], keys: int
) -> AsyncIterator[tuple[Row | None, Row | None]]:
    """Pairs rows whose first `keys` columns agree; the other side is None where it has none. Both must be in key order, unique."""
    a, b = await anext(left, None), await anext(right, None)
    while a is not None or b is not None:
        if b is None or (a is not None and a[:keys] < b[:keys]):
            yield a, None
            a = await anext(left, None)
        elif a is None or b[:keys] < a[:keys]:
            yield None, b
            b = await anext(right, None)
        else:
            yield a, b
            a, b = await anext(left, None), await anext(right, None)
