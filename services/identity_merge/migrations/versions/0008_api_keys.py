"""API keys have secrets before the newest, which stay good for a day, and note when they were used."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE api_keys ADD COLUMN last_used TIMESTAMP WITH TIME ZONE")
    op.execute("CREATE INDEX api_keys_by_age ON api_keys (store_id, created_at, api_key_id) WHERE revoked_at IS NULL")
    create_from(Path(__file__).with_suffix(".sql"), queues=["api_key_old_secrets"])
