"""Messages know the trace that they belong to, and those of which nobody knows whether they were sent are found at once."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN traceparent TEXT NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX messages_unknown ON messages (created_at) WHERE state = 'unknown'")
