"""The points ledger."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

points_lots = Table(
    "points_lots",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("lot_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expires_at", TIMESTAMPTZ),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    Column("origin_lot_id", Uuid),
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "lot_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("remaining BETWEEN 0 AND points", name="points_lots_remaining"),
    # For the expiry loop, which looks across stores.
    Index("points_lots_expiring", "expires_at", postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL")),
    Index(
        "points_lots_soon",
        "store_id",
        "expires_at",
        "customer_id",
        postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
    ),
)
# Append-only: nothing deletes a row or updates more than the note, when the person is deleted or erased; the migrations leave
# the roles no right to more.
points_entries = Table(
    "points_entries",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    Column("lot_id", Uuid, nullable=False),
    Column("reason", SmallInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("order_id", Uuid),
    Column("actor", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("merge_run_id", Uuid),
    # What a refund should have taken back beyond `points`, and could not because it was spent.
    Column("shortfall", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("store_id", "customer_id", "entry_id"),
    # An order earns once (B2).
    Index("points_entries_earned", "store_id", "order_id", unique=True, postgresql_where=text("reason = 1")),
    # What a refund has to look at beside what the order earned.
    Index("points_entries_of_refunds", "store_id", "order_id", postgresql_where=text("reason IN (4, 5, 10)")),
)
# A birthday gift is given once a year; goes along with a merge.
birthday_gifts = Table(
    "birthday_gifts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("entry_id", Uuid, nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id", "year"),
)
# Points that were taken for an order, and how far it is (B2). `key` is that of the order's own call.
redemptions = Table(
    "redemptions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("reserved_at", TIMESTAMPTZ, nullable=False),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    # One hold for one order, unless it went back.
    Index("redemptions_key", "store_id", "key", unique=True, postgresql_where=text("state < 4")),
    Index("redemptions_of_customer", "store_id", "customer_id"),
    # The worker's queue looks across stores.
    Index("redemptions_held", "reserved_at", postgresql_where=text("state = 1")),
)
