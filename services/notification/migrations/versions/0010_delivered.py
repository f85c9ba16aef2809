"""When an SMS reached its phone."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN delivered_at TIMESTAMPTZ")
