"""The audit log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

# What everybody did (H1). Rows are added by one writer at a time for each store, and never changed; words are looked for in `search`.
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("service", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("request_id", Text, nullable=False),
    # SHA-256 over the hash before it and the entry (domain/audit.py).
    Column("hash", LargeBinary, nullable=False),
    Column(
        "search",
        Text,
        Computed("audit_text(actor, action, subject_kind, subject_id, changes, request_id)", persisted=True),
    ),
    PrimaryKeyConstraint("store_id", "seq"),
    CheckConstraint("octet_length(hash) = 32", name="audit_entries_hash"),
    Index("audit_entries_event", "store_id", "event_id", unique=True),
    Index("audit_entries_newest", "store_id", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_actor", "store_id", "actor", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_action", "store_id", "action", text("at DESC"), text("seq DESC")),
    Index("audit_entries_by_subject", "store_id", "subject_id", text("at DESC"), text("seq DESC")),
    Index("audit_entries_words", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
)
