"""Tables of the notification service."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.common.database import TIMESTAMPTZ, Plumbing
from services.notification.domain import Channel, State

metadata = MetaData()
plumbing = Plumbing(metadata)

messages = Table(
    "messages",
    metadata,
    Column("store_id", Uuid, nullable=False),
    # UUIDv7: newest first is "by message_id, falling".
    Column("message_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("lease_until", TIMESTAMPTZ),
    Column("failing_since", TIMESTAMPTZ),
    Column("error", Text, nullable=False, server_default=""),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("sent_at", TIMESTAMPTZ),
    Column("channel", Text, nullable=False, server_default="email"),
    # What the server that took it calls it; empty where it does not tell.
    Column("provider_id", Text, nullable=False, server_default=""),
    # Whether something of it is still to be forgotten in time: the recipient, if a stranger, or what it said.
    Column("passing", Boolean, nullable=False, server_default=false()),
    # When the provider said that the phone has it.
    Column("delivered_at", TIMESTAMPTZ),
    # Why it is as it is, in a word of domain/causes.py.
    Column("cause", Text, nullable=False, server_default=""),
    # Of the event that asked for it (W3C).
    Column("traceparent", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("store_id", "message_id"),
    CheckConstraint(f"state IN ({', '.join(repr(s.value) for s in State)})", name="messages_state"),
    CheckConstraint(f"channel IN ({', '.join(repr(c.value) for c in Channel)})", name="messages_channel"),
    CheckConstraint("(state IN ('claimed', 'sending')) = (lease_until IS NOT NULL)", name="messages_lease"),
    Index("messages_event", "store_id", "event_id", "kind", unique=True),
    Index("messages_due", "channel", "store_id", "next_attempt_at", postgresql_where=text("state = 'queued'")),
    Index("messages_passing", "created_at", postgresql_where=text("passing")),
    Index("messages_leased", "lease_until", postgresql_where=text("state IN ('claimed', 'sending')")),
    Index("messages_unknown", "created_at", postgresql_where=text("state = 'unknown'")),
    # Whom the log is searched for, whole or in part.
    Index(
        "messages_recipient",
        "recipient",
        postgresql_using="gin",
        postgresql_ops={"recipient": "gin_trgm_ops"},
    ),
    # What the log is narrowed down to; most messages are sent mails, which go by the primary key.
    Index("messages_unsent", "store_id", "state", text("message_id DESC"), postgresql_where=text("state <> 'sent'")),
    Index("messages_by_kind", "store_id", "kind", text("message_id DESC")),
    Index("messages_sms", "store_id", text("message_id DESC"), postgresql_where=text("channel = 'sms'")),
    Index("messages_by_order", "store_id", "order_id", text("message_id DESC")),
    Index("messages_by_customer", "store_id", "customer_id", text("message_id DESC")),
)
# What became of messages, as far as their rows do not say it: attempts that failed, decisions of people, what providers tell later.
message_changes = Table(
    "message_changes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("change_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id", "message_id", "change_id"),
)
# How a store's messages look, as far as it has chosen.
looks = Table(
    "looks",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("accent", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("postal_address", Text, nullable=False),
    Column("logo_name", Text, nullable=False),
    Column("logo_width", Integer, nullable=False),
    Column("logo_height", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
# Pictures by the name that their content gives them. They stay: mails that were sent show them.
logos = Table(
    "logos",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("logo_name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("store_id", "logo_name"),
)
# Who has unsubscribed from a store's advertising, by the digest of the address alone: an erasure leaves the wish, and nobody's name.
suppressions = Table(
    "suppressions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("address_digest", LargeBinary, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id", "address_digest"),
)
stores = Table(
    "stores",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
