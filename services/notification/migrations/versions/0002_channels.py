"""Messages go by e-mail or SMS, and what they say of strangers is forgotten in time."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """ALTER TABLE messages ADD COLUMN channel TEXT NOT NULL DEFAULT 'email', ADD COLUMN provider_id TEXT NOT NULL DEFAULT '',
  ADD COLUMN passing BOOLEAN NOT NULL DEFAULT false,
  ADD CONSTRAINT messages_channel CHECK (channel IN ('email', 'sms'))"""
    )
    # What is there already, by its owner, whom row-level security holds off otherwise.
    op.execute("ALTER TABLE messages NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE messages SET passing = true WHERE recipient <> '' AND (customer_id IS NULL OR kind IN ('confirm_login', 'login_code'))"
    )
    op.execute("ALTER TABLE messages FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX messages_passing ON messages (created_at) WHERE passing")
    op.execute("CREATE INDEX messages_due ON messages (channel, store_id, next_attempt_at) WHERE state = 'queued'")
    op.execute("DROP INDEX messages_queue")
