"""What orders are found by gets a table of its own, so that no change of an order but that of its contact touches indexes of texts.

Each new version of a row is entered into every index of its table: of the time in which a merge moved an order to its survivor, and
in which any order was paid, those of texts took a third. Another third was the look whether the order is there of which the history
tells, and both are written by one statement. Filling the new table takes minutes for millions of orders.
"""

from pathlib import Path

from alembic import op

from services.common.migrate import create_from

revision = "0012"
down_revision = "0011"

# Whoever places an order or changes its contact (edits, erasures) keeps its texts by this, and cannot forget to.
_KEEP = """CREATE FUNCTION keep_order_text() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
 INSERT INTO order_texts (store_id, order_id, search, grams) VALUES (NEW.store_id, NEW.order_id, NEW.contact_search, NEW.contact_grams)
 ON CONFLICT (store_id, order_id) DO UPDATE SET search = excluded.search, grams = excluded.grams;
 RETURN NULL;
END $$"""
_CHANGES = (
    _KEEP,
    "CREATE TRIGGER keep_order_text_made AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION keep_order_text()",
    """CREATE TRIGGER keep_order_text_changed AFTER UPDATE OF contact_name, contact_phone, contact_email ON orders
 FOR EACH ROW WHEN (OLD.contact_search IS DISTINCT FROM NEW.contact_search) EXECUTE FUNCTION keep_order_text()""",
    "DROP INDEX orders_text",
    "DROP INDEX orders_grams",
    "ALTER TABLE order_history DROP CONSTRAINT order_history_store_id_order_id_fkey",
    "CREATE POLICY owner_searches ON order_texts FOR SELECT TO CURRENT_USER USING (true)",
)
_FILL = """INSERT INTO order_texts (store_id, order_id, search, grams)
SELECT store_id, order_id, contact_search, contact_grams FROM orders"""


def upgrade() -> None:
    create_from(Path(__file__).with_suffix(".sql"))
    for statement in _CHANGES:
        op.execute(statement)
    # By its owner, whom row-level security holds off otherwise.
    op.execute("ALTER TABLE order_texts NO FORCE ROW LEVEL SECURITY")
    op.execute(_FILL)
    op.execute("ALTER TABLE order_texts FORCE ROW LEVEL SECURITY")
    op.execute(Path(__file__).with_name("0012_find_orders.sql").read_text())
