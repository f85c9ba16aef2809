"""API keys."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
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

api_keys = Table(
    "api_keys",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("key_digest", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ),
    Column("revoked_at", TIMESTAMPTZ),
    # Noted at most every 5 minutes.
    Column("last_used", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "api_key_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    Index("api_keys_digest", "store_id", "key_digest", unique=True),
    Index("api_keys_by_age", "store_id", "created_at", "api_key_id", postgresql_where=text("revoked_at IS NULL")),
)

# Secrets before the newest, which go on for a day.
api_key_old_secrets = Table(
    "api_key_old_secrets",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("key_digest", LargeBinary, nullable=False),
    Column("api_key_id", Uuid, nullable=False),
    Column("good_until", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "key_digest"),
    ForeignKeyConstraint(["store_id", "api_key_id"], ["api_keys.store_id", "api_keys.api_key_id"]),
    Index("api_key_old_secrets_by_key", "store_id", "api_key_id"),
    Index("api_key_old_secrets_expired", "good_until"),
)
