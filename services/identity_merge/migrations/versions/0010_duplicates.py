"""Accounts that may be one person's, and scans for them; each store is looked through once."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["duplicate_scans"])
    op.execute("INSERT INTO duplicate_scans (store_id, changed_at) SELECT store_id, now() FROM stores")
