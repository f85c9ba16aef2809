"""Level rules and levels by hand as they are asked for: what is wrong with them, and what they come to (B1, B3, B6)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

from services.common.contact import clean_text
from services.common.errors import Conflict, InvalidInput, Violations
from services.common.ids import NIL
from services.common.money import check_amount
from services.common.searching import fold
from services.membership.domain.days import end_of_day, read_date
from services.membership.domain.levels import Basis, Lapse, Level, LevelRules
from services.membership.domain.settings import StoreSettings

MOST_LEVELS = 10
LONGEST_NAME = 40
LONGEST_REASON = 200
LARGEST_GIFT = 1_000_000
LONGEST_VALIDITY = 120
_MULTIPLIERS = range(100, 1_001)


@dataclass(frozen=True, slots=True)
class Step:
    """How many members go from one level to another; names are empty where there is none.

    `marks` are sums of hashes over customer, from and to: the same sums are the same moves.
    """

    from_name: str
    to_name: str
    down: bool
    members: int
    marks: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LevelChoice:
    """A level that staff give a member. `pinned_until` None: it is not pinned."""

    level_id: UUID | None
    reason: str
    pinned_until: datetime | None


def read_rules(store_id: UUID, asked: LevelRules, known: LevelRules) -> LevelRules:
    """Rules from a request; `known` are those of now. New levels (NIL) get ids, the same at each reading, so that a
    simulation and the save that follows speak of the same.

    Raises Conflict (stale_version), InvalidInput naming each field (unknown_value, too_many_levels, and what `_check_level`
    finds).
    """
    if asked.version != known.version:
        raise Conflict("stale_version", "the rules have been changed since they were read")
    if len(asked.levels) > MOST_LEVELS:
        raise InvalidInput.of("levels", "too_many_levels", largest=str(MOST_LEVELS))
    faults = Violations()
    if asked.basis not in list(Basis):
        faults.add("basis", "unknown_value", known=", ".join(str(int(basis)) for basis in Basis))
    levels: list[Level] = []
    for n, level in enumerate(asked.levels):
        levels.append(_check_level(level, levels, known, faults, f"levels[{n}]."))
    faults.check()
    return LevelRules(asked.basis, [_with_id(level, store_id, asked.version) for level in levels], asked.version)


def _check_level(level: Level, below: Sequence[Level], known: LevelRules, faults: Violations, prefix: str) -> Level:
    """The level with its name in its stored form. Notes required, too_long, repeated_name, threshold_not_rising,
    negative_amount, amount_too_large, out_of_range, multiplier_out_of_range, unknown_value, unknown_level.
    """
    name = faults.gather(lambda: clean_text(level.name, "name", LONGEST_NAME), "", prefix)
    if not level.name.strip():
        faults.add(prefix + "name", "required")
    elif fold(name) in {fold(other.name) for other in below}:
        faults.add(prefix + "name", "repeated_name")
    faults.gather(lambda: check_amount(level.threshold, "threshold_minor"), 0, prefix)
    if below and level.threshold <= below[-1].threshold:
        faults.add(prefix + "threshold_minor", "threshold_not_rising")
    for field, value, largest in (
        ("discount_percent", level.discount, 100),
        ("birthday_points", level.birthday_points, LARGEST_GIFT),
        ("validity_months", level.validity_months, LONGEST_VALIDITY),
    ):
        check_range(value, 0, largest, prefix + field, faults)
    if level.multiplier not in _MULTIPLIERS:
        faults.add(prefix + "points_multiplier_percent", "multiplier_out_of_range")
    if level.lapse not in list(Lapse):
        faults.add(prefix + "lapse", "unknown_value", known=", ".join(str(int(lapse)) for lapse in Lapse))
    taken = {other.level_id for other in below}
    if level.level_id != NIL and (not known.rank(level.level_id) or level.level_id in taken):
        faults.add(prefix + "level_id", "unknown_level")
    return replace(level, name=name)


def check_range(value: int, smallest: int, largest: int, field: str, faults: Violations) -> None:
    """Notes out_of_range unless the value is one of smallest … largest."""
    if not smallest <= value <= largest:
        faults.add(field, "out_of_range", smallest=str(smallest), largest=str(largest))


def _with_id(level: Level, store_id: UUID, version: int) -> Level:
    if level.level_id != NIL:
        return level
    return replace(level, level_id=uuid5(store_id, f"level {version} {fold(level.name)}"))


def simulation_hash(rules: LevelRules, steps: Sequence[Step]) -> bytes:
    """Stands for exactly these rules and moves (B6)."""
    moves = sorted((step.from_name, step.to_name, step.members, step.marks) for step in steps)
    text = repr(
        (rules.version, int(rules.basis), [[str(value) for value in astuple(level)] for level in rules.levels], moves)
    )
    return hashlib.sha256(text.encode()).digest()


def read_choice(
    level_id: UUID | None, reason: str, pinned_until: str, settings: StoreSettings, now: datetime
) -> LevelChoice:
    """A level by hand from a request. Raises InvalidInput (unknown_level, required, too_long, invalid_date, pin_in_past)."""
    faults = Violations()
    if level_id is not None and not settings.rules.rank(level_id):
        faults.add("level_id", "unknown_level")
    why = faults.gather(lambda: clean_text(reason, "reason", LONGEST_REASON), "-")
    if not why:
        faults.add("reason", "required")
    pin = faults.gather(lambda: _read_pin(pinned_until, settings.timezone, now), None)
    faults.check()
    return LevelChoice(level_id, why, pin)


def _read_pin(text: str, timezone: str, now: datetime) -> datetime | None:
    if not text:
        return None
    pin = end_of_day(read_date(text, "pinned_until"), timezone)
    if pin <= now:
        raise InvalidInput.of("pinned_until", "pin_in_past")
    return pin
