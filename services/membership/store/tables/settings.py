"""Each store's settings."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.membership.store.tables.base import metadata

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
