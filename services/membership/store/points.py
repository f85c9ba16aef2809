"""Lots and entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Entry, Ledger, Lot, Reason

T = TypeVar("T")
_PORTION = 2_000


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points of one customer that expire in one moment."""

    customer_id: UUID
    name: str
    points: int
    expires_at: datetime


_LOTS = text(
    """SELECT customer_id, lot_id, points, remaining, expires_at, created_at, origin_lot_id, origin_customer_id FROM points_lots
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND remaining > 0
 ORDER BY expires_at NULLS LAST, created_at, lot_id"""
)
# A year of daily orders are hundreds of lots, but who looks at them asks how much expires when: by the moment or, where even those are
# more than anybody reads, by the month. What is past its time is never one with what is not.
_LOTS_BY_EXPIRY = text(
    """WITH moment AS (SELECT customer_id, (array_agg(lot_id ORDER BY lot_id))[1] AS lot_id, sum(points)::bigint AS points,
  sum(remaining)::bigint AS remaining, expires_at, min(created_at) AS created_at FROM points_lots
  WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND remaining > 0 GROUP BY customer_id, expires_at),
 spell AS (SELECT *, CASE WHEN COALESCE((SELECT count(*) FROM moment) <= CAST(:most AS int), true) THEN expires_at
   ELSE date_trunc('month', expires_at - interval '1 microsecond', CAST(:timezone AS text)) END AS begun FROM moment)
 SELECT customer_id, (array_agg(lot_id ORDER BY lot_id))[1] AS lot_id, sum(points)::bigint AS points, sum(remaining)::bigint AS remaining,
  max(expires_at) AS expires_at, min(created_at) AS created_at, CAST(NULL AS uuid) AS origin_lot_id,
  CAST(NULL AS uuid) AS origin_customer_id, NULLIF(min(expires_at), max(expires_at)) AS expires_from
 FROM spell GROUP BY customer_id, begun, expires_at <= CAST(:now AS timestamptz) ORDER BY expires_at NULLS LAST, created_at, lot_id"""
)
# Those that the next points come from.
_LOTS_WORTH = text(
    """SELECT customer_id, lot_id, points, remaining, expires_at, created_at, origin_lot_id, origin_customer_id
 FROM (SELECT *, sum(remaining) OVER (ORDER BY expires_at NULLS LAST, created_at, lot_id) - remaining AS before FROM points_lots
  WHERE store_id = :store_id AND customer_id = :customer_id AND remaining > 0) AS l
 WHERE before < :points ORDER BY expires_at NULLS LAST, created_at, lot_id"""
)
_SAVE_LOTS = text(
    """INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at, origin_lot_id, origin_customer_id)
 SELECT CAST(:store_id AS uuid), l.* FROM unnest(CAST(:owners AS uuid[]), CAST(:lots AS uuid[]), CAST(:points AS bigint[]),
  CAST(:remaining AS bigint[]), CAST(:expiries AS timestamptz[]), CAST(:made AS timestamptz[]), CAST(:origins AS uuid[]),
  CAST(:origin_owners AS uuid[])) AS l
 ON CONFLICT (store_id, customer_id, lot_id) DO UPDATE SET remaining = excluded.remaining"""
)
_SAVE_ENTRIES = text(
    """INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at, merge_run_id,
  order_id, shortfall)
 SELECT CAST(:store_id AS uuid), e.* FROM unnest(CAST(:owners AS uuid[]), CAST(:entries AS uuid[]), CAST(:lots AS uuid[]),
  CAST(:reasons AS smallint[]), CAST(:points AS bigint[]), CAST(:notes AS text[]), CAST(:actors AS text[]),
  CAST(:times AS timestamptz[]), CAST(:runs AS uuid[]), CAST(:orders AS uuid[]), CAST(:shortfalls AS bigint[])) AS e"""
)
_SAVE_BALANCE = text(
    """UPDATE customers SET points_balance = points_balance + :change, version = version + 1
 WHERE store_id = :store_id AND customer_id = :customer_id"""
)
# What the ledger came to at the page's first line is added up once; from there each line takes the next one back.
_PAGE = text(
    """WITH page AS (SELECT * FROM points_entries WHERE store_id = :store_id AND customer_id = :customer_id
   AND (CAST(:after AS uuid) IS NULL OR entry_id < :after) ORDER BY entry_id DESC LIMIT :most)
 SELECT e.entry_id, e.customer_id, e.lot_id, e.reason, e.points, e.note, e.order_id, e.actor, e.at, e.merge_run_id, e.shortfall,
  l.expires_at, ((SELECT sum(s.points) FROM points_entries s WHERE s.store_id = :store_id AND s.customer_id = :customer_id
    AND s.entry_id <= (SELECT p.entry_id FROM page p ORDER BY p.entry_id DESC LIMIT 1))
   - COALESCE(sum(e.points) OVER (ORDER BY e.entry_id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))::bigint AS balance_after
 FROM page e LEFT JOIN points_lots l ON l.store_id = e.store_id AND l.customer_id = e.customer_id AND l.lot_id = e.lot_id
 ORDER BY e.entry_id DESC"""
)
# What one refund has to look at: what the order earned, and what it redeemed and got back, in whichever account.
_OF_ORDERS = text(
    """SELECT e.entry_id, e.customer_id, e.lot_id, e.reason, e.points, e.note, e.order_id, e.actor, e.at, e.merge_run_id, e.shortfall,
  l.expires_at, 0 AS balance_after
 FROM (SELECT * FROM points_entries WHERE store_id = :store_id AND order_id = ANY(CAST(:orders AS uuid[])) AND reason = 1
   UNION ALL SELECT * FROM points_entries WHERE store_id = :store_id AND order_id = ANY(CAST(:orders AS uuid[]))
    AND reason IN (4, 5, 10)) e
 LEFT JOIN points_lots l ON l.store_id = e.store_id AND l.customer_id = e.customer_id AND l.lot_id = e.lot_id ORDER BY e.entry_id"""
)
_SOON = """FROM points_lots l WHERE l.store_id = :store_id AND l.remaining > 0 AND l.expires_at > CAST(:now AS timestamptz)
 AND l.expires_at <= CAST(:until AS timestamptz)"""
