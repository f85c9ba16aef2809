"""Levels: judging members by the rules, many at once, and writing down what moves.

`judge` of the domain is the rule for one member; the statements here are the same rule for a batch or a whole store, so that
neither a batch of orders nor a million members costs a statement each. Whoever moves members holds the store's settings.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import NIL
from services.common.paging import PageRequest
from services.membership.domain import Basis, Cause, LevelRules, Moved, Step, add_steps
from services.membership.store.spending import spent_within_a_year


@dataclass(frozen=True, slots=True)
class Judging:
    """By which rules members are judged, instead of which, when, and in which time zone."""

    rules: LevelRules
    before: LevelRules
    now: datetime
    timezone: str

    def parameters(self, store_id: UUID) -> dict[str, Any]:
        """For the statements below. Arrays go by rank: the lowest level is 1, and what has no level has rank 0."""
        levels, before = self.rules.levels, self.before.levels
        return {
            "store_id": store_id,
            "now": self.now,
            "levels": [level.level_id for level in levels],
            "names": [level.name for level in levels],
            "thresholds": [level.threshold for level in levels],
            "keeps": [level.keeps for level in levels],
            "ends": [level.end(self.now, self.timezone) for level in levels],
            "before": [level.level_id for level in before],
            "names_before": [level.name for level in before],
            # Where those who leave a level that is gone come from: as high as the highest that asks for no more.
            "ranks_before": [self.rules.rank(level.level_id) or self.rules.earned(level.threshold) for level in before],
        }


_LIFETIME = ("c.net_spend", "CAST(NULL AS timestamptz)", "")
_ROLLING = ("COALESCE(w.spend, 0)", "w.oldest", " LEFT JOIN ({spent}) w ON w.customer_id = c.customer_id")
_ALL = "true"
_PART = "{owner} > :after AND {owner} <= :last"
_SOME = "{owner} = ANY(CAST(:customers AS uuid[]))"
# As many are judged by one statement as let a person see that it goes on.
_AT_ONCE = 20_000
_AT = "(CAST(:{array} AS {type}[]))[{rank}]"


def _at(array: str, kind: str, rank: str) -> str:
    return _AT.format(array=array, type=kind, rank=rank)


def _judged(basis: Basis, chosen: str = _ALL) -> str:
    """Members, all or those `chosen`, whose level, or how firm it is, is not what the rules say: `judge` of the domain, step by step."""
    spend, oldest, window = _LIFETIME if basis is Basis.LIFETIME else _ROLLING
    window = window.format(spent=spent_within_a_year(chosen))
    place = _at("ranks_before", "int", "array_position(CAST(:before AS uuid[]), j.level_id)")
    return f"""WITH member AS (SELECT c.customer_id, c.name, c.level_id, c.level_until, c.level_pinned_until, c.level_due_at,
   COALESCE(array_position(CAST(:levels AS uuid[]), c.level_id), 0) AS current,
   width_bucket({spend}, CAST(:thresholds AS bigint[])) AS earned, {oldest} AS oldest
  FROM customers c{window} WHERE c.store_id = :store_id AND c.status = 2 AND {chosen.format(owner="c.customer_id")}),
 held AS (SELECT m.*, COALESCE(m.level_pinned_until > :now AND (m.current > 0 OR m.level_id IS NULL), false) AS pinned,
   COALESCE(m.level_until > :now, true) AS good, {_at("ends", "timestamptz", "m.current")} AS own_end FROM member m),
 ranked AS (SELECT h.*, CASE WHEN h.pinned OR h.earned < h.current AND {_at("keeps", "bool", "h.current")}
    AND (h.own_end IS NULL OR h.good) THEN h.current ELSE h.earned END AS rank FROM held h),
 placed AS (SELECT r.*, {_at("levels", "uuid", "r.rank")} AS new_id, CASE WHEN r.pinned THEN r.level_pinned_until END AS new_pin,
   CASE WHEN r.pinned OR r.rank = r.current AND r.own_end IS NOT NULL AND r.level_until IS NOT NULL AND r.good
    THEN r.level_until ELSE {_at("ends", "timestamptz", "r.rank")} END AS new_until FROM ranked r),
 timed AS (SELECT p.*, CASE WHEN p.pinned THEN p.new_pin WHEN p.rank > 0 AND NOT {_at("keeps", "bool", "p.rank")}
    THEN p.oldest + interval '12 months' ELSE p.new_until END AS new_due FROM placed p),
 judged AS (SELECT j.*, j.new_id IS DISTINCT FROM j.level_id AS moves,
   j.new_id IS NULL OR COALESCE({place}, 0) > j.rank AS down,
   COALESCE({_at("names_before", "text", "array_position(CAST(:before AS uuid[]), j.level_id)")}, '') AS from_name,
   COALESCE({_at("names", "text", "j.rank")}, '') AS to_name FROM timed j
  WHERE (j.level_id, j.level_until, j.level_pinned_until, j.level_due_at)
   IS DISTINCT FROM (j.new_id, j.new_until, j.new_pin, j.new_due))"""


_WRITTEN = """,
 customer AS (UPDATE customers c SET level_id = j.new_id, level_until = j.new_until, level_pinned_until = j.new_pin,
   level_due_at = j.new_due, level_since = CASE WHEN j.moves THEN :now ELSE c.level_since END
  FROM judged j WHERE c.store_id = :store_id AND c.customer_id = j.customer_id),
 change AS (INSERT INTO level_changes (store_id, customer_id, from_level_id, from_level_name, to_level_id, to_level_name,
   cause, actor, reason, at)
  SELECT CAST(:store_id AS uuid), j.customer_id, j.level_id, j.from_name, j.new_id, j.to_name, CAST(:cause AS smallint),
   CAST(:actor AS text), '', CAST(:now AS timestamptz) FROM judged j WHERE j.moves
  RETURNING customer_id, from_level_id, from_level_name, to_level_id, to_level_name, seq)"""
# The order of the rows does not change a sum of hashes; two of 64 bits make a chance agreement as good as impossible.
_MARK = "COALESCE(sum(hashtextextended(concat(j.customer_id, ' ', j.level_id, ' ', j.new_id), {seed})::numeric), 0)"
_STEPS = f""" SELECT j.from_name, j.to_name, j.down, count(*) AS members, {_MARK.format(seed=1)} AS mark1, {_MARK.format(seed=2)} AS mark2
 FROM judged j WHERE j.moves GROUP BY j.from_name, j.to_name, j.down ORDER BY j.down, count(*) DESC, j.from_name, j.to_name"""
_NAMED = """ SELECT j.customer_id, j.name, j.from_name, j.to_name FROM judged j
 WHERE j.moves AND j.down = :down AND (CAST(:after AS uuid) IS NULL OR j.customer_id > :after)
 ORDER BY j.customer_id LIMIT :most"""
_MOVE_SOME = {b: text(_judged(b, _SOME) + _WRITTEN + " SELECT * FROM change ORDER BY seq") for b in Basis}
_MOVE_PART = {b: text(_judged(b, _PART) + _WRITTEN + _STEPS) for b in Basis}
_COUNT_ALL = {b: text(_judged(b) + _STEPS) for b in Basis}
_NAME_ALL = {b: text(_judged(b) + _NAMED) for b in Basis}
_LAST_SEQ = text("SELECT COALESCE(max(seq), 0) FROM level_changes WHERE store_id = :store_id AND cause = 3")
_LAST_OF_PART = text(
    """SELECT customer_id FROM customers WHERE store_id = :store_id AND customer_id > :after AND customer_id <= :end
 ORDER BY customer_id OFFSET :more LIMIT 1"""
)
_END = text(
    """SELECT (SELECT customer_id FROM customers WHERE store_id = :store_id ORDER BY customer_id DESC LIMIT 1) AS last,
 (SELECT count(*) FROM customers WHERE store_id = :store_id) AS total"""
)
# One that is there already is held, so that it is not done with before these moves can be seen.
_ANNOUNCE = text(
    """INSERT INTO level_announcements (store_id, after_seq) VALUES (:store_id, :after_seq)
 ON CONFLICT (store_id) DO UPDATE SET after_seq = level_announcements.after_seq"""
)
# A store of a million members takes longer than a statement of the everyday may.
_PATIENCE = text("SET LOCAL statement_timeout = '10min'")


async def move_members(
    tx: AsyncConnection, store_id: UUID, judging: Judging, customers: Sequence[UUID], cause: Cause, actor: str
) -> list[Moved]:
    """Judges the members among these customers, whose rows the caller holds, and writes what moves."""
    parameters = judging.parameters(store_id) | {"customers": list(customers), "cause": cause, "actor": actor}
    return [
        Moved(
            row.customer_id,
            row.from_level_id,
            row.from_level_name,
            row.to_level_id,
            row.to_level_name,
            cause,
            row.seq,
        )
        for row in await tx.execute(_MOVE_SOME[Basis(judging.rules.basis)], parameters)
    ]


async def move_everybody(
    tx: AsyncConnection,
    store_id: UUID,
    judging: Judging,
    actor: str,
    progress: Callable[[int, int], Awaitable[None]],
) -> list[Step]:
    """Judges all members of a store by new rules and writes what moves. The worker tells of it afterwards (`announcements`).

    The caller holds the store's settings alone. It goes part by part in the order of ids, which is that of the table, and calls
    `progress` with the customers that are behind and how many there are in all. Who comes meanwhile is judged by an order.
    """
    await tx.execute(_PATIENCE)
    last_seq = int(await tx.scalar(_LAST_SEQ, {"store_id": store_id}) or 0)
    end, total = (await tx.execute(_END, {"store_id": store_id})).one()
    moving = _MOVE_PART[Basis(judging.rules.basis)]
    parameters = judging.parameters(store_id) | {"cause": Cause.RULES, "actor": actor}
    steps: list[Step] = []
    after, done = NIL, 0
    while end is not None and after != end:
        await progress(min(done, total), total)
        part = {"store_id": store_id, "after": after, "end": end, "more": _AT_ONCE - 1}
        last = await tx.scalar(_LAST_OF_PART, part) or end
        steps += _steps(await tx.execute(moving, parameters | {"after": after, "last": last}))
        after, done = last, done + _AT_ONCE
    if steps:
        await tx.execute(_ANNOUNCE, {"store_id": store_id, "after_seq": last_seq})
    return add_steps(steps)


async def count_moves(tx: AsyncConnection, store_id: UUID, judging: Judging) -> list[Step]:
    """What `move_everybody` would do; nothing is written."""
    await tx.execute(_PATIENCE)
    return _steps(await tx.execute(_COUNT_ALL[Basis(judging.rules.basis)], judging.parameters(store_id)))


async def name_moves(
    tx: AsyncConnection, store_id: UUID, judging: Judging, down: bool, page: PageRequest
) -> list[tuple[UUID, str, str, str]]:
    """(customer id, name, from, to) of those who would go down, or up, one more than the page holds; by id."""
    window = {"down": down, "after": page.after[0] if page.after else None, "most": page.size + 1}
    rows = await tx.execute(_NAME_ALL[Basis(judging.rules.basis)], judging.parameters(store_id) | window)
    return [(row.customer_id, row.name, row.from_name, row.to_name) for row in rows]


def _steps(rows: Iterable[Any]) -> list[Step]:
    return [Step(row.from_name, row.to_name, row.down, row.members, (int(row.mark1), int(row.mark2))) for row in rows]
