"""The level of single members: by hand, after a merge, and its history; members whom time may move; what is still to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Basis, Cause, LevelRules, Moved, Spend, Standing
from services.membership.store.spending import spent_within_a_year


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One line of a member's history, never changed once written. Names are those of then."""

    seq: int
    from_id: UUID | None
    from_name: str
    to_id: UUID | None
    to_name: str
    cause: Cause
    actor: str
    reason: str
    pinned_until: datetime | None
    at: datetime


_SPENDS = {
    Basis.LIFETIME: text(
        """SELECT customer_id, net_spend AS spend, CAST(NULL AS timestamptz) AS oldest FROM customers
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[]))"""
    ),
    Basis.ROLLING_YEAR: text(spent_within_a_year("{owner} = ANY(CAST(:customers AS uuid[]))")),
}
# One statement: the member's new standing, and the line that says why.
_SET = text(
    """WITH customer AS (UPDATE customers SET level_id = :level_id, level_until = :until, level_pinned_until = :pinned_until,
  level_due_at = :due_at, level_since = CASE WHEN :moves THEN CAST(:now AS timestamptz) ELSE level_since END
  WHERE store_id = :store_id AND customer_id = :customer_id)
 INSERT INTO level_changes (store_id, customer_id, from_level_id, from_level_name, to_level_id, to_level_name, cause, actor,
  reason, pinned_until, at)
 SELECT :store_id, :customer_id, :from_id, :from_name, CAST(:level_id AS uuid), :to_name, :cause, :actor, :reason,
  CAST(:pinned_until AS timestamptz), CAST(:now AS timestamptz) WHERE :noted RETURNING seq"""
)
_HISTORY = text(
    """SELECT seq, from_level_id, from_level_name, to_level_id, to_level_name, cause, actor, reason, pinned_until, at
 FROM level_changes WHERE store_id = :store_id AND customer_id = :customer_id AND (CAST(:before AS bigint) IS NULL OR seq < :before)
 ORDER BY seq DESC LIMIT :most"""
)
_DUE = text("SELECT store_id, customer_id FROM due_levels(CAST(:now AS timestamptz), :most)")
_HOLD = text(
    """SELECT customer_id FROM customers WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[]))
 ORDER BY customer_id FOR NO KEY UPDATE"""
)
_UNTOLD = text("SELECT store_id FROM level_announcements")
_TAKE = text("SELECT after_seq FROM level_announcements WHERE store_id = :store_id FOR UPDATE SKIP LOCKED")
_NEXT = text(
    """SELECT customer_id, from_level_id, from_level_name, to_level_id, to_level_name, seq FROM level_changes
 WHERE store_id = :store_id AND cause = 3 AND seq > :after_seq ORDER BY seq LIMIT :most"""
)
_TOLD = text("UPDATE level_announcements SET after_seq = :after_seq WHERE store_id = :store_id")
_ALL_TOLD = text("DELETE FROM level_announcements WHERE store_id = :store_id")


async def load_spends(
    tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID], rules: LevelRules, now: datetime
) -> Mapping[UUID, Spend]:
    """What the rules look at for each customer; those who have spent nothing may be missing."""
    parameters = {"store_id": store_id, "customers": list(customers), "now": now}
    rows = await tx.execute(_SPENDS[Basis(rules.basis)], parameters)
    return {row.customer_id: Spend(row.spend, row.oldest) for row in rows}


@dataclass(frozen=True, slots=True)
class Setting:
    """A level given to one member, by whom and why. Unless it is `noted` there is no line in the history."""

    customer_id: UUID
    before: UUID | None
    standing: Standing
    cause: Cause
    actor: str
    reason: str = ""
    noted: bool = True


async def set_level(tx: AsyncConnection, store_id: UUID, setting: Setting, rules: LevelRules, now: datetime) -> Moved:
    """Writes one member's level; the caller holds the customer's row. The answer's `seq` is 0 when nothing was noted."""
    names = {level.level_id: level.name for level in rules.levels}
    before, standing = setting.before, setting.standing
    from_name = names.get(before, "") if before else ""
    to_name = names.get(standing.level_id, "") if standing.level_id else ""
    seq = await tx.scalar(
        _SET,
        {
            "store_id": store_id,
            "customer_id": setting.customer_id,
            "level_id": standing.level_id,
            "until": standing.until,
            "pinned_until": standing.pinned_until,
            "due_at": standing.due_at,
            "moves": standing.level_id != before,
            "now": now,
            "from_id": before,
            "from_name": from_name,
            "to_name": to_name,
            "cause": setting.cause,
            "actor": setting.actor,
            "reason": setting.reason,
            "noted": setting.noted,
        },
    )
    return Moved(setting.customer_id, before, from_name, standing.level_id, to_name, setting.cause, int(seq or 0))


async def level_changes_page(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, page: PageRequest
) -> list[LevelChange]:
    """A member's history, newest first, one more than the page holds. `page.after` is (seq,)."""
    parameters = {
        "store_id": store_id,
        "customer_id": customer_id,
        "before": page.after[0] if page.after else None,
        "most": page.size + 1,
    }
    return [
        LevelChange(
            row.seq,
            row.from_level_id,
            row.from_level_name,
            row.to_level_id,
            row.to_level_name,
            Cause(row.cause),
            row.actor,
            row.reason,
            row.pinned_until,
            row.at,
        )
        for row in await tx.execute(_HISTORY, parameters)
    ]


async def due_members(tx: AsyncConnection, now: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """(store, customer) of members whose level time may have moved, in all stores, the longest due first."""
    return [(row.store_id, row.customer_id) for row in await tx.execute(_DUE, {"now": now, "most": most})]


async def hold_customers(tx: AsyncConnection, store_id: UUID, customers: Sequence[UUID]) -> list[UUID]:
    """Holds the rows of these customers in the order of their ids; those that are there."""
    return [row.customer_id for row in await tx.execute(_HOLD, {"store_id": store_id, "customers": list(customers)})]


async def stores_with_untold_moves(tx: AsyncConnection) -> list[UUID]:
    """Stores whose rules have moved members of whom no event tells yet."""
    return [row.store_id for row in await tx.execute(_UNTOLD)]


async def take_untold_moves(tx: AsyncConnection, store_id: UUID, most: int) -> list[Moved]:
    """The next moves to be told; they count as told when the transaction commits. None when somebody else tells them."""
    after_seq = await tx.scalar(_TAKE, {"store_id": store_id})
    if after_seq is None:
        return []
    moves = [
        Moved(r.customer_id, r.from_level_id, r.from_level_name, r.to_level_id, r.to_level_name, Cause.RULES, r.seq)
        for r in await tx.execute(_NEXT, {"store_id": store_id, "after_seq": after_seq, "most": most})
    ]
    if len(moves) < most:
        await tx.execute(_ALL_TOLD, {"store_id": store_id})
    else:
        await tx.execute(_TOLD, {"store_id": store_id, "after_seq": moves[-1].seq})
    return moves
