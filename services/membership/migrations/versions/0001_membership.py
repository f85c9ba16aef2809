"""Customers, identifiers, points, what is known of orders, search, and plumbing."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0001"
down_revision = None

# Row-level security keeps operators that are not leakproof (LIKE, @>) from using an index. So these two functions look with
# their owner's eyes, at the caller's store alone; nobody logs in as the owner but migrations. Plans are made anew each time,
# for it depends on the fragment which index helps; and one search uses one of them (two combined cost far more).
_FIND = """
CREATE FUNCTION {name}({wanted}, members_only bool, after_since timestamptz, after_id uuid, most int)
RETURNS TABLE (customer_id uuid, since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
 SELECT s.customer_id, s.since FROM customer_search s
 WHERE s.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND (s.member OR NOT members_only)
   AND (after_since IS NULL OR (s.since, s.customer_id) < (after_since, after_id)) AND {condition}
 ORDER BY s.since DESC, s.customer_id DESC LIMIT most
$$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_from(Path(__file__).with_suffix(".sql"), queues=["points_lots"])
    op.execute("REVOKE UPDATE, DELETE ON points_entries FROM onefold_app, onefold_worker")
    op.execute("CREATE INDEX customer_search_text ON customer_search USING gin (haystack gin_trgm_ops)")
    # How common a fragment is decides between this index and reading newest first; a hundred samples do not tell.
    op.execute("ALTER TABLE customer_search ALTER COLUMN haystack SET STATISTICS 1000")
    op.execute("CREATE INDEX customer_search_grams ON customer_search USING gin (grams)")
    op.execute("CREATE POLICY owner_searches ON customer_search FOR SELECT TO CURRENT_USER USING (true)")
    _make_search("find_by_grams", "wanted text[], pattern text", "s.grams @> wanted AND s.haystack LIKE pattern")
    # An array of patterns would shut the index out.
    any_of = " OR ".join(f"s.haystack LIKE pattern{n}" for n in (1, 2, 3))
    _make_search("find_by_text", "pattern1 text, pattern2 text, pattern3 text", f"({any_of})")


def _make_search(name: str, wanted: str, condition: str) -> None:
    op.execute(_FIND.format(name=name, wanted=wanted, condition=condition))
    op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO onefold_app, onefold_worker")
