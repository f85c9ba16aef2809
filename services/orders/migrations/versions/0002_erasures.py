"""Erasures under way: whose orders are still to forget their contact (C12)."""

from alembic import op

from services.common.migrate import protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE erasures (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  erased_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, customer_id)
)"""
    )
    protect(["erasures"], queues=["erasures"])
