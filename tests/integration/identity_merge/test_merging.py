"""Merges carried out: in order, once, by whoever is there (F5-F9, F13, faults 6-8)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import events_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import service_pb2 as membership
from services.common.errors import Conflict, Internal, InvalidInput, NotFound, OnefoldError, StateConflict, Unavailable
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge.commands import runner
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods


async def started(service: Service, who: ServiceClaims, *ids: UUID) -> pb.MergeRun:
    """A committed merge of `ids`, the first being the primary; of two new ids when none is named."""
    return await service.commit(who, await service.plan(who, *(ids or (new_id(), new_id()))))


async def make_due(service: Service) -> None:
    """Leases and waiting times are over."""
    await service.rows("UPDATE merge_runs SET claimed_until = now() - interval '1 second' WHERE finished_at IS NULL")


async def test_a_merge_goes_through_all_its_steps(service: Service) -> None:
    """F5, F6: the pivot, then the logins at once, then the orders batch by batch; told when it is done, with every old id (F10) and,
    masked, the logins that ended (F13).
    """
    who, a, b, c = await service.new_store(), new_id(), new_id(), new_id()
    primary, merged = enrolled(a, phone="+85290000001", email="a@example.com"), enrolled(b)
    await deliver(service, who, primary, merged)
    steps: list[str] = []
    service.script.on_call = steps.append
    service.script.batches, service.script.settled = [2000, 2000, 17], 4017
    service.script.earlier = [str(new_id())]
    adjustment = membership.PointsAdjustment(points=-5, description="double card")
    request = pb.PlanMergeRequest(customer_ids=[str(a), str(b), str(c)], primary_id=str(a), adjustment=adjustment)
    plan = (await service.call(service.merges.PlanMerge, request, who, "plan")).plan
    run = await service.commit(who, plan)
    assert (run.state, run.started_by, run.HasField("finished_at")) == (pb.MERGE_STATE_PLANNED, who.actor, False)
    steps.clear()
    assert await service.runner().work_one()
    assert not await service.runner().work_one()

    done = await service.merge_of(who, run)
    assert (done.state, done.orders_moved, done.refusal) == (pb.MERGE_STATE_COMPLETED, 4017, "")
    assert (done.primary_id, list(done.merged_ids)) == (str(a), [str(b), str(c)])
    assert done.HasField("finished_at")
    assert steps == ["Absorb", "SummariseCustomers", "RelinkOrders", "RelinkOrders", "RelinkOrders"]
    (absorb,) = service.script.asked("Absorb")
    assert absorb == membership.AbsorbRequest(
        merge_run_id=run.merge_run_id,
        primary_id=str(a),
        merged_ids=[str(b), str(c)],
        adjustment=adjustment,
        fingerprint=b"as they were",
    )
    assert [m.value for m in await methods(service, who, str(a))] == ["+85290000001", "a@example.com"]
    assert await methods(service, who, str(b)) == []
    events = await service.rows("SELECT type, payload FROM outbox WHERE type LIKE '%.merge_%' ORDER BY seq")
    assert [e.type.split(".")[1] for e in events] == ["merge_started", "merge_completed"]
    told = events_pb2.MergeCompleted.FromString(events[1].payload)
    assert (told.run, list(told.old_ids)) == (done, [str(b), str(c), *service.script.earlier])
    ended = [(login.customer_id, login.kind, login.mask) for login in done.ended_logins]
    assert ended == [(str(b), "phone", "••• 53"), (str(b), "email", "t•••@•••.com")]


async def test_the_others_are_asked_in_the_name_of_store_and_person(service: Service) -> None:
    """An award's last day is reckoned in the store's time zone; who started the merge stays on record."""
    who = await service.new_store()
    await started(service, who)
    service.script.calls.clear()
    await service.runner().work_one()
    assert {method for method, _, _ in service.script.calls} == {"Absorb", "SummariseCustomers", "RelinkOrders"}
    expected = ServiceClaims(
        actor=who.actor,
        role="service",
        store_id=who.store_id,
        region="HK",
        currency="HKD",
        timezone="Asia/Taipei",
        language="zh-Hant",
    )
    assert {claims for _, _, claims in service.script.calls} == {expected}


async def test_old_logins_are_dead_before_the_first_order_moves(service: Service) -> None:
    """F13: however many orders there are, and even while the orders service is away."""
    who, a, b = await service.new_store(), new_id(), new_id()
    await deliver(service, who, enrolled(b))
    run = await started(service, who, a, b)
    service.script.errors["SummariseCustomers"] = Unavailable("service_unavailable")
    await service.runner().work_one()
    assert (await service.merge_of(who, run)).state == pb.MERGE_STATE_LOGINS_RETIRED
    assert await methods(service, who, str(b)) == []
    (counts,) = await service.rows("SELECT count(*) AS kept, count(value) AS values FROM login_methods")
    assert (counts.kept, counts.values) == (2, 0)


async def test_a_login_that_comes_after_its_owner_was_merged_is_born_retired(service: Service) -> None:
    """T: the event of the enrolment was late."""
    who, a, b = await service.new_store(), new_id(), new_id()
    await started(service, who, a, b)
    await service.runner().work_one()
    await deliver(service, who, enrolled(b))
    assert await methods(service, who, str(b)) == []
    assert [row.state for row in await service.rows("SELECT state FROM login_methods")] == [3, 3]
    assert await service.rows("SELECT 1 FROM outbox WHERE type LIKE '%confirmation_requested%'") == []


async def test_enrolment_and_retirement_at_the_same_moment_leave_no_login(service: Service) -> None:
    """T: in whichever order they meet."""
    who = await service.new_store()
    for _ in range(8):
        a, b = new_id(), new_id()
        await started(service, who, a, b)
        late = enrolled(b, phone="", email=f"{b}@example.com")
        await asyncio.gather(service.runner().work_one(), deliver(service, who, late))
        assert await methods(service, who, str(b)) == []


RACES = [[[0, 1, 2], [2, 3, 4]], [[0, 1], [1, 0]], [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]]]


@pytest.mark.parametrize("sides", RACES)
async def test_of_two_merges_that_overlap_one_wins(service: Service, sides: Sequence[Sequence[int]]) -> None:
    """F9, F10, faults 7 and 8: no deadlock, no cycle; afterwards the accounts are free again."""
    who = await service.new_store()
    for _ in range(10):
        ids = [new_id() for _ in range(5)]
        plans = [await service.plan(who, *(ids[i] for i in side)) for side in sides]
        async with asyncio.timeout(5):
            results = await asyncio.gather(*(service.commit(who, plan) for plan in plans), return_exceptions=True)
        refused = [r for r in results if isinstance(r, OnefoldError)]
        won = [r for r in results if isinstance(r, pb.MergeRun)]
        assert (len(won), [(type(r), r.reason) for r in refused]) == (1, [(Conflict, "merge_in_progress")])
        active = await service.rows("SELECT merge_run_id, customer_id FROM merge_participants WHERE active")
        assert {str(row.customer_id) for row in active} == {won[0].primary_id, *won[0].merged_ids}
        while await service.runner().work_one():
            pass
        assert await service.rows("SELECT 1 FROM merge_participants WHERE active") == []
    runs = await service.rows("SELECT state FROM merge_runs")
    assert [run.state for run in runs] == [pb.MERGE_STATE_COMPLETED] * 10


async def test_the_side_that_lost_may_start_once_the_other_is_done(service: Service) -> None:
    who, a, b, c = await service.new_store(), new_id(), new_id(), new_id()
    first, second = await service.plan(who, a, b), await service.plan(who, a, c)
    await service.commit(who, first)
    with pytest.raises(Conflict):
        await service.commit(who, second, key="k")
    await service.runner().work_one()
    assert (await service.commit(who, second, key="k")).state == pb.MERGE_STATE_PLANNED


async def test_merges_of_other_stores_with_the_same_ids_do_not_meet(service: Service) -> None:
    """S"""
    a, b = new_id(), new_id()
    stores = [await service.new_store() for _ in range(2)]
    runs = [await started(service, who, a, b) for who in stores]
    assert await service.runner().work_one()
    assert await service.runner().work_one()
    assert {(await service.merge_of(who, run)).state for who, run in zip(stores, runs, strict=True)} == {
        pb.MERGE_STATE_COMPLETED
    }
    with pytest.raises(NotFound) as caught:
        await service.merge_of(stores[0], runs[1])
    assert caught.value.reason == "merge_not_found"


REFUSALS = [
    (Conflict("stale_plan"), "stale_plan"),
    (StateConflict("already_merged"), "already_merged"),
    (NotFound("customer_not_found"), "customer_not_found"),
    (InvalidInput.of("adjustment.expires_on", "expiry_in_past"), "expiry_in_past"),
]


@pytest.mark.parametrize(("error", "reason"), REFUSALS)
async def test_a_refused_merge_leaves_nothing_locked_and_no_login_retired(
    service: Service, error: OnefoldError, reason: str
) -> None:
    """F9: before the pivot it is all or nothing."""
    who, a, b = await service.new_store(), new_id(), new_id()
    await deliver(service, who, enrolled(b))
    run = await started(service, who, a, b)
    service.script.errors["Absorb"] = error
    assert await service.runner().work_one()
    refused = await service.merge_of(who, run)
    assert (refused.state, refused.refusal, refused.HasField("finished_at")) == (pb.MERGE_STATE_REFUSED, reason, True)
    assert len(await methods(service, who, str(b))) == 2
    assert service.script.asked("RelinkOrders") == []
    (event,) = await service.rows("SELECT payload FROM outbox WHERE type = 'identity_merge.merge_refused.v1'")
    assert events_pb2.MergeRefused.FromString(event.payload).run == refused
    service.script.errors.clear()
    again = await started(service, who, a, b)
    await service.runner().work_one()
    assert (await service.merge_of(who, again)).state == pb.MERGE_STATE_COMPLETED


@pytest.mark.parametrize("method", ["Absorb", "SummariseCustomers", "RelinkOrders"])
@pytest.mark.parametrize("error", [Unavailable("service_unavailable"), Internal("internal")])
async def test_a_step_that_fails_is_tried_again_until_it_succeeds(
    service: Service, method: str, error: OnefoldError
) -> None:
    """L: with growing pauses, in which others have their turn."""
    who = await service.new_store()
    run = await started(service, who)
    service.script.errors[method] = error
    for attempt in range(1, 7):
        await make_due(service)
        assert await service.runner().work_one()
        (row,) = await service.rows("SELECT attempts, claimed_by FROM merge_runs")
        assert (row.attempts, row.claimed_by) == (attempt, None)
    assert not await service.runner().work_one()  # by now it waits long
    await make_due(service)
    assert len(await service.rows("SELECT 1 FROM merge_participants WHERE active")) == 2
    service.script.errors.clear()
    await service.runner().work_one()
    assert (await service.merge_of(who, run)).state == pb.MERGE_STATE_COMPLETED
    assert len(service.script.absorbed) == 1


@pytest.mark.parametrize("method", ["Absorb", "SummariseCustomers", "RelinkOrders"])
async def test_a_worker_that_lost_its_lease_writes_nothing_more(service: Service, method: str) -> None:
    """F9: it hung in a call; another one finished the merge; then it woke."""
    who = await service.new_store()
    run = await started(service, who)
    service.script.batches = [5, 5, 3]
    gate = service.script.gates[method] = asyncio.Event()
    asked = len(service.script.asked(method))
    sleeper = asyncio.create_task(service.runner().work_one())
    while len(service.script.asked(method)) == asked:
        await asyncio.sleep(0.01)
    del service.script.gates[method]
    assert not await service.runner().work_one()  # the lease still holds
    await make_due(service)
    assert await service.runner().work_one()
    done = await service.merge_of(who, run)
    before = await service.rows("SELECT * FROM merge_runs")
    gate.set()
    assert await sleeper
    assert done.state == pb.MERGE_STATE_COMPLETED
    assert await service.rows("SELECT * FROM merge_runs") == before
    assert len(await service.rows("SELECT 1 FROM outbox WHERE type = 'identity_merge.merge_completed.v1'")) == 1


async def test_a_worker_that_is_stopped_hands_its_merge_over_at_once(service: Service) -> None:
    """Fault 29: nobody waits for the lease of a process that ended in good order."""
    who = await service.new_store()
    run = await started(service, who)
    service.script.gates["RelinkOrders"] = asyncio.Event()
    first = asyncio.create_task(service.runner().run())
    while not service.script.asked("RelinkOrders"):
        await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    service.script.gates.clear()
    assert await service.runner().work_one()
    assert (await service.merge_of(who, run)).state == pb.MERGE_STATE_COMPLETED


async def test_workers_share_the_queue_and_no_merge_is_done_twice(service: Service) -> None:
    who, other = await service.new_store(), await service.new_store()
    runs = [(w, await started(service, w)) for w in itertools.islice(itertools.cycle([who, other]), 12)]
    workers = [asyncio.create_task(service.runner().run()) for _ in range(3)]
    try:
        async with asyncio.timeout(45):
            while await service.rows("SELECT 1 FROM merge_runs WHERE finished_at IS NULL"):
                await asyncio.sleep(0.02)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    assert {(await service.merge_of(w, run)).state for w, run in runs} == {pb.MERGE_STATE_COMPLETED}
    asked = [request.merge_run_id for request in service.script.asked("Absorb")]
    assert sorted(asked) == sorted(run.merge_run_id for _, run in runs)


async def test_a_commit_wakes_the_worker(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """By NOTIFY, for no sweep comes in this test."""
    monkeypatch.setattr(runner, "SWEEP_SECONDS", 1_000.0)
    who = await service.new_store()
    worker = asyncio.create_task(service.runner().run())
    while not await service.rows(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    ):
        await asyncio.sleep(0.02)
    try:
        async with asyncio.timeout(20):
            run = await started(service, who)
            while (await service.merge_of(who, run)).state != pb.MERGE_STATE_COMPLETED:
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def listed(service: Service, who: ServiceClaims, **request: Any) -> pb.ListMergesResponse:
    answer: pb.ListMergesResponse = await service.call(service.merges.ListMerges, pb.ListMergesRequest(**request), who)
    return answer


async def test_merges_are_listed_newest_first_page_by_page(service: Service) -> None:
    who, other = await service.new_store(), await service.new_store()
    runs = [(await started(service, who)).merge_run_id for _ in range(5)]
    found, token = [], ""
    while True:
        page = await listed(service, who, page={"size": 2, "token": token})
        found += [run.merge_run_id for run in page.runs]
        if not (token := page.next_page_token):
            break
    assert found == runs[::-1]
    assert list((await listed(service, other)).runs) == []
    for wrong in ("x", "WyJ4IiwieSJd"):
        with pytest.raises(InvalidInput) as caught:
            await listed(service, who, page={"token": wrong})
        assert [(v.field, v.reason) for v in caught.value.violations] == [("page.token", "invalid_page_token")]


async def test_merges_of_one_customer_are_found_in_any_part(service: Service) -> None:
    who, a, b, c, d = await service.new_store(), new_id(), new_id(), new_id(), new_id()
    first = await started(service, who, a, b)
    await started(service, who, c, d)
    await service.runner().work_one()
    await service.runner().work_one()
    second = await started(service, who, c, a)
    found = [run.merge_run_id for run in (await listed(service, who, customer_id=str(a))).runs]
    assert found == [second.merge_run_id, first.merge_run_id]
    assert [r.merge_run_id for r in (await listed(service, who, customer_id=str(b))).runs] == [first.merge_run_id]
