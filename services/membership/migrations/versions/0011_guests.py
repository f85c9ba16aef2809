"""Phones and e-mails that were proved, and the guests whom that has brought to a member."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["proofs"])
    op.execute("REVOKE UPDATE, DELETE ON guest_joinings FROM onefold_app, onefold_worker")
    op.execute("GRANT UPDATE (customer_id, origin_customer_id) ON guest_joinings TO onefold_app, onefold_worker")
    op.execute("ALTER TABLE order_facts ADD COLUMN earns boolean NOT NULL DEFAULT true")
