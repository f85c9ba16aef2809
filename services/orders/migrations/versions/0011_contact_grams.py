"""Chinese characters of a buyer's name are kept in a column, not reckoned anew by every change of an order.

An index on an expression asks for it at each new version of a row, twice where its predicate does, too: of the time in which a
merge moved an order to its survivor that was more than half. A generated column is reckoned when the contact changes. The table is
written anew, which takes minutes for millions of orders.
"""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"

_CHANGES = (
    "DROP INDEX orders_grams",
    """ALTER TABLE orders ADD COLUMN contact_grams TEXT[]
 GENERATED ALWAYS AS (order_grams(order_text(contact_name, contact_phone, contact_email))) STORED""",
    "CREATE INDEX orders_grams ON orders USING gin (contact_grams) WHERE contact_grams <> '{}'",
)


def upgrade() -> None:
    for statement in _CHANGES:
        op.execute(statement)
    op.execute(Path(__file__).with_name("0011_find_orders.sql").read_text())
