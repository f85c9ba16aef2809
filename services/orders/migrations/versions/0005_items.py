"""The price list, and which of its items an order's line was."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
    op.execute("ALTER TABLE order_lines ADD COLUMN item_id UUID")
