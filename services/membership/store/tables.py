"""Tables of the membership service."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ, Plumbing

metadata = MetaData()
plumbing = Plumbing(metadata)

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
    # Where a merged account leads, one hop deep (F10).
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
# What membership knows of each order: the base of net spend (N), and the proof that a buyer was enrolled once.
order_facts = Table(
    "order_facts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    # The owner; moves with a merge.
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
    PrimaryKeyConstraint("store_id", "order_id"),
    Index("order_facts_by_customer", "store_id", "customer_id"),
    postgresql_with={"fillfactor": "80"},
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
    PrimaryKeyConstraint("store_id", "merge_run_id"),
)
store_settings = Table(
    "store_settings",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("region", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("points_per_unit", Integer, nullable=False, server_default="1"),
    Column("validity_months", Integer, nullable=False, server_default="12"),
    Column("redeem_per_unit", Integer, nullable=False, server_default="100"),
    Column("rounding", SmallInteger, nullable=False, server_default="1"),
    Column("points_version", BigInteger, nullable=False, server_default="0"),
    # Level id → the rest of the level. All in one row: rules are read, held and changed as a whole.
    Column("level_basis", SmallInteger, nullable=False, server_default="1"),
    Column("levels", JSONB, nullable=False, server_default="{}"),
    Column("levels_version", BigInteger, nullable=False, server_default="0"),
    # The last day whose birthdays have been celebrated; NULL: no level has a birthday gift.
    Column("birthdays_on", Date),
    # The event's that brought the row; older ones are dropped.
    Column("version", BigInteger, nullable=False),
    # Whom staff may delete: unless_online or never (C10).
    Column("deletion", Text, nullable=False, server_default="unless_online"),
    PrimaryKeyConstraint("store_id"),
    CheckConstraint("deletion IN ('unless_online', 'never')", name="store_settings_deletion"),
)
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
# Append-only, like the points ledger. Names are those of then: a level may be renamed or be gone.
level_changes = Table(
    "level_changes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("from_level_id", Uuid),
    Column("from_level_name", Text, nullable=False),
    Column("to_level_id", Uuid),
    Column("to_level_name", Text, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("pinned_until", TIMESTAMPTZ),
    Column("at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id", "seq"),
    Index("level_changes_by_rules", "store_id", "seq", postgresql_where=text("cause = 3")),
)
# Stores whose rules have moved members of whom no event tells yet: the worker writes those in batches.
level_announcements = Table(
    "level_announcements",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
# A change of level rules as it was asked for, and how far the worker has come with it (B6). One at a time in a store.
level_runs = Table(
    "level_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("rules", JSONB, nullable=False),
    # The hash of the simulation that a person has seen.
    Column("seen", LargeBinary, nullable=False),
    # Members judged, of how many.
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("refusal", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("started_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "run_id"),
    Index("level_runs_under_way", "store_id", unique=True, postgresql_where=text("state < 3")),
    # The worker's queue looks across stores.
    Index("level_runs_queued", "requested_at", postgresql_where=text("state < 3")),
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
