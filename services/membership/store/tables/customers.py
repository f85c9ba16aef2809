"""Customers and what belongs to them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# Each order updates its buyer's sums; room on the page lets that happen without touching an index.
customers = Table(
    "customers",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    # A member's are those of its live identifiers; a guest's are how to reach it, and nothing more.
    Column("phone", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("birthday", Date),
    Column("language", Text, nullable=False),
    # What made the customer known: "order".
    Column("source", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    Column("joined_at", TIMESTAMPTZ),
    # Where a merged account leads, one hop deep (F10); also a guest who turned out to be a member (A7), without a merge run.
    Column("survivor_id", Uuid),
    Column("merge_run_id", Uuid),
    Column("merged_at", TIMESTAMPTZ),
    Column("net_spend", BigInteger, nullable=False, server_default="0"),
    # Orders that are not unpaid.
    Column("orders_count", BigInteger, nullable=False, server_default="0"),
    # What the lots hold, those past their time included until the expiry loop has emptied them.
    Column("points_balance", BigInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False),
    # The membership level, if any; how long it is good, and until when staff have pinned it (B1, B3).
    Column("level_id", Uuid),
    Column("level_since", TIMESTAMPTZ),
    Column("level_until", TIMESTAMPTZ),
    Column("level_pinned_until", TIMESTAMPTZ),
    # When time alone may next change the level; NULL: never.
    Column("level_due_at", TIMESTAMPTZ),
    # Words of the store's own, sorted, each once.
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    # When the person proved a login of the online store; such a member is never deleted (C10).
    Column("online_since", TIMESTAMPTZ),
    # When the cart that was left unchecked last changed (C3); NULL: there is none.
    Column("cart_since", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "customer_id"),
    CheckConstraint("points_balance >= 0", name="customers_points_balance"),
    CheckConstraint("(status = 3) = (survivor_id IS NOT NULL)", name="customers_survivor"),
    CheckConstraint("survivor_id <> customer_id", name="customers_own_survivor"),
    Index("customers_level_due", "level_due_at", postgresql_where=text("status = 2 AND level_due_at IS NOT NULL")),
    Index(
        "customers_by_survivor",
        "store_id",
        "survivor_id",
        postgresql_where=text("survivor_id IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "80"},
)
# One row per identifier for ever: retiring is an update, so that "at most one owner" (U) and "never again" (T) are one
# primary key, and an enrolment that meets a retirement under way waits for it (fault 4).
identifiers = Table(
    "identifiers",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # NULL once retired: then only the keyed digest is kept.
    Column("value", Text),
    # Stays when retired: the pointer to follow.
    Column("customer_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("retired_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "kind", "digest"),
    CheckConstraint("kind IN ('phone', 'email')", name="identifiers_kind"),
    CheckConstraint("state = CASE WHEN value IS NULL THEN 'retired' ELSE 'live' END", name="identifiers_state"),
    Index("identifiers_by_customer", "store_id", "customer_id"),
)
# The newest proof of each phone and e-mail, whoever owns it by now (A7).
proofs = Table(
    "proofs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # Who proved it; may have been merged since.
    Column("customer_id", Uuid, nullable=False),
    Column("proved_at", TIMESTAMPTZ, nullable=False),
    # There while guests who gave it are to be looked for.
    Column("value", Text),
    # Rises with every reason to look for them anew.
    Column("revision", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", "kind", "digest"),
    Index("proofs_pending", "proved_at", postgresql_where=text("value IS NOT NULL")),
    Index("proofs_by_customer", "store_id", "customer_id"),
)
addresses = Table(
    "addresses",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    # SHA-256 of the content: the same address twice is one.
    Column("digest", LargeBinary, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    # The one that stands first; without one it is the oldest.
    Column("preferred", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("store_id", "customer_id", "digest"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
)
