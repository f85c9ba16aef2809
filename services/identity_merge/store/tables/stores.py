"""Stores."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, Uuid, func

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

stores = Table(
    "stores",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id"),
    Index("stores_slug", "slug", unique=True),
)
