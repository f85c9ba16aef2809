"""What customers are found, filtered and sorted by, filters with a name, and the figures of a store."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# What customers are found by, apart from `customers` so that the sums of every order leave these indexes alone.
# Only live ones (guests and members) are here. The indexes on text are made by the migration.
customer_search = Table(
    "customer_search",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("member", Boolean, nullable=False),
    # When the customer became what it is: joined_at of members, created_at of guests.
    Column("since", TIMESTAMPTZ, nullable=False),
    Column("haystack", Text, nullable=False),
    Column("grams", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id"),
    Index("customer_search_newest", "store_id", "member", text("since DESC"), text("customer_id DESC")),
)
# What orders, points and carts change about a live customer, apart from `customers` for the same reason: here are the indexes
# by which lists are sorted and narrowed by them. A trigger of `customers` keeps it (0005).
standings = Table(
    "standings",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("member", Boolean, nullable=False),
    # As in customer_search.
    Column("since", TIMESTAMPTZ, nullable=False),
    Column("net_spend", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("cart_since", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "customer_id"),
    Index("standings_by_spend", "store_id", "member", "net_spend", "customer_id", postgresql_include=["since"]),
    Index("standings_by_points", "store_id", "member", "points", "customer_id"),
    Index(
        "standings_by_cart",
        "store_id",
        "member",
        "cart_since",
        postgresql_include=["since", "customer_id"],
        postgresql_where=text("cart_since IS NOT NULL"),
    ),
)
saved_filters = Table(
    "saved_filters",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("filter_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    # Filter and sort (domain/directory.py).
    Column("wish", JSONB, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", "filter_id"),
    Index("saved_filters_name", "store_id", "folded_name", unique=True),
)
# The figures of a store as they were reckoned last.
overviews = Table(
    "overviews",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("reckoned_at", TIMESTAMPTZ, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("figures", JSONB, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
