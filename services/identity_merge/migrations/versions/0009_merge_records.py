"""A run keeps which logins it ended, masked, and which accounts had been merged into its merged ones before (F10, F13); a plan keeps by
salted digests what was seen, so that a stale one tells what changed (F8).
"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE merge_plans ADD COLUMN marks JSONB DEFAULT '{}' NOT NULL")
    op.execute(
        "ALTER TABLE merge_runs ADD COLUMN earlier_ids UUID[] DEFAULT '{}' NOT NULL,"
        " ADD COLUMN ended_logins JSONB DEFAULT '[]' NOT NULL"
    )
