"""What the list of orders is filtered and searched by."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"

_CJK = r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
# As search_text of services/common/searching.py writes it, and kept by the database: whoever changes a contact (edits,
# erasures) cannot forget it.
_TEXT = r"""CREATE FUNCTION order_text(name text, phone text, email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
 SELECT regexp_replace(lower(normalize(name, NFKC)), '[\s,.''’\-‐–·・‧]+', '', 'g') || E'\n'
  || phone || E'\n' || lower(normalize(email, NFKC))
$$"""
# Chinese characters of the name, and pairs of characters with one: names of one or two have no trigram.
_GRAMS = rf"""CREATE FUNCTION order_grams(haystack text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
 SELECT CASE WHEN split_part(haystack, E'\n', 1) ~ '{_CJK}' THEN ARRAY(SELECT DISTINCT g FROM (
  SELECT substr(split_part(haystack, E'\n', 1), i, width) AS g
  FROM generate_series(1, length(split_part(haystack, E'\n', 1))) AS i, generate_series(1, 2) AS width) AS cut
  WHERE g ~ '{_CJK}') ELSE '{{}}' END
$$"""
# Status and channel together: each status of each channel is a list in order, and lists in order are merged (find_orders).
_CHANGES = (
    "DROP FUNCTION find_orders",
    "DROP INDEX orders_search",
    "DROP FUNCTION order_search",
    "DROP INDEX orders_by_status",
    "ALTER TABLE orders ADD COLUMN contact_search TEXT GENERATED ALWAYS AS (order_text(contact_name, contact_phone, contact_email)) STORED",
    "CREATE INDEX orders_text ON orders USING gin (contact_search gin_trgm_ops)",
    "CREATE INDEX orders_grams ON orders USING gin (order_grams(contact_search)) WHERE order_grams(contact_search) <> '{}'",
    "CREATE INDEX orders_by_status ON orders (store_id, status, channel, placed_at DESC, order_id DESC)",
    "CREATE INDEX orders_by_total ON orders (store_id, total)",
    "CREATE INDEX orders_partly_refunded ON orders (store_id, placed_at DESC, order_id DESC) WHERE 0 < refunded AND refunded < paid",
)


def upgrade() -> None:
    op.execute(_TEXT)
    op.execute(_GRAMS)
    for statement in _CHANGES:
        op.execute(statement)
    op.execute(Path(__file__).with_name("0004_find_orders.sql").read_text())
    op.execute("REVOKE ALL ON FUNCTION find_orders FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_orders TO onefold_app, onefold_worker")
