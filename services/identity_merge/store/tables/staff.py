"""Who works for a store, and how they get in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

staff = Table(
    "staff",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    # The comparable form (rule 11).
    Column("email_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    # Who has left keeps the name, for what they did. Their address is free again: email_key is nobody's then.
    Column("removed_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "staff_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    Index("staff_email", "store_id", "email_key", unique=True),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    # What pages call the session, which must not show its token.
    Column("session_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("agent", Text, nullable=False, server_default=""),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("last_seen", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_sessions_by_staff", "store_id", "staff_id"),
    Index("staff_sessions_expired", "expires_at"),
)

# One for each address: of somebody who is to join, or of a member of staff (staff_id) who has forgotten the password.
staff_invitations = Table(
    "staff_invitations",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("invitation_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("staff_id", Uuid),
    Column("invited_by", Text, nullable=False),
    # Unset until the mail is sent.
    Column("token_digest", LargeBinary),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "invitation_id"),
    ForeignKeyConstraint(["store_id"], ["stores.store_id"]),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_invitations_email", "store_id", "email_key", unique=True),
    Index("staff_invitations_token", "store_id", "token_digest", unique=True),
    Index("staff_invitations_expired", "expires_at"),
)

# The second factor (RFC 6238): on once a code of it was seen, sealed, and with the newest step of time whose code was used.
staff_totp = Table(
    "staff_totp",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),
    Column("created_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("confirmed_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "staff_id"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
)

staff_recovery_codes = Table(
    "staff_recovery_codes",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    # Keyed.
    Column("code_digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("store_id", "staff_id", "code_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
)

# Log-ins whose password was right and whose second step is to come.
staff_challenges = Table(
    "staff_challenges",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("staff_id", Uuid, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    ForeignKeyConstraint(["store_id", "staff_id"], ["staff.store_id", "staff.staff_id"]),
    Index("staff_challenges_by_staff", "store_id", "staff_id"),
    Index("staff_challenges_expired", "expires_at"),
)
