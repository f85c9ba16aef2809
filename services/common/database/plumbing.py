"""The plumbing tables that each service has, in its own metadata."""

from __future__ import annotations

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

TIMESTAMPTZ = TIMESTAMP(timezone=True)


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
