"""What membership last said of members' identifiers, where it said more than that they enrolled."""

from alembic import op

from services.common.migrate import protect

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE login_owners (
  store_id UUID NOT NULL,
  customer_id UUID NOT NULL,
  version BIGINT NOT NULL,
  gone BOOLEAN DEFAULT false NOT NULL,
  PRIMARY KEY (store_id, customer_id)
)"""
    )
    protect(["login_owners"])
