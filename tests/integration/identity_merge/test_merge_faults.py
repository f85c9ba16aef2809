"""Merges whose database answers are lost, and whose processes have a wrong clock (F9, L, P; faults 25 and 28)."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import batches_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common import clock
from services.common.database import Database
from services.common.errors import Unavailable
from services.common.ids import new_id
from services.identity_merge.commands import batches
from services.identity_merge.store import merges
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.test_batches import confirm, create, finished, group, ids
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods
from tests.integration.identity_merge.test_merging import make_due


class Lossy:
    """Loses the answers to one COMMIT in `every`, by chance: of those one before it took effect, the next after, and so on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
        self.lost, chance = 0, random.Random(every)
        whole = Database.transaction

        @asynccontextmanager
        async def transaction(database: Database, store_id: UUID) -> AsyncIterator[AsyncConnection]:
            lose = chance.randrange(every) == 0
            self.lost += lose
            before = lose and self.lost % 2 == 1
            async with whole(database, store_id) as tx:
                yield tx
                if before:
                    raise ConnectionError("lost before COMMIT")
            if lose:
                raise ConnectionError("lost after COMMIT")

        monkeypatch.setattr(Database, "transaction", transaction)


async def patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """As a client does it: the same request by the same key, until there is an answer."""
    for _ in range(20):
        try:
            return await ask()
        except Unavailable:
            continue
    raise AssertionError("there is no answer")


@pytest.mark.parametrize("every", [3, 5])
async def test_whatever_answers_of_the_database_are_lost_a_merge_happens_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Fault 25: at plan, commit and every step of the run, of a merge and of a list of merges (E7, F9)."""
    who, a, b = await service.new_store(), new_id(), new_id()
    c = ids(4)
    await deliver(service, who, enrolled(b))
    service.script.batches, service.script.settled = [5, 5, 3, 0, 0], 13
    lossy = Lossy(monkeypatch, every)
    wanted = pb.PlanMergeRequest(customer_ids=[str(a), str(b)], primary_id=str(a))
    plan = (await patiently(lambda: service.call(service.merges.PlanMerge, wanted, who, "plan"))).plan
    run = await patiently(lambda: service.commit(who, plan, "commit"))
    batch = await patiently(lambda: create(service, who, group(c[0], c[1]), group(c[2], c[3]), key="batch"))
    for _ in range(200):
        # As the worker's loops do: what may pass by itself is waited out.
        for work in (batches.tend_batches(service.worker), service.runner().work_one()):
            with suppress(ConnectionError):
                await work
        await make_due(service)
        if await service.rows("SELECT 1 FROM merge_batches WHERE state = 2"):
            await patiently(lambda: confirm(service, who, batch, "confirm"))
        if not await service.rows(
            "SELECT 1 FROM merge_runs WHERE finished_at IS NULL UNION ALL SELECT 1 FROM merge_batches WHERE state < 4"
        ):
            break
    monkeypatch.undo()
    assert lossy.lost > 3
    done = await service.merge_of(who, run)
    assert done.state == pb.MERGE_STATE_COMPLETED
    runs = await service.rows("SELECT state FROM merge_runs")
    assert [row.state for row in runs] == [pb.MERGE_STATE_COMPLETED] * 3
    assert len(service.script.absorbed) == 3
    assert await methods(service, who, str(b)) == []
    assert await service.rows("SELECT 1 FROM merge_participants WHERE active") == []
    for kind in ("started", "completed"):
        told = await service.rows(f"SELECT 1 FROM outbox WHERE type = 'identity_merge.merge_{kind}.v1'")
        assert len(told) == 3, kind
    assert len(await service.rows("SELECT 1 FROM merge_batches WHERE merged = 2 AND state = 4")) == 1


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_process_whose_clock_is_an_hour_off_merges_as_others_do(
    service: Service, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Fault 28: plans, leases and checks run out by the database's clock; another worker's claim is respected."""
    who, real = await service.new_store(), clock.now
    plan = await service.plan(who, new_id(), new_id())
    batch = await create(service, who, group(*ids(2)))
    await batches.tend_batches(service.worker)

    def off() -> datetime:
        return real() + timedelta(hours=hours)

    monkeypatch.setattr(clock, "now", off)
    run = await service.commit(who, plan)
    async with service.worker.database.across_stores() as tx:
        assert await merges.claim_run(tx)
    assert not await service.runner().work_one()
    await make_due(service)
    assert await service.runner().work_one()
    assert (await service.merge_of(who, run)).state == pb.MERGE_STATE_COMPLETED
    await confirm(service, who, batch)
    assert (await finished(service, who, batch)).state == batches_pb2.MERGE_BATCH_STATE_DONE
    assert await service.rows("SELECT 1 FROM merge_runs WHERE finished_at IS NULL") == []