_SOON_PAGE = text(
    f"""SELECT s.customer_id, c.name, s.expires_at, s.points FROM (SELECT l.expires_at, l.customer_id, sum(l.remaining)::bigint AS points
  {_SOON} AND (CAST(:after_at AS timestamptz) IS NULL OR (l.expires_at, l.customer_id) > (:after_at, CAST(:after_id AS uuid)))
  GROUP BY l.expires_at, l.customer_id ORDER BY l.expires_at, l.customer_id LIMIT :most) s
 JOIN customers c ON c.store_id = :store_id AND c.customer_id = s.customer_id ORDER BY s.expires_at, s.customer_id"""
)
_SOON_TOTALS = text(
    f"SELECT COALESCE(sum(l.remaining), 0)::bigint AS points, count(DISTINCT l.customer_id) AS customers {_SOON}"
)
_EXPIRED = text(
    """SELECT DISTINCT store_id, customer_id FROM (SELECT store_id, customer_id FROM points_lots
  WHERE remaining > 0 AND expires_at IS NOT NULL AND expires_at <= :now ORDER BY expires_at LIMIT :most) AS due"""
)


async def lots_of(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> list[Lot]:
    """Lots that still hold points, the first to expire first; those past their time too."""
    return [_lot(row) for row in await tx.execute(_LOTS, {"store_id": store_id, "ids": list(ids)})]


async def lots_by_expiry(
    tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID], now: datetime, timezone: str, *, most: int | None
) -> list[Lot]:
    """As `lots_of`, but a customer's lots of one expiry as one, by the name of the oldest; if those are more than `most` (None: never),
    a customer's lots that expire in one month of the store's calendar. For looking; never to be written.
    """
    of = {"store_id": store_id, "ids": list(ids), "now": now, "timezone": timezone, "most": most}
    return [_lot(row, row.expires_from) for row in await tx.execute(_LOTS_BY_EXPIRY, of)]


async def lots_worth(tx: AsyncConnection, store_id: UUID, customer_id: UUID, points: int) -> list[Lot]:
    """The lots that a customer's next `points` come from, none of which is past its time; all of them if they hold fewer."""
    of = {"store_id": store_id, "customer_id": customer_id, "points": points}
    return [_lot(row) for row in await tx.execute(_LOTS_WORTH, of)]


async def save_ledger(tx: AsyncConnection, store_id: UUID, ledger: Ledger) -> None:
    """Writes entries and changed lots, and the balance with them; the caller holds the customer's row."""
    if not ledger.entries:
        return
    await write_ledgers(tx, store_id, [ledger])
    change = sum(entry.points for entry in ledger.entries)
    await tx.execute(_SAVE_BALANCE, {"store_id": store_id, "customer_id": ledger.customer_id, "change": change})


