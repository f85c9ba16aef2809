"""A change of level rules on its way: asked for, applied by the worker, done or refused (B6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.membership.domain.level_rules import Step
from services.membership.domain.levels import LevelRules


class RunState(IntEnum):
    """Numbers as in the contract's LevelRunState."""

    QUEUED = 1
    RUNNING = 2
    DONE = 3
    REFUSED = 4


@dataclass(frozen=True, slots=True)
class LevelRun:
    """`rules` as they were asked for, `seen` the simulation's hash; `done` members of `total` are judged.

    `up` and `down` count who moved, and `refusal` is a stable reason, once the run is at its end.
    """

    run_id: UUID
    rules: LevelRules
    seen: bytes
    requested_by: str
    requested_at: datetime
    state: RunState = RunState.QUEUED
    done: int = 0
    total: int = 0
    up: int = 0
    down: int = 0
    refusal: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


def add_steps(steps: Iterable[Step]) -> list[Step]:
    """Steps of parts of a store as those of the whole: counts and marks are sums."""
    whole: dict[tuple[str, str, bool], Step] = {}
    for step in steps:
        key = (step.from_name, step.to_name, step.down)
        so_far = whole.get(key)
        if so_far:
            marks = (so_far.marks[0] + step.marks[0], so_far.marks[1] + step.marks[1])
            step = Step(*key, so_far.members + step.members, marks)
        whole[key] = step
    return list(whole.values())
