"""Tables of payments by a provider."""

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
    text,
)

from services.common.database import TIMESTAMPTZ
from services.orders.store.tables import metadata

# Secrets are sealed (services/common/sealing.py).
payment_providers = Table(
    "payment_providers",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("api_key", LargeBinary, nullable=False),
    Column("webhook_secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary, nullable=False),
    Column("old_secret_until", TIMESTAMPTZ),
    Column("changed_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "provider_id"),
    Index("payment_providers_kind", "store_id", "kind", unique=True),
    Index("payment_providers_active", "store_id", unique=True, postgresql_where=text("active")),
    Index("payment_providers_by_id", "provider_id"),
)
payment_checkouts = Table(
    "payment_checkouts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("checkout_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    # Opens the order to whoever has it, so it is kept only until the provider has answered.
    Column("return_address", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("session", Text, nullable=False),
    Column("address", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "checkout_id"),
    ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.order_id"]),
    Index("payment_checkouts_by_order", "store_id", "order_id", text("created_at DESC")),
    Index("payment_checkouts_by_session", "store_id", "provider_id", "session"),
)
payment_notices = Table(
    "payment_notices",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("notice_id", Uuid, nullable=False),
    Column("provider_id", Uuid, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("order_id", Uuid),
    Column("session", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("refund_id", Uuid),
    Column("refund_reference", Text, nullable=False),
    Column("failure", Text, nullable=False),
    # As it came; emptied when the order's buyer is erased (C12).
    Column("body", LargeBinary, nullable=False),
    Column("received_at", TIMESTAMPTZ, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("settled_at", TIMESTAMPTZ),
    Column("settled_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "notice_id"),
    Index("payment_notices_event", "store_id", "provider_id", "event_id", unique=True),
    Index("payment_notices_by_order", "store_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    Index("payment_notices_by_payment", "store_id", "provider_id", "reference"),
    Index("payment_notices_newest", "store_id", "provider_id", text("received_at DESC")),
    Index(
        "payment_notices_to_look_at",
        "store_id",
        text("received_at DESC"),
        text("notice_id DESC"),
        postgresql_where=text("state = 3"),
    ),
    Index("payment_notices_kept", "received_at", postgresql_where=text("state = 1")),
)
# What a provider is to give back: a refund of an order, or a payment that belongs to none.
provider_refunds = Table(
    "provider_refunds",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    Column("provider_id", Uuid, nullable=False),
    Column("payment", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("reference", Text, nullable=False),
    # What the provider called the one that failed before this was begun anew.
    Column("old_reference", Text, nullable=False),
    Column("failure", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("asked_at", TIMESTAMPTZ, nullable=False),
    # Empty once the provider has it and will tell how it ends.
    Column("next_try_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "refund_id"),
    Index("provider_refunds_due", "next_try_at", postgresql_where=text("state = 1")),
)
