"""Tables of what may be one person's accounts, and of the scans that find them (F12)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

# Pairs of accounts that may be one person's (F12), and those of which somebody has said that they are not. Nothing personal stands here:
# ids, why (words of a list), and keyed digests of what the two were known by.
duplicate_pairs = Table(
    "duplicate_pairs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("first_id", Uuid, nullable=False),
    Column("second_id", Uuid, nullable=False),
    # Probability in millionths.
    Column("score", Integer, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("first_digest", LargeBinary, nullable=False),
    Column("second_digest", LargeBinary, nullable=False),
    # The last scan that found it.
    Column("scan_id", Uuid, nullable=False),
    Column("found_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("dismissed_at", TIMESTAMPTZ),
    Column("dismissed_by", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("store_id", "first_id", "second_id"),
    CheckConstraint("first_id < second_id", name="duplicate_pairs_order"),
    Index("duplicate_pairs_by_second", "store_id", "second_id"),
    Index(
        "duplicate_pairs_likeliest",
        *("store_id", text("score DESC"), text("first_id DESC"), text("second_id DESC")),
        postgresql_where=text("dismissed_at IS NULL"),
    ),
    Index(
        "duplicate_pairs_dismissed",
        *("store_id", text("dismissed_at DESC"), text("first_id DESC"), text("second_id DESC")),
        postgresql_where=text("dismissed_at IS NOT NULL"),
    ),
)
# One row for each store.
duplicate_scans = Table(
    "duplicate_scans",
    metadata,
    Column("store_id", Uuid, nullable=False),
    # Since when something has changed that no scan has looked at, and since when somebody waits for one.
    Column("changed_at", TIMESTAMPTZ),
    Column("wanted_at", TIMESTAMPTZ),
    # The scan under way; whoever writes shows it.
    Column("scan_id", Uuid),
    Column("started_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    Column("members", BigInteger, nullable=False, server_default="0"),
    Column("members_read", BigInteger, nullable=False, server_default="0"),
    # Tries that have not ended since the last one that did.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_until", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id"),
    Index(
        "duplicate_scans_due",
        "claimed_until",
        postgresql_where=text("scan_id IS NOT NULL OR wanted_at IS NOT NULL OR changed_at IS NOT NULL"),
    ),
)
