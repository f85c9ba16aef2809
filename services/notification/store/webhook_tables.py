"""Tables of webhooks."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.database import TIMESTAMPTZ
from services.notification.domain import DeliveryState, DisabledBecause
from services.notification.store.tables import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    # None: all types.
    Column("event_types", ARRAY(Text), nullable=False),
    Column("disabled_because", Text, nullable=False, server_default=""),
    Column("disabled_at", TIMESTAMPTZ),
    # Disabled by itself, and the owners do not know it yet.
    Column("tell_owners", Boolean, nullable=False, server_default=false()),
    # Since when every attempt has failed, how many have in a row, and until when it is left alone.
    Column("failing_since", TIMESTAMPTZ),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("rest_until", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    # Sealed (services/common/sealing).
    Column("secret", LargeBinary, nullable=False),
    # Former secrets, which sign too until these times.
    Column("old_secrets", ARRAY(LargeBinary), nullable=False, server_default="{}"),
    Column("old_secrets_until", ARRAY(TIMESTAMPTZ), nullable=False, server_default="{}"),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    # Its deliveries are kept for their 30 days, and it as long as them.
    Column("removed_at", TIMESTAMPTZ),
    Column("version", BigInteger, nullable=False, server_default="1"),
    PrimaryKeyConstraint("store_id", "webhook_id"),
    CheckConstraint(
        f"disabled_because IN ({', '.join(repr(b.value) for b in DisabledBecause)})", name="webhooks_disabled"
    ),
    CheckConstraint("(disabled_because = '') = (disabled_at IS NULL)", name="webhooks_disabled_at"),
    Index("webhooks_to_tell", "store_id", "webhook_id", postgresql_where=text("tell_owners")),
)
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("store_id", Uuid, nullable=False),
    # UUIDv7: newest first is "by delivery_id, falling".
    Column("delivery_id", Uuid, nullable=False),
    Column("webhook_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    # To the letter what is signed and sent.
    Column("payload", Text, nullable=False),
    # Whom and what it is about; on an erasure what the endpoint answered is blanked by them.
    Column("customer_id", Uuid),
    Column("order_id", Uuid),
    Column("state", Text, nullable=False),
    # All attempts, and those since it was queued or replayed.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("lease_until", TIMESTAMPTZ),
    # Of the last attempt.
    Column("status", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    # The last attempts, the newest first.
    Column("log", JSONB, nullable=False, server_default="[]"),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("delivered_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "delivery_id"),
    CheckConstraint(f"state IN ({', '.join(repr(s.value) for s in DeliveryState)})", name="webhook_deliveries_state"),
    CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="webhook_deliveries_lease"),
    ForeignKeyConstraint(["store_id", "webhook_id"], ["webhooks.store_id", "webhooks.webhook_id"]),
    Index("webhook_deliveries_event", "store_id", "webhook_id", "event_id", unique=True),
    Index(
        "webhook_deliveries_due", "store_id", "webhook_id", "next_attempt_at", postgresql_where=text("state = 'queued'")
    ),
    Index(
        "webhook_deliveries_leased", "store_id", "webhook_id", "lease_until", postgresql_where=text("state = 'claimed'")
    ),
    Index(
        "webhook_deliveries_failed", "store_id", "webhook_id", "delivery_id", postgresql_where=text("state = 'failed'")
    ),
    Index("webhook_deliveries_listed", "store_id", "webhook_id", text("delivery_id DESC")),
    Index("webhook_deliveries_typed", "store_id", "webhook_id", "type", text("delivery_id DESC")),
    Index("webhook_deliveries_customer", "store_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
    Index("webhook_deliveries_order", "store_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    Index("webhook_deliveries_created", "created_at"),
)
