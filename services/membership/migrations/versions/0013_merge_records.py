"""A merge's record is kept with it: what came from whom, and which accounts had been merged into the merged ones before (F10, F13).

What is personal has a column of its own, which an erasure empties (C12). Merges of before have no record.
"""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE absorptions ADD COLUMN actor TEXT DEFAULT '' NOT NULL,"
        " ADD COLUMN earlier_ids UUID[] DEFAULT '{}' NOT NULL,"
        " ADD COLUMN figures JSONB DEFAULT '{}' NOT NULL,"
        " ADD COLUMN personal JSONB"
    )
    op.execute("CREATE INDEX absorptions_by_primary ON absorptions (store_id, primary_id)")