async def write_ledgers(tx: AsyncConnection, store_id: UUID, ledgers: Sequence[Ledger]) -> None:
    """Writes lots and entries of several customers, without their balances."""
    lots = [lot for ledger in ledgers for lot in ledger.changed_lots()]
    entries = [entry for ledger in ledgers for entry in ledger.entries]
    for some in _portions(lots):
        await tx.execute(_SAVE_LOTS, {"store_id": store_id, **_lot_columns(some)})
    for part in _portions(entries):
        await tx.execute(_SAVE_ENTRIES, {"store_id": store_id, **_entry_columns(part)})


def _portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Small enough that nobody else's call waits while one is packed up."""
    return (rows[n : n + _PORTION] for n in range(0, len(rows), _PORTION))


def _lot_columns(lots: Sequence[Lot]) -> dict[str, Any]:
    return {
        "owners": [lot.customer_id for lot in lots],
        "lots": [lot.lot_id for lot in lots],
        "points": [lot.points for lot in lots],
        "remaining": [lot.remaining for lot in lots],
        "expiries": [lot.expires_at for lot in lots],
        "made": [lot.created_at for lot in lots],
        "origins": [lot.origin_lot_id for lot in lots],
        "origin_owners": [lot.origin_customer_id for lot in lots],
    }


def _entry_columns(entries: Sequence[Entry]) -> dict[str, Any]:
    return {
        "owners": [entry.customer_id for entry in entries],
        "entries": [entry.entry_id for entry in entries],
        "lots": [entry.lot_id for entry in entries],
        "reasons": [entry.reason for entry in entries],
        "points": [entry.points for entry in entries],
        "notes": [entry.note for entry in entries],
        "actors": [entry.actor for entry in entries],
        "times": [entry.at for entry in entries],
        "runs": [entry.merge_run_id for entry in entries],
        "orders": [entry.order_id for entry in entries],
        "shortfalls": [entry.shortfall for entry in entries],
    }


async def entries_page(tx: AsyncConnection, store_id: UUID, customer_id: UUID, page: PageRequest) -> list[Entry]:
    """Entries newest first, one more than the page holds, each with the balance after it. `page.after` is (entry_id,)."""
    parameters = {
        "store_id": store_id,
        "customer_id": customer_id,
        "after": page.after[0] if page.after else None,
        "most": page.size + 1,
    }
    return [_entry(row) for row in await tx.execute(_PAGE, parameters)]


async def entries_of_orders(tx: AsyncConnection, store_id: UUID, orders: Sequence[UUID]) -> list[Entry]:
    """What the orders have earned, redeemed, and had undone, the oldest first; only awards' and entries' own lots have expiries."""
    return [_entry(row) for row in await tx.execute(_OF_ORDERS, {"store_id": store_id, "orders": list(orders)})]


async def expiring_page(
    tx: AsyncConnection, store_id: UUID, now: datetime, until: datetime, page: PageRequest
) -> list[Expiring]:
    """Points that expire between the two moments, by (expires_at, customer_id), one more than the page holds."""
    after = page.after or (None, None)
    window = {"now": now, "until": until, "after_at": after[0], "after_id": after[1], "most": page.size + 1}
    rows = await tx.execute(_SOON_PAGE, {"store_id": store_id, **window})
    return [Expiring(row.customer_id, row.name, row.points, row.expires_at) for row in rows]


async def expiring_totals(tx: AsyncConnection, store_id: UUID, now: datetime, until: datetime) -> tuple[int, int]:
    """(points, customers) of the whole list."""
    row = (await tx.execute(_SOON_TOTALS, {"store_id": store_id, "now": now, "until": until})).one()
    return row.points, row.customers


async def expired_owners(tx: AsyncConnection, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """(store, customer) of lots that are past their time and not yet emptied, in all stores."""
    rows = await tx.execute(_EXPIRED, {"now": now, "most": most})
    return [(row.store_id, row.customer_id) for row in rows]


def _lot(row: Row[Any], expires_from: datetime | None = None) -> Lot:
    return Lot(
        lot_id=row.lot_id,
        customer_id=row.customer_id,
        points=row.points,
        remaining=row.remaining,
        expires_at=row.expires_at,
        created_at=row.created_at,
        origin_lot_id=row.origin_lot_id,
        origin_customer_id=row.origin_customer_id,
        expires_from=expires_from,
    )


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        entry_id=row.entry_id,
        customer_id=row.customer_id,
        lot_id=row.lot_id,
        reason=Reason(row.reason),
        points=row.points,
        at=row.at,
        actor=row.actor,
        note=row.note,
        order_id=row.order_id,
        merge_run_id=row.merge_run_id,
        expires_at=row.expires_at,
        shortfall=row.shortfall,
        balance_after=row.balance_after,
    )
