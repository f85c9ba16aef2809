"""PostgreSQL: connections, transactions bound to one store, and the plumbing tables that each service has.

Row-level security is the second wall of tenancy (architecture, rule 6): a transaction names its store, and the role it runs
as owns nothing, so no statement can reach another store's rows even if a WHERE clause were forgotten.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

_SET_STORE = text("SELECT set_config('app.store_id', :store_id, true)")
TIMESTAMPTZ = TIMESTAMP(timezone=True)


def connect(url: str, *, connections: int, name: str) -> AsyncEngine:
    """An engine with at most `connections` connections; `name` is shown in pg_stat_activity."""
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=connections,
        max_overflow=0,
        # Waiting longer than this is answered as UNAVAILABLE: the caller's deadline is near anyway.
        pool_timeout=5,
        pool_use_lifo=True,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": name,
                "jit": "off",
                "timezone": "UTC",
                "statement_timeout": "10s",
                "lock_timeout": "5s",
                "idle_in_transaction_session_timeout": "30s",
            },
        },
    )


class Database:
    """One service's database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @asynccontextmanager
    async def transaction(self, store_id: UUID) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees and writes rows of one store only. Commits on a clean exit."""
        async with self.engine.begin() as tx:
            await tx.execute(_SET_STORE, {"store_id": str(store_id)})
            yield tx

    @asynccontextmanager
    async def across_stores(self) -> AsyncIterator[AsyncConnection]:
        """A transaction bound to no store: plumbing and work queues, which only the worker's role may read whole."""
        async with self.engine.begin() as tx:
            yield tx

    async def close(self) -> None:
        """Closes all connections."""
        await self.engine.dispose()


def is_transient(error: BaseException) -> bool:
    """Whether a database error may vanish by itself: lost connection, shutdown, deadlock, serialisation, no space, lock wait."""
    if isinstance(error, (ConnectionError, TimeoutError, OSError)):
        return True
    if not isinstance(error, DBAPIError):
        return type(error).__module__ == "sqlalchemy.exc" and type(error).__name__ == "TimeoutError"
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    state = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")
    return isinstance(error, OperationalError) or state[:2] in {"08", "40", "53", "55", "57"}


def plumbing(metadata: MetaData) -> Plumbing:
    """The tables that carry events and idempotency, in a service's own metadata."""
    return Plumbing(metadata)


class Plumbing:
    """outbox, inbox, dead_letters and idempotency_keys."""

    def __init__(self, metadata: MetaData) -> None:
        self.outbox = Table(
            "outbox",
            metadata,
            Column("store_id", Uuid, nullable=False),
            Column("event_id", Uuid, nullable=False),
            # Publishing order; a database-wide sequence, for one relay reads all stores.
            Column("seq", BigInteger, Identity(always=True), nullable=False),
            Column("type", Text, nullable=False),
            Column("aggregate_id", Uuid, nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("payload", LargeBinary, nullable=False),
            Column("traceparent", Text, nullable=False, server_default=""),
            Column("occurred_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
            Column("published_at", TIMESTAMPTZ),
            PrimaryKeyConstraint("store_id", "event_id"),
            Index("outbox_unpublished", "seq", postgresql_where=text("published_at IS NULL")),
            Index("outbox_published", "published_at", postgresql_where=text("published_at IS NOT NULL")),
        )
        self.inbox = Table(
            "inbox",
            metadata,
            Column("store_id", Uuid, nullable=False),
            Column("event_id", Uuid, nullable=False),
            Column("type", Text, nullable=False),
            Column("received_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
            PrimaryKeyConstraint("store_id", "event_id"),
            Index("inbox_received", "received_at"),
        )
        self.dead_letters = Table(
            "dead_letters",
            metadata,
            Column("store_id", Uuid, nullable=False),
            Column("event_id", Uuid, nullable=False),
            Column("subject", Text, nullable=False),
            Column("headers", LargeBinary, nullable=False),
            Column("payload", LargeBinary, nullable=False),
            Column("error", Text, nullable=False),
            Column("failed_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
            Column("replay_wanted_at", TIMESTAMPTZ),
            Column("replayed_at", TIMESTAMPTZ),
            PrimaryKeyConstraint("store_id", "event_id"),
            Index("dead_letters_wanted", "replay_wanted_at", postgresql_where=text("replayed_at IS NULL")),
        )
        self.idempotency_keys = Table(
            "idempotency_keys",
            metadata,
            Column("store_id", Uuid, nullable=False),
            Column("key", Text, nullable=False),
            Column("fingerprint", LargeBinary, nullable=False),
            Column("response", LargeBinary, nullable=False),
            Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
            PrimaryKeyConstraint("store_id", "key"),
            Index("idempotency_keys_created", "created_at"),
        )
