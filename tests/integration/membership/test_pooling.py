"""What a merge does to points as statements is what `Ledger` does lot by lot (F2, F11, B4)."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.common import clock
from services.common.ids import new_id
from services.membership.domain import Adjustment, Ledger, Lot
from tests.integration.membership.people import Shop

_LOT = """INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
 VALUES (:store, :owner, :lot, :points, :remaining, :expires, :made) RETURNING 1"""
_ENTRY = """WITH balance AS (UPDATE customers SET points_balance = points_balance + :remaining
  WHERE store_id = :store AND customer_id = :owner)
 INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at)
 VALUES (:store, :owner, :lot, :lot, 2, :remaining, '', 'test', :made) RETURNING 1"""
# Lots of before the merges are older.
START = datetime(2026, 1, 1, tzinfo=UTC)


async def give(shop: Shop, owner: UUID, pick: random.Random) -> list[Lot]:
    """Lots of any state: spent, past their time, of one moment with others, good for ever."""
    lots: list[Lot] = []
    now = clock.now()
    for _ in range(pick.randint(0, 6)):
        points = pick.randint(1, 20)
        expires = pick.choice((None, *(now + timedelta(days=days) for days in (-1, 1, 1, 2))))
        lot = Lot(new_id(), owner, points, pick.randint(0, points), expires, START - timedelta(days=pick.randint(0, 2)))
        lots.append(lot)
        named = {
            "store": shop.store_id,
            "owner": owner,
            "lot": lot.lot_id,
            "remaining": lot.remaining,
            "made": lot.created_at,
        }
        await shop.rows(_LOT, points=lot.points, expires=lot.expires_at, **named)
        await shop.rows(_ENTRY, **named)
    return sorted(lots, key=lambda lot: (lot.expires_at is None, lot.expires_at, lot.created_at, lot.lot_id))


def by_hand(held: Sequence[Sequence[Lot]], people: Sequence[UUID], adjustment: Adjustment) -> list[Ledger]:
    """As the rules say, the primary first."""
    now = clock.now()
    ledgers = [Ledger(owner, list(lots), now, "") for owner, lots in zip(people, held, strict=True)]
    for ledger in ledgers:
        ledger.expire()
    for other in ledgers[1:]:
        ledgers[0].take_over(other)
    ledgers[0].adjust(adjustment)
    return ledgers


async def check(shop: Shop, ledger: Ledger) -> None:
    """Lots, and entries in the order of the ledger, but for ids and moments that are made anew."""
    owner = ledger.customer_id
    lots = await shop.rows("SELECT * FROM points_lots WHERE customer_id = :id", id=owner)
    assert sorted(map(_lot, lots)) == sorted(map(_lot, ledger.lots))
    entries = await shop.rows(
        "SELECT * FROM points_entries WHERE customer_id = :id AND merge_run_id IS NOT NULL ORDER BY entry_id", id=owner
    )
    there, here = ({lot.lot_id: _lot(lot) for lot in found} for found in (lots, ledger.lots))
    assert [(e.reason, e.points, there[e.lot_id]) for e in entries] == [
        (e.reason, e.points, here[e.lot_id]) for e in ledger.entries
    ]


def _lot(lot: Any) -> tuple[str, ...]:
    """What is said of a lot; one that the merge has made is known by where it came from."""
    named = lot.origin_lot_id or ("award" if lot.created_at > START else lot.lot_id)
    return tuple(map(str, (named, lot.origin_customer_id, lot.points, lot.remaining, lot.expires_at)))


async def test_points_move_as_the_ledger_would_move_them(shop: Shop) -> None:
    """F2, F11: lots with points, expiry and origin; entries one by one; awards, and deductions from the first lots to expire."""
    for seed in range(12):
        pick = random.Random(seed)
        people = [await shop.member() for _ in range(pick.randint(2, 4))]
        held = [await give(shop, owner, pick) for owner in people]
        good = sum(lot.remaining for lots in held for lot in lots if lot.is_good(clock.now()))
        points = pick.choice((0, 7, -good, -(good // 2)))
        wish = {"points": points, "expires_on": "2099-12-31" if points > 0 else ""}
        plan = await shop.preview(*people, **wish)
        balance = await shop.absorb(*people, plan=plan.fingerprint, **wish)
        ledgers = by_hand(held, people, Adjustment(points, plan.ledgers[0].lots[-1].expires_at if points > 0 else None))
        assert (balance, good + points) == (ledgers[0].balance, balance), seed
        for ledger in ledgers:
            await check(shop, ledger)
    await shop.audit()


# A lot of one point more each day, from yesterday on, each emptied at the end of a day in Hong Kong; and one that is good for ever.
_DAILY = """WITH made AS (SELECT gen_random_uuid() AS id, n + 1 AS points, (CASE WHEN n < 100 THEN
    (date_trunc('day', now() AT TIME ZONE 'Asia/Hong_Kong') + n * interval '1 day') AT TIME ZONE 'Asia/Hong_Kong' END) AS expires_at
   FROM generate_series(0, 100) AS n),
 lots AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
  SELECT CAST(:store AS uuid), CAST(:owner AS uuid), id, points, points, expires_at, now() FROM made),
 balance AS (UPDATE customers SET points_balance = points_balance + (SELECT sum(points) FROM made)
  WHERE store_id = :store AND customer_id = :owner)
 INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at)
 SELECT CAST(:store AS uuid), CAST(:owner AS uuid), id, id, 2, points, '', 'test', now() FROM made RETURNING points"""
HONG_KONG = ZoneInfo("Asia/Hong_Kong")


async def test_more_expiries_than_anybody_reads_are_told_of_by_the_month(shop: Shop) -> None:
    """F8, F11: the preview's months are those of the store's calendar, and hold what the merge then moves, account by account; what is past
    its time goes nowhere. A deduction is foretold lot by lot, for it takes a part of a month."""
    people = [await shop.member(), await shop.member()]
    for owner in people:
        assert len(await shop.rows(_DAILY, store=shop.store_id, owner=owner)) == 101
    plan = await shop.preview(*people)
    foretold = plan.ledgers[0].lots
    exact = await shop.preview(*people, points=-10)
    assert len(exact.ledgers[0].lots) == 2 * 101 - 1 > 5 * len(foretold)
    assert plan.fingerprint != exact.fingerprint
    balance = await shop.absorb(*people, plan=plan.fingerprint)
    lots = await shop.rows("SELECT * FROM points_lots WHERE customer_id = :id AND remaining > 0", id=people[0])
    months: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for lot in lots:
        last = lot.expires_at and (lot.expires_at - timedelta(microseconds=1)).astimezone(HONG_KONG)
        months[lot.origin_customer_id, last and (last.year, last.month)].append(lot)
    came = [
        (
            sum(lot.remaining for lot in month),
            *(() if owed[1] is None else (min(lot.expires_at for lot in month), max(lot.expires_at for lot in month))),
        )
        for owed, month in months.items()
    ]
    told = [
        (lot.remaining, *(() if lot.expires_at is None else (lot.expires_from or lot.expires_at, lot.expires_at)))
        for lot in foretold
        if lot.remaining
    ]
    assert sorted(told) == sorted(came)
    assert balance == plan.points_after == sum(points for points, *_ in told) == 2 * (sum(range(1, 102)) - 1)
    words = [field.value for field in plan.fields if field.field == "lot"]
    assert len(words) == len(told)
    assert sum("/" in word for word in words) == sum(len(spell) == 2 and spell[0] != spell[1] for _, *spell in told)
    await shop.audit()
