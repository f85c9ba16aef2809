"""A merge's request, plan and run (F1-F9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from services.common.errors import Conflict, Internal, InvalidInput, StateConflict
from services.common.ids import new_id
from services.identity_merge.domain.merges import (
    Adjustment,
    Foreseen,
    MergeRequest,
    MergeState,
    Plan,
    Run,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
A, B, C = (new_id() for _ in range(3))
SEEN = Foreseen(b"f")
REQUEST = MergeRequest(A, (B, C), Adjustment(5, "2026-12-31", "gift"))


def plan(**changes: object) -> Plan:
    return replace(Plan(new_id(), REQUEST.plan_hash(SEEN), REQUEST, b"f", NOW), **changes)  # type: ignore[arg-type]


def run() -> Run:
    return Run.start(plan(), merge_run_id=new_id(), actor="staff:1", now=NOW)


def test_the_hash_is_of_what_is_asked_and_foreseen_whatever_the_order() -> None:
    """F8"""
    same = {MergeRequest(A, ids, REQUEST.adjustment).plan_hash(SEEN) for ids in permutations((B, C))}
    assert same == {REQUEST.plan_hash(SEEN)}
    others = {
        MergeRequest(B, (A, C), REQUEST.adjustment).plan_hash(SEEN),
        MergeRequest(A, (B,), REQUEST.adjustment).plan_hash(SEEN),
        MergeRequest(A, (B, C), Adjustment(6, "2026-12-31", "gift")).plan_hash(SEEN),
        MergeRequest(A, (B, C), Adjustment(5, "2026-12-30", "gift")).plan_hash(SEEN),
        MergeRequest(A, (B, C), Adjustment(5, "2026-12-31", "Gift")).plan_hash(SEEN),
        REQUEST.plan_hash(Foreseen(b"g")),
    }
    assert len(others | same) == 7


def test_participants_are_locked_in_one_order_whoever_is_the_primary() -> None:
    """Faults 7 and 8"""
    orders = {tuple(MergeRequest(ids[0], ids[1:], Adjustment()).participants) for ids in permutations((A, B, C))}
    assert orders == {tuple(sorted((A, B, C)))}


def test_a_description_that_is_too_long_is_named_beside_the_other_faults() -> None:
    with pytest.raises(InvalidInput) as caught:
        MergeRequest.read([str(A)], str(B), Adjustment(description="x" * 501))
    assert [(v.field, v.reason) for v in caught.value.violations] == [
        ("customer_ids", "too_few_accounts"),
        ("primary_id", "primary_not_listed"),
        ("adjustment.description", "too_long"),
    ]


def test_a_plan_is_good_for_its_own_hash_and_an_hour() -> None:
    plan().check(REQUEST.plan_hash(SEEN))
    with pytest.raises(Conflict, match="stale_plan"):
        plan().check(REQUEST.plan_hash(Foreseen(b"g")))
    with pytest.raises(StateConflict, match="plan_expired"):
        plan(expired=True).check(REQUEST.plan_hash(SEEN))
    plan(expired=True, merge_run_id=new_id()).check(REQUEST.plan_hash(SEEN))  # committed in time
    with pytest.raises(Conflict, match="stale_plan"):
        plan().check_unchanged(Foreseen(b"g"))


def test_a_stale_plan_names_what_changed_and_keeps_no_value() -> None:
    """F8, C12: by account and field; a provider's login that is new makes a plan stale, too."""
    facts = [(str(A), "points", "120"), (str(A), "name", "陳大文"), (str(B), "tag", "vip"), (str(B), "tag", "tea")]
    seen, plan_id = Foreseen(b"f", facts=facts), new_id()
    known = plan(plan_id=plan_id, plan_hash=REQUEST.plan_hash(seen), marks=seen.marks(plan_id))
    assert "陳" not in str(known.marks)
    known.check_unchanged(Foreseen(b"f", facts=facts[::-1]))
    with pytest.raises(Conflict) as stale:
        known.check_unchanged(Foreseen(b"g", facts=[(str(A), "points", "130"), *facts[1:3]]))
    assert stale.value.params == {"changed": ", ".join(sorted([f"{A} points", f"{B} tag"]))}
    with pytest.raises(Conflict, match="stale_plan"):
        known.check_unchanged(Foreseen(b"f", [new_id()], facts))


def test_a_run_goes_forward_and_counts_orders() -> None:
    merge = run()
    merge.absorbed([])
    merge.logins_retired([])
    merge.expect_orders(10)
    merge.moved(4)
    merge.complete(6, NOW)
    assert (merge.state, merge.orders_moved, merge.finished_at, merge.finished) == (MergeState.COMPLETED, 10, NOW, True)
    assert merge.version == 6  # one for each change: writes are guarded by it


def test_a_batch_that_was_moved_but_not_noted_is_counted_in_the_end() -> None:
    merge = run()
    merge.absorbed([])
    merge.logins_retired([])
    merge.expect_orders(10)
    merge.complete(6, NOW)
    assert merge.orders_moved == 10


STEPS: dict[str, Callable[[Run], None]] = {
    "absorbed": lambda merge: merge.absorbed([]),
    "refuse": lambda merge: merge.refuse("stale_plan", NOW),
    "logins_retired": lambda merge: merge.logins_retired([]),
    "expect_orders": lambda merge: merge.expect_orders(1),
    "moved": lambda merge: merge.moved(1),
    "complete": lambda merge: merge.complete(0, NOW),
}
ALLOWED = {
    MergeState.PLANNED: {"absorbed", "refuse"},
    MergeState.ABSORBED: {"logins_retired"},
    MergeState.LOGINS_RETIRED: {"expect_orders", "moved", "complete"},
    MergeState.COMPLETED: set(),
    MergeState.REFUSED: set(),
}


@pytest.mark.parametrize("state", MergeState)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_taken_from_its_own_state_only(state: MergeState, step: str) -> None:
    """F9: after the pivot nothing refuses, and nothing goes back."""
    merge = run()
    merge.state = state
    if step in ALLOWED[state]:
        STEPS[step](merge)
        assert merge.version == 2
        return
    with pytest.raises(Internal):
        STEPS[step](merge)
    assert (merge.state, merge.version) == (state, 1)
