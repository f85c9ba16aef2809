"""What membership knows of orders and merges."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# What membership knows of each order: the base of net spend (N), and the proof that a buyer was enrolled once.
order_facts = Table(
    "order_facts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    # The owner, or an account that has been merged into the owner since: a merge leaves these rows, which may be tens of thousands, where
    # they are, and whoever asks for the owner follows the account's pointer (one hop, F10).
    Column("customer_id", Uuid, nullable=False),
    # The customer that the order named when its buyer was enrolled.
    Column("declared_customer_id", Uuid, nullable=False),
    Column("created_member", Boolean, nullable=False),
    Column("placed_at", TIMESTAMPTZ, nullable=False),
    Column("settled", Boolean, nullable=False, server_default="false"),
    Column("paid", BigInteger, nullable=False, server_default="0"),
    Column("refunded", BigInteger, nullable=False, server_default="0"),
    # The order's; 0 until its first event has come.
    Column("version", BigInteger, nullable=False, server_default="0"),
    # False for what a guest had paid before a member proved to be that guest (A7).
    Column("earns", Boolean, nullable=False, server_default="true"),
    PrimaryKeyConstraint("store_id", "order_id"),
    Index("order_facts_by_customer", "store_id", "customer_id"),
    postgresql_with={"fillfactor": "80"},
)
# What membership knows of each member's cart: when it was left unchecked, if anything is in it (C3).
cart_facts = Table(
    "cart_facts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("cart_id", Uuid, nullable=False),
    # The owner; moves with a merge.
    Column("customer_id", Uuid, nullable=False),
    # The cart's.
    Column("version", BigInteger, nullable=False),
    Column("left_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "cart_id"),
    Index("cart_facts_by_customer", "store_id", "customer_id"),
)
# One row per merge that passed its pivot: what was asked, and the answer, for whoever asks again.
absorptions = Table(
    "absorptions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merge_run_id", Uuid, nullable=False),
    Column("primary_id", Uuid, nullable=False),
    Column("merged_ids", ARRAY(Uuid), nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("points_balance", BigInteger, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False, server_default=""),
    # Accounts that had been merged into the merged ones before (F10).
    Column("earlier_ids", ARRAY(Uuid), nullable=False, server_default="{}"),
    # The record (F13): figures stay for good, what is personal until the person is to be forgotten (C12).
    Column("figures", JSONB, nullable=False, server_default="{}"),
    Column("personal", JSONB),
    PrimaryKeyConstraint("store_id", "merge_run_id"),
    Index("absorptions_by_primary", "store_id", "primary_id"),
)
