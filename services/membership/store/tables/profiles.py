"""What staff write, take and change about one customer, and removals."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# What staff have written about a customer; striking is all that happens to a note later.
customer_notes = Table(
    "customer_notes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("note_id", Uuid, nullable=False),
    Column("content", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("struck_by", Text),
    Column("struck_at", TIMESTAMPTZ),
    # Whom it was about before a merge; so in the two tables below.
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "note_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("(struck_by IS NULL) = (struck_at IS NULL)", name="customer_notes_struck"),
)
# A member's consent to another phone: append-only (C5).
consents = Table(
    "consents",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("consent_id", Uuid, nullable=False),
    Column("given", Text, nullable=False),
    Column("taken_by", Text, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("old_phone", Text, nullable=False),
    Column("new_phone", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "consent_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("given IN ('in_person', 'by_phone', 'in_writing')", name="consents_given"),
)
# Who changed which fields of a profile, without their values: append-only.
profile_changes = Table(
    "profile_changes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("change_id", Uuid, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "change_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
)
# What a person's data may be used for; nothing stands here for who was never asked.
uses = Table(
    "uses",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    # registration, account, staff, api.
    Column("via", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id", "kind"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("kind IN ('email_marketing', 'sms_marketing')", name="uses_kind"),
)
# Each giving and withdrawal: append-only.
use_changes = Table(
    "use_changes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("change_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    # Whose it was before a merge.
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "change_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
)
# Guests whom a proved phone or e-mail has brought to a member (A7): append-only.
guest_joinings = Table(
    "guest_joinings",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("joining_id", Uuid, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    # What was proved: phone, email.
    Column("kind", Text, nullable=False),
    Column("guests", BigInteger, nullable=False),
    Column("orders", BigInteger, nullable=False),
    # Whose it was before a merge.
    Column("origin_customer_id", Uuid),
    PrimaryKeyConstraint("store_id", "customer_id", "joining_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
)
# Deletions and erasures, tried and done, without personal data. A claimed one holds the account (fault 18).
removals = Table(
    "removals",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("removal_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("refusal", Text, nullable=False, server_default=""),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("finished_at", TIMESTAMPTZ),
    # The request's idempotency key and fingerprint: its repeat is known though somebody else has finished it (E7).
    Column("key", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # Until when its process may be alive; then the worker goes on.
    Column("claimed_until", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "removal_id"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("kind IN ('delete', 'erase')", name="removals_kind"),
    CheckConstraint("state IN ('claimed', 'done', 'refused')", name="removals_state"),
    CheckConstraint("(state = 'claimed') = (finished_at IS NULL)", name="removals_finished"),
    Index("removals_under_way", "store_id", "customer_id", unique=True, postgresql_where=text("state = 'claimed'")),
    Index("removals_by_customer", "store_id", "customer_id", text("removal_id DESC")),
    Index("removals_claimed", "claimed_until", postgresql_where=text("state = 'claimed'")),
)
