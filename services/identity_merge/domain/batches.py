"""Many merges at once: groups as somebody wrote them down, each judged and merged by itself (F1, F2, F9)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import partial
from uuid import UUID

from services.common.contact import clean_text
from services.common.errors import InvalidInput, StateConflict, Violation, Violations
from services.common.ids import NIL, parse_id
from services.identity_merge.domain.merges import LONGEST_DESCRIPTION, MOST, Adjustment, MergeRequest

# The dry run of more would take minutes, and nobody looks through its report.
MOST_GROUPS = 1_000
# What is kept of a cell that cannot be right: enough to find it again.
LONGEST_CELL = 200
_WHOLE = re.compile(r"[+-]?\d{1,18}")


class BatchState(IntEnum):
    """Numbers as in the contract's MergeBatchState."""

    CHECKING = 1
    CHECKED = 2
    RUNNING = 3
    DONE = 4


class GroupState(IntEnum):
    """Numbers as in the contract's MergeGroupState."""

    WAITING = 1
    READY = 2
    RUNNING = 3
    MERGED = 4
    FAILED = 5


@dataclass(frozen=True, slots=True)
class GroupWish:
    """A group as it was written; nothing about it need be right."""

    primary_id: str
    other_ids: tuple[str, ...] = ()
    points: str = ""
    expires_on: str = ""
    description: str = ""

    def kept(self) -> GroupWish:
        """The same, cut to what is worth keeping and can be kept."""
        ids = tuple(_cut(written) for written in self.other_ids[: MOST + 1])
        description = _cut(self.description, LONGEST_DESCRIPTION + 1)
        return GroupWish(_cut(self.primary_id), ids, _cut(self.points), _cut(self.expires_on), description)

    def read(self) -> MergeRequest:
        """What is asked; expiry and points are membership's to judge. Raises InvalidInput with every fault, by field."""
        found = Violations()
        if not self.other_ids:
            found.add("other_ids", "too_few_accounts", least="2")
        if len(self.other_ids) >= MOST:
            found.add("other_ids", "too_many_accounts", largest=str(MOST))
        primary = found.gather(partial(_read_id, self.primary_id, "primary_id"), NIL)
        merged: list[UUID] = []
        for number, written in enumerate(self.other_ids[: MOST - 1]):
            field = f"other_ids[{number}]"
            customer_id = found.gather(partial(_read_id, written, field), NIL)
            if customer_id != NIL and customer_id in (primary, *merged):
                found.add(field, "repeated_account")
            merged.append(customer_id)
        points = found.gather(partial(_read_points, self.points), 0)
        note = found.gather(lambda: clean_text(self.description, "description", LONGEST_DESCRIPTION), "")
        found.check()
        return MergeRequest(primary, tuple(merged), Adjustment(points, self.expires_on.strip(), note))


def _cut(written: str, longest: int = LONGEST_CELL) -> str:
    """Without control characters, which no database keeps; composing may make a text longer, never four times."""
    return clean_text(written[: 10 * longest], "", 40 * longest)[:longest]


def _read_id(written: str, field: str) -> UUID:
    if not written.strip():
        raise InvalidInput.of(field, "required")
    return parse_id(written.strip(), field)


def _read_points(written: str) -> int:
    if not written.strip():
        return 0
    if not _WHOLE.fullmatch(written.strip()):
        raise InvalidInput.of("points", "not_a_whole_number")
    return int(written)


@dataclass(frozen=True, slots=True)
class Group:
    """A group of a batch. What it is planned to be is None until it was checked, the run until it has begun."""

    place: int
    wish: GroupWish
    state: GroupState = GroupState.WAITING
    problems: Sequence[Violation] = ()
    warnings: Sequence[str] = ()
    primary_id: UUID | None = None
    merged_ids: Sequence[UUID] = ()
    plan_id: UUID | None = None
    merge_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Many merges. `start`: what is good is merged as soon as all are checked."""

    batch_id: UUID
    total: int
    start: bool
    requested_by: str
    requested_at: datetime
    state: BatchState = BatchState.CHECKING
    ready: int = 0
    merged: int = 0
    failed: int = 0
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    finished_at: datetime | None = None

    def check_confirmable(self) -> None:
        """Raises StateConflict (merge_batch_not_checked, merge_batch_confirmed)."""
        if self.state is BatchState.CHECKING:
            raise StateConflict("merge_batch_not_checked")
        if self.state is not BatchState.CHECKED:
            raise StateConflict("merge_batch_confirmed")


def check_groups(wishes: Sequence[GroupWish]) -> None:
    """Raises InvalidInput (no_groups, too_many_groups)."""
    if not wishes:
        raise InvalidInput.of("groups", "no_groups")
    if len(wishes) > MOST_GROUPS:
        raise InvalidInput.of("groups", "too_many_groups", largest=f"{MOST_GROUPS:,}")


def in_other_group(accounts: MergeRequest, taken: Mapping[UUID, int]) -> list[Violation]:
    """Accounts that an earlier group of the batch has: the first group in the list has them, in whatever order the work is done."""
    ids = {"primary_id": accounts.primary_id} | {f"other_ids[{n}]": i for n, i in enumerate(accounts.merged_ids)}
    return [
        Violation(field, "account_in_other_group", {"group": str(taken[customer_id])})
        for field, customer_id in ids.items()
        if customer_id in taken
    ]
