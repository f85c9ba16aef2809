"""Stores, staff, credentials, login methods, merges and plumbing."""

from alembic import op

from services.common.migrate import create_all
from services.identity_merge.store.tables import QUEUES, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_all(metadata, QUEUES)
    # The directory: a slug leads to its store before any store is set.
    op.execute("CREATE POLICY directory ON stores FOR SELECT TO onefold_app, onefold_worker USING (true)")
