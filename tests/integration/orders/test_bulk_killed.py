"""`kill -9` in the middle of a run over many orders: another worker completes it, no order twice (E1, L, fault 15)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.orders import commands, queries
from services.orders.commands import Context
from services.orders.domain import BulkState, Status
from tests.integration.orders.people import create
from tests.integration.orders.test_bulk import events, read, start, to
from tests.support.calls import claims

ROOT = Path(__file__).parents[3]
POINTS = ("orders.bulk.before_commit", "orders.bulk.after_commit")
ORDERS = 130


async def die_at(url: str, point: str, passes: int) -> int:
    """The exit code of a worker that is to be killed at the point, so many batches in."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.orders.doomed_bulk",
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


@pytest.mark.fault
async def test_a_run_whose_worker_is_killed_again_and_again_changes_each_order_once(
    context: Context, urls: DatabaseUrls
) -> None:
    """At every point, at a batch chosen at random: money is given back once, and told of once."""
    who = claims()
    orders = [await create(context, who) for _ in range(ORDERS)]
    run = await start(context, who, to(Status.REFUNDED, orders))
    for point, passes in zip(POINTS, (random.randrange(2), 0), strict=True):
        assert await die_at(urls.worker, point, passes) == -signal.SIGKILL
        now = await queries.get_bulk_run(context.database, who, run.run_id)
        assert now.state is not BulkState.DONE
        assert now.done == await events(context, who, "refunded") < ORDERS
    database = Database(connect(urls.worker, connections=2, name="test-work"))
    await commands.run_bulk(database)
    await database.close()
    done = await queries.get_bulk_run(context.database, who, run.run_id)
    assert (done.state, done.done, done.refused) == (BulkState.DONE, ORDERS, 0)
    assert await events(context, who, "refunded") == ORDERS
    for order in orders[:: ORDERS // 10]:
        now_order = await read(context, who, order)
        assert [(r.amount, r.reason) for r in now_order.refunds] == [(order.total, "sale")]
