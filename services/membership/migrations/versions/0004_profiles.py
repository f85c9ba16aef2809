"""Notes, consents, deletion and erasure; the default address; the store's policy of deletion."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0004"
down_revision = "0003"

# Append-only but for where the row belongs after a merge, and for what names a person who is deleted or erased.
_CHANGEABLE = {
    "consents": "customer_id, origin_customer_id, old_phone, new_phone, note",
    "profile_changes": "customer_id, origin_customer_id",
    "points_entries": "note",
    "level_changes": "reason",
}


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"), queues=["removals"])
    for table, columns in _CHANGEABLE.items():
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM onefold_app, onefold_worker")
        op.execute(f"GRANT UPDATE ({columns}) ON {table} TO onefold_app, onefold_worker")
    op.execute("ALTER TABLE addresses ADD COLUMN preferred boolean NOT NULL DEFAULT false")
    op.execute(
        "ALTER TABLE store_settings ADD COLUMN deletion text NOT NULL DEFAULT 'unless_online',"
        " ADD CONSTRAINT store_settings_deletion CHECK (deletion IN ('unless_online', 'never'))"
    )
