"""From which account a merge has moved an order."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN moved_from UUID")
