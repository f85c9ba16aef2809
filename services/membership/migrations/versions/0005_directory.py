"""Lists by any filter in any order, saved filters, figures of the store."""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0005"
down_revision = "0004"

# Of customers only what orders leave alone is indexed, so that the sums of an order stay updates without index (HOT).
_INDEXES = """CREATE INDEX customers_newest ON customers (store_id, joined_at DESC, customer_id DESC) WHERE status = 2;
CREATE INDEX customers_guests ON customers (store_id, created_at DESC, customer_id DESC) WHERE status = 1;
CREATE INDEX customers_by_level ON customers (store_id, level_id, joined_at DESC, customer_id DESC) WHERE status = 2;
CREATE INDEX customers_by_name ON customers (store_id, status, lower(name COLLATE "C"), customer_id);
CREATE INDEX customers_by_tag ON customers USING gin (tags) WHERE tags <> '{}';
CREATE INDEX customer_search_phone ON customer_search (store_id, split_part(haystack, E'\\n', 2));
CREATE INDEX customer_search_email ON customer_search (store_id, split_part(haystack, E'\\n', 3))"""

# Whoever changes a customer (orders, points, merges, levels, imports) keeps its standing by this, and cannot forget to.
_KEEP = """CREATE FUNCTION keep_standing() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
 IF NEW.status IN (1, 2) THEN
  INSERT INTO standings (store_id, customer_id, member, since, net_spend, points, cart_since)
  VALUES (NEW.store_id, NEW.customer_id, NEW.status = 2, CASE NEW.status WHEN 2 THEN NEW.joined_at ELSE NEW.created_at END,
   NEW.net_spend, NEW.points_balance, NEW.cart_since)
  ON CONFLICT (store_id, customer_id) DO UPDATE SET member = excluded.member, since = excluded.since,
   net_spend = excluded.net_spend, points = excluded.points, cart_since = excluded.cart_since;
 ELSE
  DELETE FROM standings s WHERE s.store_id = NEW.store_id AND s.customer_id = NEW.customer_id;
 END IF;
 RETURN NULL;
END $$"""
_KEPT = "{0}.status, {0}.joined_at, {0}.net_spend, {0}.points_balance, {0}.cart_since"
_ON_UPDATE = f"""CREATE TRIGGER keep_standing_changed AFTER UPDATE OF status, joined_at, net_spend, points_balance, cart_since
 ON customers FOR EACH ROW WHEN (({_KEPT.format("OLD")}) IS DISTINCT FROM ({_KEPT.format("NEW")})) EXECUTE FUNCTION keep_standing()"""
_FILL = """INSERT INTO standings (store_id, customer_id, member, since, net_spend, points, cart_since)
SELECT store_id, customer_id, status = 2, CASE status WHEN 2 THEN joined_at ELSE created_at END, net_spend, points_balance, cart_since
FROM customers WHERE status IN (1, 2)"""
# Names are kept without gaps from here on.
_SQUEEZE = r"""UPDATE customer_search s SET haystack = n.name || substr(s.haystack, strpos(s.haystack, E'\n')),
 grams = ARRAY(SELECT DISTINCT g FROM (SELECT substr(n.name, i, width) AS g FROM generate_series(1, length(n.name)) AS i,
   generate_series(1, 2) AS width) AS cut WHERE g ~ '[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]' ORDER BY g)
FROM (SELECT store_id, customer_id, split_part(haystack, E'\n', 1) AS old,
  regexp_replace(split_part(haystack, E'\n', 1), '[\s,.''’\-‐–·・‧]+', '', 'g') AS name FROM customer_search) AS n
WHERE s.store_id = n.store_id AND s.customer_id = n.customer_id AND n.old <> n.name"""


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
    for statement in _INDEXES.split(";\n"):
        op.execute(statement)
    for table in ("customers", "order_facts", "standings"):
        op.execute(f"CREATE POLICY owner_searches ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    _fill()
    op.execute(_KEEP)
    op.execute(
        "CREATE TRIGGER keep_standing_made AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION keep_standing()"
    )
    op.execute(_ON_UPDATE)
    op.execute("DROP FUNCTION find_by_grams")
    op.execute("DROP FUNCTION find_by_text")
    op.execute(Path(__file__).with_name("0005_find_customers.sql").read_text())
    op.execute("REVOKE ALL ON FUNCTION find_customers FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_customers TO onefold_app, onefold_worker")


def _fill() -> None:
    """What is there already, by its owner, whom row-level security holds off otherwise."""
    for table, statement in (("standings", _FILL), ("customer_search", _SQUEEZE)):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(statement)
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
