"""What customers have spent lately, as SQL."""

from __future__ import annotations

# What is known of a merged account's orders stays with it: its survivor's are found by the pointer (F10).
_OF_EACH = """SELECT f.customer_id AS owner, f.paid - f.refunded AS net, f.placed_at FROM order_facts f
  WHERE f.store_id = :store_id AND {own} AND {counts}
 UNION ALL SELECT m.survivor_id, f.paid - f.refunded, f.placed_at FROM customers m
  JOIN order_facts f ON f.store_id = m.store_id AND f.customer_id = m.customer_id
  WHERE m.store_id = :store_id AND m.survivor_id IS NOT NULL AND {absorbed} AND {counts}"""
# An order counts until it is twelve months old.
_COUNTS = "f.settled AND f.placed_at + interval '12 months' > CAST(:now AS timestamptz)"


def spent_within_a_year(chosen: str) -> str:
    """SELECT customer_id, spend (minor units), oldest (when the first of the orders was placed), for owners of whom `chosen`, a condition
    on "{owner}", holds. Binds :store_id and :now. Accounts that are merged have a row beside their survivor's, which counts nothing twice.
    """
    own, absorbed = (chosen.format(owner=column) for column in ("f.customer_id", "m.survivor_id"))
    each = _OF_EACH.format(own=own, absorbed=absorbed, counts=_COUNTS)
    return f"SELECT owner AS customer_id, sum(net)::bigint AS spend, min(placed_at) AS oldest FROM ({each}) AS spent GROUP BY owner"
