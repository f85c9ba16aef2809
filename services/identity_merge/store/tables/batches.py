"""Tables of many merges at once."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

merge_batches = Table(
    "merge_batches",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("total", Integer, nullable=False),
    # Of the groups, as the worker last counted them; at the end exact.
    Column("ready", Integer, nullable=False, server_default="0"),
    Column("merged", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    # Whether it goes on by itself once all are checked.
    Column("start", Boolean, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("confirmed_by", Text, nullable=False, server_default=""),
    Column("confirmed_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "batch_id"),
    Index("merge_batches_newest", "store_id", text("requested_at DESC"), text("batch_id DESC")),
    # The worker's queue looks across stores: those that are checked or merged.
    Index("merge_batches_under_way", "requested_at", postgresql_where=text("state IN (1, 3)")),
)
merge_groups = Table(
    "merge_groups",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    # As it was written: asked_primary, asked_others …; what it means: primary_id, merged_ids.
    Column("asked_primary", Text, nullable=False),
    Column("asked_others", ARRAY(Text), nullable=False),
    Column("points", Text, nullable=False),
    Column("expires_on", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # A list of {field, reason, params}.
    Column("problems", JSONB, nullable=False, server_default="[]"),
    Column("warnings", ARRAY(Text), nullable=False, server_default="{}"),
    Column("primary_id", Uuid),
    Column("merged_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("plan_id", Uuid),
    Column("merge_run_id", Uuid),
    PrimaryKeyConstraint("store_id", "batch_id", "place"),
    ForeignKeyConstraint(["store_id", "batch_id"], ["merge_batches.store_id", "merge_batches.batch_id"]),
    # Waiting, ready and running ones: what there is to do.
    Index("merge_groups_left", "store_id", "batch_id", "state", "place", postgresql_where=text("state < 4")),
    Index("merge_groups_failed", "store_id", "batch_id", "place", postgresql_where=text("state = 5")),
    Index(
        "merge_groups_of_run",
        "store_id",
        "merge_run_id",
        unique=True,
        postgresql_where=text("merge_run_id IS NOT NULL"),
    ),
)
