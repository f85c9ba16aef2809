"""Staff are invited, leave, and log in by a second factor; their sessions have names that pages may show."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("ALTER TABLE staff ADD COLUMN removed_at TIMESTAMP WITH TIME ZONE")
    # The default is for sessions that code before this revision begins.
    op.execute("ALTER TABLE staff_sessions ADD COLUMN session_id UUID DEFAULT gen_random_uuid() NOT NULL")
    op.execute("ALTER TABLE staff_sessions ADD COLUMN agent TEXT DEFAULT '' NOT NULL")
    op.execute("CREATE INDEX staff_sessions_by_staff ON staff_sessions (store_id, staff_id)")
    create_from(Path(__file__).with_suffix(".sql"), queues=["staff_invitations", "staff_challenges"])
