"""Stores, staff, credentials, login methods, merges and plumbing."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_from(
        Path(__file__).with_suffix(".sql"),
        queues=["merge_runs", "merge_plans", "staff_sessions", "confirmations", "login_attempts"],
    )
    # The directory: a slug leads to its store before any store is set.
    op.execute("CREATE POLICY directory ON stores FOR SELECT TO onefold_app, onefold_worker USING (true)")
