"""What people have agreed to, and each change of it."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
    # Kept for good, but for where a row belongs after a merge, and until the person is to be forgotten.
    op.execute("REVOKE UPDATE ON use_changes FROM onefold_app, onefold_worker")
    op.execute("GRANT UPDATE (customer_id, origin_customer_id) ON use_changes TO onefold_app, onefold_worker")
