"""Membership levels: the store's rules, and which level a member has by them (B1, B3, B6). Amounts are minor units.

`judge` is the rule for one member. A whole store is judged by a statement (store/levels.py), and a test holds the two together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.membership.domain.days import end_after, months_later

WINDOW_MONTHS = 12


class Basis(IntEnum):
    """Numbers as in the contract's LevelBasis."""

    LIFETIME = 1
    ROLLING_YEAR = 2


class Lapse(IntEnum):
    """Numbers as in the contract's LevelLapse."""

    AT_END = 1
    AT_ONCE = 2


class Cause(IntEnum):
    """Numbers as in the contract's LevelCause."""

    SPEND = 1
    TIME = 2
    RULES = 3
    STAFF = 4
    MERGE = 5


@dataclass(frozen=True, slots=True)
class Level:
    """One level. `discount` is percent off, `multiplier` percent of the usual points; `validity_months` 0 is without end."""

    level_id: UUID
    name: str
    threshold: int
    discount: int = 0
    multiplier: int = 100
    birthday_points: int = 0
    validity_months: int = 0
    lapse: int = Lapse.AT_END

    @property
    def keeps(self) -> bool:
        """Whether the level stays, for as long as it is good, though it is not earned any more."""
        return self.lapse == Lapse.AT_END

    def end(self, now: datetime, timezone: str) -> datetime | None:
        """Until when the level is good for who reaches it now; None: no end."""
        return end_after(now, self.validity_months, timezone) if self.keeps and self.validity_months else None


@dataclass(frozen=True, slots=True)
class LevelRules:
    """A store's levels, the lowest first. A rank is a level's place from 1; 0 is to have none."""

    basis: int = Basis.LIFETIME
    levels: Sequence[Level] = ()
    version: int = 0

    def rank(self, level_id: UUID | None) -> int:
        """The level's rank; 0 for none, and for one that is not there any more."""
        return next((n for n, level in enumerate(self.levels, 1) if level.level_id == level_id), 0)

    def at(self, rank: int) -> Level | None:
        """The level of that rank."""
        return self.levels[rank - 1] if rank else None

    def earned(self, spend: int) -> int:
        """The rank that so much net spend earns."""
        return bisect_right([level.threshold for level in self.levels], spend)

    def multiplier(self, level_id: UUID | None) -> int:
        """Percent of the usual points that orders earn at the level."""
        level = self.at(self.rank(level_id))
        return level.multiplier if level else 100

    @property
    def gives_birthdays(self) -> bool:
        """Whether any level has a birthday gift."""
        return any(level.birthday_points for level in self.levels)


@dataclass(frozen=True, slots=True)
class Spend:
    """What the rules compare with thresholds. `oldest` is when the first order of the window was placed; None without one."""

    amount: int = 0
    oldest: datetime | None = None

    def __add__(self, other: Spend) -> Spend:
        dates = [at for at in (self.oldest, other.oldest) if at]
        return Spend(self.amount + other.amount, min(dates, default=None))


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's level, and how firm it is. `due_at` is when time alone may next change it."""

    level_id: UUID | None = None
    until: datetime | None = None
    pinned_until: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """One member whose level has changed. `seq` rises from one change to the next."""

    customer_id: UUID
    from_id: UUID | None
    from_name: str
    to_id: UUID | None
    to_name: str
    cause: Cause
    seq: int


def judge(standing: Standing, spend: Spend, rules: LevelRules, now: datetime, timezone: str) -> Standing:
    """Which level the rules give a member: up as soon as it is earned, down as its level says, and not while it is pinned."""
    current, earned = rules.rank(standing.level_id), rules.earned(spend.amount)
    if is_pinned(standing, rules, now):
        return replace(standing, due_at=standing.pinned_until)
    level = rules.at(current)
    good = standing.until is None or standing.until > now
    stays = level is not None and level.keeps and (level.end(now, timezone) is None or good)
    rank = current if current > earned and stays else earned
    new = rules.at(rank)
    end = new.end(now, timezone) if new else None
    if end and rank == current and standing.until and good:
        end = standing.until
    return Standing(new.level_id if new else None, end, None, _due_at(new, end, spend))


def is_pinned(standing: Standing, rules: LevelRules, now: datetime) -> bool:
    """Whether the level does not move by itself now. A level that is not there any more cannot be held."""
    there = standing.level_id is None or rules.rank(standing.level_id) > 0
    return there and standing.pinned_until is not None and standing.pinned_until > now


def by_hand(
    level_id: UUID | None, pinned_until: datetime | None, spend: Spend, rules: LevelRules, now: datetime, timezone: str
) -> Standing:
    """What staff give a member (B3)."""
    level = rules.at(rules.rank(level_id))
    end = level.end(now, timezone) if level else None
    return Standing(level_id, end, pinned_until, pinned_until or _due_at(level, end, spend))


def judge_merged(standing: Standing, spend: Spend, rules: LevelRules, now: datetime, timezone: str) -> Standing:
    """The survivor's level after a merge: by all that was spent, and never below its own while that is good (F8)."""
    judged = judge(standing, spend, rules, now, timezone)
    own = rules.at(rules.rank(standing.level_id))
    if own is None or rules.rank(judged.level_id) >= rules.rank(own.level_id) or (standing.until or now) < now:
        return judged
    return replace(standing, pinned_until=None, due_at=_due_at(own, standing.until, spend))


def _due_at(level: Level | None, end: datetime | None, spend: Spend) -> datetime | None:
    if level is None or level.keeps:
        return end
    return leaves_window(spend.oldest) if spend.oldest else None


def leaves_window(placed_at: datetime) -> datetime:
    """When an order stops to count for the rolling year: at that time of day, 12 months later, by UTC."""
    return datetime.combine(months_later(placed_at.date(), WINDOW_MONTHS), placed_at.timetz())
