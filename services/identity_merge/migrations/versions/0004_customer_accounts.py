"""Customers register: proofs, passwords, what sessions are called by, and login methods that providers vouch for."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["proofs"])
    op.execute("ALTER TABLE login_methods ADD COLUMN label TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE codes ADD COLUMN value TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE codes ADD COLUMN adding_to UUID")
    op.execute("ALTER TABLE codes ADD COLUMN link_digest BYTEA")
    op.execute("ALTER TABLE codes ADD COLUMN link_browser BYTEA")
    op.execute("CREATE UNIQUE INDEX codes_link ON codes (store_id, link_digest) WHERE link_digest IS NOT NULL")
    op.execute("ALTER TABLE customer_sessions ADD COLUMN session_id UUID DEFAULT gen_random_uuid() NOT NULL")
    op.execute("ALTER TABLE customer_sessions ADD COLUMN begun_by TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE customer_sessions ADD COLUMN agent TEXT DEFAULT '' NOT NULL")
