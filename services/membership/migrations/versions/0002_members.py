"""What a member is beside name and points: level, tags, the online store, an unchecked cart."""

from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = """level_id uuid, level_since timestamptz, level_until timestamptz, level_pinned_until timestamptz,
 tags text[] NOT NULL DEFAULT '{}', online_since timestamptz, cart_since timestamptz"""


def upgrade() -> None:
    op.execute(f"ALTER TABLE customers {', '.join(f'ADD COLUMN {column.strip()}' for column in _COLUMNS.split(','))}")
