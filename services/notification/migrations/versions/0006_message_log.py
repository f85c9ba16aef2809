"""The log of messages can be searched, says why in a word, and keeps what became of each."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

# Row-level security keeps indexes from being asked for a part of a text (ILIKE might tell of rows that it hides). So the owner asks, by
# whom the store is bound all the same. Never with a generic plan: how many fit hangs on the pattern.
_SEARCH = """
CREATE FUNCTION find_messages(pattern text, after_id uuid, most int) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
 SELECT message_id FROM messages
 WHERE store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND recipient ILIKE pattern
   AND (after_id IS NULL OR message_id < after_id)
 ORDER BY message_id DESC LIMIT most
$$
"""
revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("ALTER TABLE messages ADD COLUMN cause TEXT NOT NULL DEFAULT ''")
    # What is there already, by its owner, whom row-level security holds off otherwise.
    op.execute("ALTER TABLE messages NO FORCE ROW LEVEL SECURITY")
    op.execute(
        """UPDATE messages SET cause = CASE state WHEN 'failed' THEN 'refused' WHEN 'unknown' THEN 'no_answer' ELSE 'not_needed' END
 WHERE state IN ('failed', 'unknown', 'cancelled')"""
    )
    op.execute("ALTER TABLE messages FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX messages_recipient ON messages USING gin (recipient gin_trgm_ops)")
    op.execute("CREATE INDEX messages_unsent ON messages (store_id, state, message_id DESC) WHERE state <> 'sent'")
    op.execute("CREATE INDEX messages_by_kind ON messages (store_id, kind, message_id DESC)")
    op.execute("CREATE INDEX messages_sms ON messages (store_id, message_id DESC) WHERE channel = 'sms'")
    op.execute("CREATE POLICY owner_searches ON messages FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(_SEARCH)
    op.execute("REVOKE ALL ON FUNCTION find_messages FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_messages TO onefold_app, onefold_worker")
    create_from(Path(__file__).with_suffix(".sql"), queues=["message_changes"])
