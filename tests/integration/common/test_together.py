"""Statements that come at the same time go in one transaction, and none is the worse for another (P, S)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from deploy.local.state import DatabaseUrls
from services.common.database import BOUND, BOUND_TOGETHER, LOCK_TIMEOUT, Database, Statement, connect, is_transient
from services.common.ids import new_id

_COLUMNS = "(store_id, event_id, type, aggregate_id, version, payload)"
# With the transaction's own number, and none at all where the version is zero.
WRITE = Statement(
    f"""WITH {BOUND_TOGETHER}, written AS (INSERT INTO outbox {_COLUMNS}
  SELECT bound.store_id, CAST(:event_id AS uuid), 'test', CAST(:event_id AS uuid), 10 / CAST(:version AS bigint), '' FROM bound
  RETURNING store_id) SELECT count(*) AS written, pg_current_xact_id()::text AS transaction FROM written"""
)
WAIT = Statement(f"WITH {BOUND} SELECT pg_sleep(CAST(:seconds AS float)), store_id FROM bound")


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(connect(urls.app, connections=4, name="test"))
    yield database
    await database.close()


def values(store_id: UUID, version: int = 1) -> dict[str, Any]:
    return {"store_id": store_id, "event_id": new_id(), "version": version, "patience": LOCK_TIMEOUT}


async def write(database: Database, *all_of_them: dict[str, Any]) -> list[Any]:
    """What each is answered, all asked at the same time."""
    return await asyncio.gather(*(WRITE.first(database.together, each) for each in all_of_them), return_exceptions=True)


async def written(database: Database, store_id: UUID) -> int:
    async with database.transaction(store_id) as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM outbox")) or 0)


async def test_those_who_come_together_share_few_transactions_and_each_gets_its_own_answer(database: Database) -> None:
    stores = [new_id() for _ in range(40)]
    rows = await write(database, *(values(store_id) for store_id in stores))
    assert [row["written"] for row in rows] == [1] * 40
    # The first goes at once and so does the second; the others wait for them, sixteen at a time.
    assert len({row["transaction"] for row in rows}) == 5
    assert [await written(database, store_id) for store_id in stores] == [1] * 40


async def test_who_comes_alone_waits_for_nobody(database: Database) -> None:
    """Nor does another statement."""
    store_id = new_id()
    slow = [asyncio.create_task(WAIT.first(database.together, {"store_id": store_id, "seconds": 2})) for _ in range(2)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(1):
        assert (await WRITE.first(database.together, values(store_id)))["written"] == 1
    await asyncio.gather(*slow)


@pytest.mark.parametrize(
    ("version", "error"),
    [
        (0, asyncpg.DivisionByZeroError),
        (2**63, asyncpg.DataError),
        (None, asyncpg.NotNullViolationError),
    ],
    ids=["refused by a rule", "cannot be sent", "refused by the table"],
)
async def test_what_one_of_many_is_refused_is_no_matter_of_the_others(
    database: Database, version: Any, error: type[Exception]
) -> None:
    mine, other = new_id(), new_id()
    bad = values(other, version)
    answers = await write(database, *(values(mine) for _ in range(5)), bad, *(values(mine) for _ in range(14)))
    assert isinstance(answers.pop(5), error)
    assert [row["written"] for row in answers] == [1] * 19
    assert (await written(database, mine), await written(database, other)) == (19, 0)


async def test_a_shared_transaction_waits_for_nobody_whom_it_may_keep_waiting(
    database: Database, urls: DatabaseUrls
) -> None:
    """By chance it holds what somebody wants who has what it waits for: an import in its order, buyers in the order of their coming."""
    store_id, importing = new_id(), await asyncpg.connect(urls.admin)
    first, second, third, *others = (values(store_id) for _ in range(5))
    claim = (
        f"INSERT INTO outbox {_COLUMNS} VALUES ($1, $2, 'test', $2, 1, '') ON CONFLICT (store_id, event_id) DO NOTHING"
    )
    transaction = importing.transaction()
    await transaction.start()
    await importing.execute(claim, store_id, first["event_id"])
    occupied = asyncio.create_task(write(database, *others))  # both lanes
    await asyncio.sleep(0)
    answers = [asyncio.create_task(WRITE.first(database.together, each)) for each in (second, first, third)]
    async with asyncio.timeout(0.9):  # less than the second after which the server ends one of a deadlock
        await asyncio.gather(occupied, answers[0], answers[2])
    assert await importing.execute(claim, store_id, second["event_id"]) == "INSERT 0 0"
    assert not answers[1].done()
    await transaction.rollback()
    assert (await answers[1])["written"] == 1
    await importing.close()


async def test_a_connection_that_is_lost_is_told_to_everybody_and_the_next_is_served(
    database: Database, urls: DatabaseUrls
) -> None:
    """Fault 25."""
    store_id, observer = new_id(), await asyncpg.connect(urls.admin)
    first, *many = [
        asyncio.create_task(WAIT.first(database.together, {"store_id": store_id, "seconds": seconds}))
        for seconds in (0.3, 0.3, *[5] * 7)
    ]
    await first
    await asyncio.sleep(0.3)
    await observer.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'orders_app'")
    await observer.close()
    lost = (await asyncio.gather(*many, return_exceptions=True))[1:]
    assert len(lost) == 7
    assert all(isinstance(each, Exception) and is_transient(each) for each in lost), lost
    assert [row["written"] for row in await write(database, *(values(store_id) for _ in range(20)))] == [1] * 20


async def test_a_caller_who_has_gone_leaves_the_others_their_answer(database: Database) -> None:
    store_id = new_id()
    asked = [asyncio.create_task(WRITE.first(database.together, values(store_id))) for _ in range(20)]
    await asyncio.sleep(0)
    asked[7].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers.pop(7), asyncio.CancelledError)
    assert [row["written"] for row in answers] == [1] * 19
