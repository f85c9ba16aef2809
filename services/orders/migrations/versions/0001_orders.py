"""Orders, lines, payments, history, numbers, survivors and plumbing."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0001"
down_revision = None

# Searching by a part of the contact: an index on text that row-level security would shut out (see store.search_page).
# The owner sees all rows of `orders` for this function's sake; nobody logs in as the owner but migrations.
_SEARCH = """
CREATE FUNCTION find_orders(pattern text, wanted_number bigint, after_at timestamptz, after_id uuid, most int) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
 SELECT order_id FROM orders
 WHERE store_id = NULLIF(current_setting('app.store_id', true), '')::uuid
   AND (number = wanted_number OR order_search(contact_name, contact_phone, contact_email) LIKE pattern)
   AND (after_at IS NULL OR (placed_at, order_id) < (after_at, after_id))
 ORDER BY placed_at DESC, order_id DESC LIMIT most
$$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_from(Path(__file__).with_suffix(".sql"))
    op.execute(
        "CREATE FUNCTION order_search(name text, phone text, email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " AS $$ SELECT lower(name || ' ' || phone || ' ' || email) $$"
    )
    op.execute(
        "CREATE INDEX orders_search ON orders USING gin (order_search(contact_name, contact_phone, contact_email) gin_trgm_ops)"
    )
    op.execute("CREATE POLICY owner_searches ON orders FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(_SEARCH)
    op.execute("REVOKE ALL ON FUNCTION find_orders FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_orders TO onefold_app, onefold_worker")
