"""Levels, points settings and what they move."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0003"
down_revision = "0002"

_SETTINGS = """redeem_per_unit integer NOT NULL DEFAULT 100, rounding smallint NOT NULL DEFAULT 1,
 points_version bigint NOT NULL DEFAULT 0, level_basis smallint NOT NULL DEFAULT 1, levels jsonb NOT NULL DEFAULT '{}',
 levels_version bigint NOT NULL DEFAULT 0, birthdays_on date"""

# Work that time brings, found by index with the owner's eyes; both give ids and nothing else. The first is the worker's alone,
# for it looks across stores.
_FUNCTIONS = (
    """CREATE FUNCTION due_levels(at timestamptz, most int) RETURNS TABLE (store_id uuid, customer_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
 SELECT c.store_id, c.customer_id FROM customers c WHERE c.status = 2 AND c.level_due_at <= at ORDER BY c.level_due_at LIMIT most
$$""",
    """CREATE FUNCTION birthdays_of(month_and_day int, levels uuid[], after_id uuid, most int) RETURNS TABLE (customer_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
 SELECT c.customer_id FROM customers c
 WHERE c.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND c.status = 2
   AND c.birthday IS NOT NULL AND c.customer_id > after_id AND c.level_id = ANY(levels)
   AND (extract(month FROM c.birthday) * 100 + extract(day FROM c.birthday))::int = month_and_day
 ORDER BY c.customer_id LIMIT most
$$""",
)


def upgrade() -> None:
    op.execute(
        f"ALTER TABLE store_settings {', '.join(f'ADD COLUMN {column.strip()}' for column in _SETTINGS.split(','))}"
    )
    op.execute("ALTER TABLE customers ADD COLUMN level_due_at timestamptz")
    op.execute("ALTER TABLE points_entries ADD COLUMN shortfall bigint NOT NULL DEFAULT 0")
    create_from(Path(__file__).with_suffix(".sql"), queues=["level_announcements"])
    # Which stores have birthdays to celebrate today is a question across stores.
    op.execute("CREATE POLICY all_stores ON store_settings FOR SELECT TO onefold_worker USING (true)")
    op.execute("REVOKE UPDATE, DELETE ON level_changes FROM onefold_app, onefold_worker")
    op.execute(
        "CREATE INDEX points_entries_of_refunds ON points_entries (store_id, order_id) WHERE reason IN (4, 5, 10)"
    )
    op.execute(
        "CREATE INDEX points_lots_soon ON points_lots (store_id, expires_at, customer_id)"
        " WHERE remaining > 0 AND expires_at IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX customers_level_due ON customers (level_due_at) WHERE status = 2 AND level_due_at IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX customers_birthday ON customers (store_id,"
        " ((extract(month FROM birthday) * 100 + extract(day FROM birthday))::int), customer_id)"
        " WHERE status = 2 AND birthday IS NOT NULL"
    )
    op.execute("CREATE POLICY owner_finds_work ON customers FOR SELECT TO CURRENT_USER USING (true)")
    for statement, roles in zip(_FUNCTIONS, ("onefold_worker", "onefold_app, onefold_worker"), strict=True):
        name = statement.split("(")[0].removeprefix("CREATE FUNCTION ")
        op.execute(statement)
        op.execute(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {name} TO {roles}")
