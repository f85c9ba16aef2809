"""Links of mails that invite guests to become members (A5)."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from services.common.database import TIMESTAMPTZ
from services.identity_merge.store.tables.base import metadata

# One row for each time that such a mail was written: a mail that is tried again has a new token, and earlier ones stay good.
guest_invitations = Table(
    "guest_invitations",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("token_digest", LargeBinary, nullable=False),
    Column("invitation_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    # Of the address, and the address itself: the page behind the link shows it, also when the link proves nothing any more.
    Column("digest", LargeBinary, nullable=False),
    Column("value", Text, nullable=False),
    # Of the browser that has followed it first: no other may.
    Column("browser_digest", LargeBinary),
    # When it stops proving the address; it is kept for a while longer.
    Column("expires_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "token_digest"),
    Index("guest_invitations_by_customer", "store_id", "customer_id"),
    Index("guest_invitations_by_address", "store_id", "digest"),
    Index("guest_invitations_expired", "expires_at"),
)
