"""The points of a merge, account by account in one statement each: an account may have ten thousands of lots (F11)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.membership.domain import Adjustment, Ledger, Outcome, Reason
from services.membership.store.points import lots_worth, write_ledgers

_EMPTYING = (Reason.EXPIRED, Reason.MERGED_OUT)
# The ids of one merge: UUIDv7 of one moment, whose order is that of the numbers (RFC 9562, 6.2: a counter after the moment).
_ID = (
    """CAST(:moment || '7' || lpad(to_hex(({n}) >> 14), 3, '0') || to_hex(32768 | (({n}) & 16383)) || :rest AS uuid)"""
)
_HELD = """store_id = CAST(:store_id AS uuid) AND customer_id = CAST(:owner_id AS uuid) AND remaining > 0
  AND (customer_id <> CAST(:primary_id AS uuid) OR expires_at <= CAST(:now AS timestamptz))"""
# As `Ledger.expire` and `Ledger.take_over` say: what is past its time is emptied where it is, the rest goes over as a lot of its
# own, which bears the id of its entry. Whoever changes lots holds their customer's row, so every part means the same lots.
_POOL = text(
    f"""WITH held AS MATERIALIZED (SELECT customer_id, lot_id, remaining, expires_at, gone,
   {_ID.format(n="CAST(:first AS bigint) + 2 * n")} AS out_id, {_ID.format(n="CAST(:first AS bigint) + 2 * n + 1")} AS in_id
  FROM (SELECT customer_id, lot_id, remaining, expires_at, COALESCE(expires_at <= CAST(:now AS timestamptz), false) AS gone,
    row_number() OVER (ORDER BY expires_at NULLS LAST, created_at, lot_id) - 1 AS n FROM points_lots WHERE {_HELD}) AS mine),
 emptied AS (UPDATE points_lots SET remaining = 0 WHERE {_HELD}),
 moved AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at, origin_lot_id,
   origin_customer_id)
  SELECT CAST(:store_id AS uuid), CAST(:primary_id AS uuid), in_id, remaining, remaining, expires_at, CAST(:now AS timestamptz),
   lot_id, customer_id FROM held WHERE NOT gone),
 entered AS (INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at, merge_run_id)
  SELECT CAST(:store_id AS uuid), e.*, '', CAST(:actor AS text), CAST(:now AS timestamptz), CAST(:run_id AS uuid)
  FROM (SELECT customer_id, out_id, lot_id, CASE WHEN gone THEN 6 ELSE 7 END, -remaining FROM held
   UNION ALL SELECT CAST(:primary_id AS uuid), in_id, in_id, 8, remaining FROM held WHERE NOT gone) AS e)
 SELECT count(*) FROM held"""
)


async def pool_points(tx: AsyncConnection, store_id: UUID, outcome: Outcome, adjustment: Adjustment) -> None:
    """Writes lots and entries of a merge, without balances: to the primary lot by lot with their expiry, then the adjustment.

    The participants' rows are held. The outcome's own lots may be sums by expiry: they say for whom there is anything to do.
    """
    primary = outcome.ledgers[0]
    named = new_id().hex
    names = {
        "store_id": store_id,
        "primary_id": primary.customer_id,
        "now": primary.now,
        "actor": primary.actor,
        "run_id": primary.merge_run_id,
        "moment": named[:12],
        "rest": named[20:],
    }
    first = 0
    for ledger in outcome.ledgers:
        if any(entry.reason in _EMPTYING for entry in ledger.entries):
            held = await tx.scalar(_POOL, {**names, "owner_id": ledger.customer_id, "first": first})
            first += 2 * held
    lots = await lots_worth(tx, store_id, primary.customer_id, -adjustment.points) if adjustment.points < 0 else []
    ledger = Ledger(primary.customer_id, lots, primary.now, primary.actor, primary.merge_run_id)
    ledger.adjust(adjustment)
    await write_ledgers(tx, store_id, [ledger])
