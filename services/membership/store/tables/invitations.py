"""Invitations of guests (A5)."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

# One row for each address that was ever invited; inviting again takes the former's place, so that "once a week" is one row's
# lock, whatever guests gave the address.
invitations = Table(
    "invitations",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # Also the id of the event that asked for the mail; rises with time.
    Column("invitation_id", Uuid, nullable=False),
    # The guest; its record may have become part of a member since.
    Column("customer_id", Uuid, nullable=False),
    # Empty once the person was deleted or erased.
    Column("email", Text, nullable=False),
    Column("invited_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    Column("invited_by", Text, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    # When a member proved the address, and who that is.
    Column("accepted_at", TIMESTAMPTZ),
    Column("accepted_by", Uuid),
    PrimaryKeyConstraint("store_id", "digest"),
    ForeignKeyConstraint(["store_id", "customer_id"], ["customers.store_id", "customers.customer_id"]),
    CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="invitations_accepted"),
    Index("invitations_newest", "store_id", "invitation_id", unique=True),
    Index("invitations_by_customer", "store_id", "customer_id"),
    Index("invitations_accepted_by", "store_id", "accepted_by", postgresql_where=text("accepted_by IS NOT NULL")),
)
# All guests of a list, invited in batches.
invitation_runs = Table(
    "invitation_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # What the list was searched for, and what the merchant says; both are emptied at the end.
    Column("query", Text, nullable=False),
    Column("greeting", Text, nullable=False),
    # One for each address, in the list's order; the first `done` have been tried.
    Column("guest_ids", ARRAY(Uuid), nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("invited", Integer, nullable=False, server_default="0"),
    # Reason → how many.
    Column("refused", JSONB, nullable=False, server_default="{}"),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("finished_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "run_id"),
    Index("invitation_runs_under_way", "store_id", unique=True, postgresql_where=text("state < 3")),
    Index("invitation_runs_queued", "requested_at", postgresql_where=text("state < 3")),
)
