"""What becomes of an order: refunds, what level and points took off, tracking, resends."""

from alembic import op

from services.common.migrate import protect

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(
        """ALTER TABLE orders ADD COLUMN level_discount BIGINT NOT NULL DEFAULT 0, ADD COLUMN level_name TEXT NOT NULL DEFAULT '',
  ADD COLUMN points_redeemed BIGINT NOT NULL DEFAULT 0, ADD COLUMN points_discount BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN tracking TEXT NOT NULL DEFAULT '', ADD COLUMN resends SMALLINT NOT NULL DEFAULT 0,
  ADD CONSTRAINT orders_total CHECK (total = subtotal - discount - level_discount - points_discount + shipping),
  ADD CONSTRAINT orders_refunded CHECK (0 <= refunded AND refunded <= paid)"""
    )
    op.execute(
        """CREATE TABLE refunds (
  store_id UUID NOT NULL,
  order_id UUID NOT NULL,
  refund_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  method SMALLINT NOT NULL,
  reference TEXT NOT NULL,
  reason TEXT NOT NULL,
  refunded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (store_id, order_id, refund_id),
  FOREIGN KEY(store_id, order_id) REFERENCES orders (store_id, order_id)
)"""
    )
    protect(["refunds"])
