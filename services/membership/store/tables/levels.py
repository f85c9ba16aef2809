"""Changes of levels, and of their rules."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# Append-only, like the points ledger. Names are those of then: a level may be renamed or be gone.
level_changes = Table(
    "level_changes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("from_level_id", Uuid),
    Column("from_level_name", Text, nullable=False),
    Column("to_level_id", Uuid),
    Column("to_level_name", Text, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("pinned_until", TIMESTAMPTZ),
    Column("at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id", "seq"),
    Index("level_changes_by_rules", "store_id", "seq", postgresql_where=text("cause = 3")),
)
# Stores whose rules have moved members of whom no event tells yet: the worker writes those in batches.
level_announcements = Table(
    "level_announcements",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
# A change of level rules as it was asked for, and how far the worker has come with it (B6). One at a time in a store.
level_runs = Table(
    "level_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("rules", JSONB, nullable=False),
    # The hash of the simulation that a person has seen.
    Column("seen", LargeBinary, nullable=False),
    # Members judged, of how many.
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("refusal", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("started_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "run_id"),
    Index("level_runs_under_way", "store_id", unique=True, postgresql_where=text("state < 3")),
    # The worker's queue looks across stores.
    Index("level_runs_queued", "requested_at", postgresql_where=text("state < 3")),
)
