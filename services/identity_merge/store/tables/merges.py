"""Merges."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

merge_plans = Table(
    "merge_plans",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("plan_hash", Text, nullable=False),
    Column("primary_id", Uuid, nullable=False),
    Column("merged_ids", ARRAY(Uuid), nullable=False),
    Column("adjustment_points", BigInteger, nullable=False),
    Column("adjustment_expires_on", Text, nullable=False),
    Column("adjustment_description", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    # By "account field" a salted digest of what was seen.
    Column("marks", JSONB, nullable=False, server_default="{}"),
    # The run that it became.
    Column("merge_run_id", Uuid),
    PrimaryKeyConstraint("store_id", "plan_id"),
    Index("merge_plans_expired", "expires_at"),
)

merge_runs = Table(
    "merge_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merge_run_id", Uuid, nullable=False),
    Column("plan_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("primary_id", Uuid, nullable=False),
    Column("merged_ids", ARRAY(Uuid), nullable=False),
    Column("adjustment_points", BigInteger, nullable=False),
    Column("adjustment_expires_on", Text, nullable=False),
    Column("adjustment_description", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", TIMESTAMPTZ, nullable=False),
    Column("orders_moved", BigInteger, nullable=False),
    Column("orders_expected", BigInteger),
    # Accounts that had been merged into the merged ones before (F10).
    Column("earlier_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    # [customer, kind, mask, proved at]: nothing in it has to be erased (C12).
    Column("ended_logins", JSONB, nullable=False, server_default="[]"),
    Column("refusal", Text, nullable=False),
    Column("finished_at", TIMESTAMPTZ),
    Column("version", BigInteger, nullable=False),
    Column("traceparent", Text, nullable=False),
    # Who works on it and until when; in the past: whoever wants to may. While a dependency is away: when to try again.
    Column("claimed_by", Uuid),
    Column("claimed_until", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("store_id", "merge_run_id"),
    Index("merge_runs_plan", "store_id", "plan_id", unique=True),
    Index("merge_runs_newest", "store_id", text("started_at DESC"), text("merge_run_id DESC")),
    Index("merge_runs_unfinished", "claimed_until", postgresql_where=text("finished_at IS NULL")),
)

merge_participants = Table(
    "merge_participants",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merge_run_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    # False for the primary.
    Column("merged", Boolean, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("logins_retired", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("store_id", "merge_run_id", "customer_id"),
    ForeignKeyConstraint(["store_id", "merge_run_id"], ["merge_runs.store_id", "merge_runs.merge_run_id"]),
    Index(
        "merge_participants_active",
        "store_id",
        "customer_id",
        unique=True,
        postgresql_where=text("active"),
    ),
    Index("merge_participants_by_customer", "store_id", "customer_id"),
)
