"""Who types the whole of a phone or e-mail finds its owner, also where it is not the main one."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX customer_search_further ON customer_search USING gin (haystack gin_trgm_ops)"
        r" WHERE split_part(haystack, E'\n', 4) <> ''"
    )
    op.execute(Path(__file__).with_name("0012_find_customers.sql").read_text())
