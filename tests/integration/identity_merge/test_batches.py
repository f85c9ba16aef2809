"""Many merges at once: checked, confirmed, each group once, the others go on (F1, F2, F8-F10, L)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from onefold.identity_merge.v1 import batches_pb2 as pb
from onefold.identity_merge.v1 import service_pb2
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict, Unavailable
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import batches
from services.identity_merge.domain.batches import MOST_GROUPS
from tests.integration.identity_merge.conftest import Service

READY, MERGED, FAILED = pb.MERGE_GROUP_STATE_READY, pb.MERGE_GROUP_STATE_MERGED, pb.MERGE_GROUP_STATE_FAILED


def ids(count: int) -> list[str]:
    return [str(new_id()) for _ in range(count)]


def group(primary: str, *others: str, **cells: str) -> pb.MergeGroupWish:
    return pb.MergeGroupWish(primary_id=primary, other_ids=others, **cells)


async def create(
    service: Service, who: ServiceClaims, *groups: pb.MergeGroupWish, start: bool = False, key: str = ""
) -> pb.MergeBatch:
    request = pb.CreateMergeBatchRequest(groups=groups, start=start)
    answer = await service.call(service.batches.CreateMergeBatch, request, who, key or str(new_id()))
    batch: pb.MergeBatch = answer.batch
    return batch


async def checked(service: Service, who: ServiceClaims, *groups: pb.MergeGroupWish) -> pb.MergeBatch:
    batch = await create(service, who, *groups)
    await batches.tend_batches(service.worker)
    return await batch_of(service, who, batch)


async def confirm(service: Service, who: ServiceClaims, batch: pb.MergeBatch, key: str = "") -> pb.MergeBatch:
    request = pb.ConfirmMergeBatchRequest(batch_id=batch.batch_id)
    answer = await service.call(service.batches.ConfirmMergeBatch, request, who, key or str(new_id()))
    found: pb.MergeBatch = answer.batch
    return found


async def batch_of(service: Service, who: ServiceClaims, batch: pb.MergeBatch) -> pb.MergeBatch:
    request = pb.GetMergeBatchRequest(batch_id=batch.batch_id)
    found: pb.MergeBatch = (await service.call(service.batches.GetMergeBatch, request, who)).batch
    return found


async def groups_of(
    service: Service, who: ServiceClaims, batch: pb.MergeBatch, size: int = 100, *, failed_only: bool = False
) -> list[pb.MergeGroup]:
    found: list[pb.MergeGroup] = []
    request = pb.ListMergeGroupsRequest(batch_id=batch.batch_id, failed_only=failed_only)
    request.page.size = size
    while True:
        answer = await service.call(service.batches.ListMergeGroups, request, who)
        found += answer.groups
        if not answer.next_page_token:
            return found
        request.page.token = answer.next_page_token


async def finished(service: Service, who: ServiceClaims, batch: pb.MergeBatch) -> pb.MergeBatch:
    """The batch once workers have nothing more to do about it."""
    async with asyncio.timeout(30):
        while True:
            await batches.tend_batches(service.worker)
            while await service.runner().work_one():
                pass
            found = await batch_of(service, who, batch)
            if found.state == pb.MERGE_BATCH_STATE_DONE:
                return found


def problems(found: Sequence[pb.MergeGroup]) -> list[Any]:
    return [(g.place, [(p.field, p.reason) for p in g.problems]) for g in found if g.problems]


async def test_each_group_is_judged_by_itself_and_the_good_ones_are_merged(service: Service) -> None:
    """F1, F2, F10: every cell with its fault; an id that was merged stands for its survivor; the first group has an account."""
    who, a, old, gone = await service.new_store(), ids(14), str(new_id()), str(new_id())
    service.script.merged[old] = a[3]
    service.script.unknown.add(gone)
    wishes = [
        group(a[0], a[1], a[2], points="50", expires_on="2099-12-31", description="double card"),
        group(a[4], old),
        group("", a[5]),
        group(a[5], "12", points="many"),
        group(a[5]),
        group(a[5], *a[6:11]),
        group(a[5], a[5]),
        group(a[5], gone),
        group(a[1], a[5]),
        group(a[5], a[3]),
        group(a[3], old),
        group(a[5], a[6]),
        group(a[7], a[8], description="x\0" * 600),
    ]
    batch = await checked(service, who, *wishes)
    assert (batch.state, batch.total, batch.ready_count, batch.failed_count) == (
        pb.MERGE_BATCH_STATE_CHECKED,
        13,
        3,
        10,
    )
    found = await groups_of(service, who, batch, size=4)
    assert [g.place for g in found] == list(range(1, 14))
    assert problems(found) == [
        (3, [("primary_id", "required")]),
        (4, [("other_ids[0]", "invalid_id"), ("points", "not_a_whole_number")]),
        (5, [("other_ids", "too_few_accounts")]),
        (6, [("other_ids", "too_many_accounts")]),
        (7, [("other_ids[0]", "repeated_account")]),
        (8, [("other_ids[0]", "customer_not_found")]),
        (9, [("primary_id", "account_in_other_group")]),
        (10, [("other_ids[0]", "account_in_other_group")]),
        (11, [("other_ids", "repeated_account")]),
        (13, [("description", "too_long")]),
    ]
    assert dict(found[9].problems[0].params) == {"group": "2"}
    assert (found[1].primary_id, list(found[1].merged_ids)) == (a[4], [a[3]])
    assert list(found[0].warnings) == ["different_names"]
    assert found[1].wish == wishes[1]
    assert await groups_of(service, who, batch, failed_only=True) == [g for g in found if g.state == FAILED]
    assert service.script.asked("Absorb") == []

    running = await confirm(service, who, batch)
    assert (running.state, running.confirmed_by) == (pb.MERGE_BATCH_STATE_RUNNING, who.actor)
    done = await finished(service, who, batch)
    assert (done.merged_count, done.ready_count, done.failed_count) == (3, 0, 10)
    assert done.HasField("finished_at")
    absorbed = {r.primary_id: r for r in service.script.asked("Absorb")}
    assert {i: list(r.merged_ids) for i, r in absorbed.items()} == {a[0]: a[1:3], a[4]: [a[3]], a[5]: [a[6]]}
    assert (absorbed[a[0]].adjustment.points, absorbed[a[0]].adjustment.expires_on) == (50, "2099-12-31")
    merged = [g for g in await groups_of(service, who, batch) if g.state == MERGED]
    assert {g.merge_run_id for g in merged} == service.script.absorbed
    notes = await service.rows("SELECT 1 FROM outbox WHERE type LIKE '%audit_noted%'")
    assert len(notes) >= 7  # the batch, and the beginning and end of each merge


async def test_what_asks_to_start_goes_on_by_itself_and_once(service: Service) -> None:
    """E7: the same key is the same batch; what has begun is not confirmed again; nothing, or too much, is no batch."""
    who, a = await service.new_store(), ids(4)
    wishes = (group(a[0], a[1]), group(a[2], a[3]), group(a[0], a[3]))
    batch = await create(service, who, *wishes, start=True, key="k")
    assert (await create(service, who, *wishes, start=True, key="k")).batch_id == batch.batch_id
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await create(service, who, *wishes[:2], start=True, key="k")
    done = await finished(service, who, batch)
    assert (done.merged_count, done.failed_count) == (2, 1)
    with pytest.raises(StateConflict, match="merge_batch_confirmed"):
        await confirm(service, who, batch)
    for wrong in ([], [wishes[0]] * (MOST_GROUPS + 1)):
        with pytest.raises(InvalidInput) as caught:
            await create(service, who, *wrong)
        assert caught.value.violations[0].reason == ("too_many_groups" if wrong else "no_groups")
    request = pb.ListMergeBatchesRequest()
    assert len((await service.call(service.batches.ListMergeBatches, request, who)).batches) == 1


async def test_what_is_not_checked_is_not_confirmed_and_waits_for_membership(service: Service) -> None:
    """L: while membership is away nothing is said of any group."""
    who, a = await service.new_store(), ids(2)
    service.script.errors["PreviewAbsorb"] = Unavailable("service_unavailable")
    batch = await checked(service, who, group(*a))
    assert (batch.state, batch.failed_count) == (pb.MERGE_BATCH_STATE_CHECKING, 0)
    with pytest.raises(StateConflict, match="merge_batch_not_checked"):
        await confirm(service, who, batch)
    service.script.errors.clear()
    await batches.tend_batches(service.worker)
    assert (await confirm(service, who, batch, "k")).state == pb.MERGE_BATCH_STATE_RUNNING
    assert (await confirm(service, who, batch, "k")).batch_id == batch.batch_id
    assert (await finished(service, who, batch)).merged_count == 1


async def test_stale_expired_and_busy_groups_are_reported_and_the_others_go_on(service: Service) -> None:
    """F8, F9, fault 10: what changed since the check, whom another merge holds, what was checked too long ago."""
    who, a = await service.new_store(), ids(9)
    batch = await checked(service, who, *(group(a[n], a[n + 1]) for n in (0, 2, 4, 6)))
    other = await service.plan(who, *(new_id(),), *map(type(new_id()), a[2:3]))
    await service.commit(who, other)
    await service.rows(
        """UPDATE merge_plans SET expires_at = now() WHERE plan_id = (SELECT plan_id FROM merge_groups WHERE place = 3)"""
    )
    stale = a[6]
    await confirm(service, who, batch)
    await batches.tend_batches(service.worker)
    await service.rows("UPDATE merge_runs SET claimed_until = now() + interval '9 s' WHERE primary_id <> :p", p=stale)
    service.script.errors["Absorb"] = Conflict("stale_plan")
    assert await service.runner().work_one()
    service.script.errors.clear()
    await service.rows("UPDATE merge_runs SET claimed_until = now() WHERE finished_at IS NULL")
    done = await finished(service, who, batch)
    assert (done.merged_count, done.failed_count) == (1, 3)
    assert problems(await groups_of(service, who, batch)) == [
        (2, [("", "merge_in_progress")]),
        (3, [("", "plan_expired")]),
        (4, [("", "stale_plan")]),
    ]


async def test_workers_share_batches_and_nobody_is_merged_twice(service: Service) -> None:
    """F9: two workers at two batches of the same accounts, and merges by hand among them; never more than the room there is."""
    who, a = await service.new_store(), ids(20)
    wishes = [group(a[n], a[n + 1]) for n in range(0, 20, 2)]
    made = [await create(service, who, *order, start=True) for order in (wishes, wishes[::-1])]
    most = 0

    async def work() -> None:
        nonlocal most
        for _ in range(200):
            await batches.tend_batches(service.worker)
            running = await service.rows("SELECT batch_id FROM merge_groups WHERE state = 3")
            most = max(most, *(sum(r.batch_id == b for r in running) for b in {r.batch_id for r in running}), 0)
            while await service.runner().work_one():
                await asyncio.sleep(0)
            if all([(await batch_of(service, who, b)).state == pb.MERGE_BATCH_STATE_DONE for b in made]):
                return

    async with asyncio.timeout(60):
        await asyncio.gather(*(work() for _ in range(2)))
    done = [await batch_of(service, who, b) for b in made]
    assert all(b.merged_count + b.failed_count == 10 for b in done)
    runs = await service.rows("SELECT state FROM merge_runs")
    assert sum(b.merged_count for b in done) == len(runs) == len(service.script.absorbed) >= 10
    assert {run.state for run in runs} == {service_pb2.MERGE_STATE_COMPLETED}
    assert 0 < most <= batches.RUNNING_AT_ONCE


async def test_another_store_sees_no_batch(service: Service) -> None:
    """S"""
    who, other = await service.new_store(), await service.new_store()
    batch = await checked(service, who, group(*ids(2)))
    for look in (batch_of(service, other, batch), groups_of(service, other, batch), confirm(service, other, batch)):
        with pytest.raises(NotFound, match="merge_batch_not_found"):
            await look
    assert (await service.call(service.batches.ListMergeBatches, pb.ListMergeBatchesRequest(), other)).batches == []
