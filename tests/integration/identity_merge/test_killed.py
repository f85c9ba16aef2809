"""`kill -9` at every step of a merge: another worker finishes it, once (F9, L, fault 6)."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from onefold.identity_merge.v1 import service_pb2 as pb
from services.common.ids import new_id
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods
from tests.integration.identity_merge.test_merging import make_due, started

ROOT = Path(__file__).parents[3]
# Where the killed worker has left the merge; None for the process that only commits the plan.
POINTS = {
    "merge.commit.before_commit": None,
    "merge.planned": pb.MERGE_STATE_PLANNED,
    "merge.before_absorb": pb.MERGE_STATE_PLANNED,
    "merge.after_absorb": pb.MERGE_STATE_PLANNED,
    "merge.before_retire": pb.MERGE_STATE_ABSORBED,
    "merge.after_retire": pb.MERGE_STATE_LOGINS_RETIRED,
    "merge.between_batches": pb.MERGE_STATE_LOGINS_RETIRED,
    "merge.before_complete": pb.MERGE_STATE_LOGINS_RETIRED,
    "merge.after_complete": pb.MERGE_STATE_COMPLETED,
}


async def die_at(point: str, *arguments: str) -> int:
    """The exit code of a process that is to be killed at the point."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.identity_merge.doomed",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}", "ONEFOLD_CRASH_AT": point},
    )
    async with asyncio.timeout(60):
        return await process.wait()


def test_every_crash_point_of_a_merge_is_listed_here() -> None:
    """That of logins that a deletion ends is met in tests/faults, where every point of every service is."""
    sources = (ROOT / "services" / "identity_merge").rglob("*.py")
    found = {name for file in sources for name in re.findall(r'crash\.point\("(merge\.[^"]+)"\)', file.read_text())}
    assert found == set(POINTS)


@pytest.mark.fault
@pytest.mark.parametrize("point", [point for point, state in POINTS.items() if state])
async def test_a_merge_whose_worker_is_killed_is_finished_by_another(service: Service, point: str) -> None:
    who, a, b = await service.new_store(), new_id(), new_id()
    await deliver(service, who, enrolled(b))
    service.script.batches, service.script.settled = [5, 5, 3], 13
    run = await started(service, who, a, b)
    assert await die_at(point, "work", service.urls.worker, service.others) == -signal.SIGKILL
    assert (await service.merge_of(who, run)).state == POINTS[point]
    await make_due(service)
    while await service.runner().work_one():
        await make_due(service)
    done = await service.merge_of(who, run)
    assert (done.state, done.orders_moved) == (pb.MERGE_STATE_COMPLETED, 13)
    assert service.script.absorbed == {run.merge_run_id}
    assert sum(service.script.relinked) == 13
    assert await methods(service, who, str(b)) == []
    assert await service.rows("SELECT 1 FROM merge_participants WHERE active") == []
    assert len(await service.rows("SELECT 1 FROM outbox WHERE type = 'identity_merge.merge_completed.v1'")) == 1


@pytest.mark.fault
async def test_a_commit_that_is_killed_has_not_begun(service: Service) -> None:
    """The same plan is committed afterwards as if nothing had been."""
    who = await service.new_store()
    plan = await service.plan(who, new_id(), new_id())
    words = (service.urls.app, service.others, who.store_id, plan.plan_id, plan.plan_hash)
    assert await die_at("merge.commit.before_commit", "commit", *words) == -signal.SIGKILL
    assert await service.rows("SELECT 1 FROM merge_runs UNION ALL SELECT 1 FROM merge_participants") == []
    assert (await service.commit(who, plan, key="doomed")).state == pb.MERGE_STATE_PLANNED
