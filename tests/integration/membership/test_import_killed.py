"""`kill -9` in the middle of an import: another worker completes it, nobody twice (D4, L, fault 15)."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import sys
from pathlib import Path

import pytest

from deploy.local.state import DatabaseUrls
from services.membership.domain.imports import ImportState
from tests.integration.membership.people import Shop
from tests.integration.membership.test_imports import Desk, csv_of, member

ROOT = Path(__file__).parents[3]
POINTS = ("membership.import.before_commit", "membership.import.after_commit")
ROWS = 230


async def die_at(url: str, point: str, passes: int) -> int:
    """The exit code of a worker that is to be killed at the point, so many batches in."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.membership.doomed_import",
        url,
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}",
            "ONEFOLD_CRASH_AT": point,
            "ONEFOLD_PASSES": str(passes),
        },
    )
    async with asyncio.timeout(60):
        return await process.wait()


def test_every_crash_point_of_an_import_is_killed_at_here() -> None:
    sources = (ROOT / "services" / "membership" / "commands").glob("import*.py")
    found = {name for file in sources for name in re.findall(r'crash\.point\("([^"]+)"\)', file.read_text())}
    assert found == set(POINTS)


@pytest.mark.fault
async def test_an_import_whose_worker_is_killed_again_and_again_is_completed_once(
    shop: Shop, urls: DatabaseUrls
) -> None:
    """At every point, at a batch chosen at random, and uploaded once more in between."""
    desk = Desk(shop)
    lines = [member(Email=f"k{n}@shop.hk", Member_Points="7", Tags="VIP") for n in range(ROWS)]
    run = await desk.checked(csv_of(lines))
    again = await desk.checked(csv_of(lines))
    await desk.confirm(run)
    for point, passes in zip(POINTS, (random.randrange(3), 0), strict=True):
        assert await die_at(urls.worker, point, passes) == -signal.SIGKILL
        now = await desk.get(run.import_id)
        assert now.state is ImportState.RUNNING
        assert now.counts.imported == len(await desk.members()) < ROWS
    await desk.confirm(again)
    await desk.work()
    done = [await desk.get(each.import_id) for each in (run, again)]
    assert [(each.state, each.counts.imported, each.counts.failed) for each in done] == [
        (ImportState.COMPLETED, ROWS, 0),
        (ImportState.COMPLETED, 0, ROWS),
    ]
    assert len(await desk.members()) == ROWS
    assert [row.points_balance for row in await desk.members()] == [7] * ROWS
    assert len(await shop.events("member_enrolled")) == len(await shop.events("points_posted")) == ROWS
    await shop.audit()
