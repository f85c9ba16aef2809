"""Transactions on a real PostgreSQL: bound to a store, whole or not at all, on connections that live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.local.state import DatabaseUrls
from services.common.database import BOUND, Database, Statement, connect, connections, driver_of, is_transient
from services.common.ids import new_id

INSERT = text("INSERT INTO inbox (store_id, event_id, type) VALUES (:store_id, gen_random_uuid(), 'test')")
INSERT_BOUND = Statement(
    f"WITH {BOUND} INSERT INTO inbox (store_id, event_id, type) SELECT bound.store_id, gen_random_uuid(), 'test' FROM bound"
)
COUNT = text("SELECT count(*) FROM inbox")
SLEEP = text("SELECT pg_sleep(30)")
# Ends every session of a role, as a restart of the server would.
END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'orders_app' AND datname = current_database()"


@pytest.fixture
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    # Two connections only: one that is lost to the pool would soon be missed.
    database = Database(connect(urls.app, connections=2, name="test"))
    yield database
    await database.close()


async def count(database: Database, store_id: UUID) -> int:
    async with database.transaction(store_id) as tx:
        return int(await tx.scalar(COUNT) or 0)


async def end_sessions(urls: DatabaseUrls) -> None:
    connection = await asyncpg.connect(urls.admin)
    await connection.execute(END_SESSIONS)
    await connection.close()


async def test_a_transaction_sees_and_writes_its_own_store_only(database: Database) -> None:
    """Rule 6, S."""
    mine, other = new_id(), new_id()
    async with database.transaction(mine) as tx:
        await tx.execute(INSERT, {"store_id": mine})
    assert (await count(database, mine), await count(database, other)) == (1, 0)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.transaction(other) as tx:
            await tx.execute(INSERT, {"store_id": mine})
    assert await count(database, mine) == 1


async def test_the_store_of_one_transaction_does_not_reach_the_next_on_its_connection(database: Database) -> None:
    """Rule 6, S."""
    store_id = new_id()
    for _ in range(3):
        async with database.transaction(store_id) as tx:
            await tx.execute(INSERT, {"store_id": store_id})
    async with database.across_stores() as tx:
        assert await tx.scalar(COUNT) == 0


async def test_a_statement_that_binds_itself_writes_its_own_store_and_leaves_none_behind(database: Database) -> None:
    """Rule 6, S."""
    mine, other = new_id(), new_id()
    for store_id in (mine, other, mine):
        async with database.at_once() as connection:
            await INSERT_BOUND.first(connection, {"store_id": store_id})
    assert (await count(database, mine), await count(database, other)) == (2, 1)
    async with database.at_once() as connection:
        assert await connection.scalar(COUNT) == 0
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(INSERT, {"store_id": mine})


async def test_an_error_rolls_everything_back_and_the_connection_is_used_again(database: Database) -> None:
    store_id = new_id()

    async def fail() -> None:
        async with database.transaction(store_id) as tx:
            await tx.execute(INSERT, {"store_id": store_id})
            raise LookupError

    for _ in range(5):
        with pytest.raises(LookupError):
            await fail()
    assert await count(database, store_id) == 0


async def test_a_swallowed_database_error_does_not_pass_for_a_commit(database: Database) -> None:
    store_id = new_id()

    async def swallow() -> None:
        async with database.transaction(store_id) as tx:
            await tx.execute(INSERT, {"store_id": store_id})
            with pytest.raises(DBAPIError):
                await tx.execute(text("SELECT 1 / 0"))

    with pytest.raises(RuntimeError, match="rolled back"):
        await swallow()
    assert await count(database, store_id) == 0


async def test_a_cancelled_transaction_leaves_nothing_and_holds_no_connection(database: Database) -> None:
    store_id = new_id()

    async def hang() -> None:
        async with database.transaction(store_id) as tx:
            await tx.execute(INSERT, {"store_id": store_id})
            await tx.execute(SLEEP)

    tasks = [asyncio.create_task(hang()) for _ in range(2)]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert await asyncio.gather(*(count(database, store_id) for _ in range(6))) == [0] * 6


async def test_connections_that_the_server_closed_meanwhile_are_replaced_unnoticed(
    database: Database, urls: DatabaseUrls
) -> None:
    store_id = new_id()
    await asyncio.gather(*(count(database, store_id) for _ in range(4)))
    await end_sessions(urls)
    await asyncio.sleep(0.2)
    assert await asyncio.gather(*(count(database, store_id) for _ in range(4))) == [0] * 4


async def test_connections_that_nobody_needs_any_more_are_closed_one_with_each_use(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a busy hour has opened; the one in use stays."""
    database, store_id, observer = Database(connect(urls.app, connections=4, name="t")), new_id(), urls.admin
    await asyncio.gather(*(count(database, store_id) for _ in range(4)))
    assert await sessions(observer) == 4
    await count(database, store_id)
    assert await sessions(observer) == 4
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.2)
    await asyncio.sleep(0.3)
    for left in (3, 2, 1, 1):
        await count(database, store_id)
        await eventually(lambda left=left: sessions(observer), left)
    await asyncio.gather(*(count(database, store_id) for _ in range(4)))
    assert await sessions(observer) == 4
    await database.close()
    await eventually(lambda: sessions(observer), 0)


async def sessions(url: str) -> int:
    connection = await asyncpg.connect(url)
    found = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'orders_app' AND datname = current_database()"
    )
    await connection.close()
    return int(found)


async def eventually(ask: Callable[[], Awaitable[int]], wanted: int) -> None:
    async with asyncio.timeout(10):
        while await ask() != wanted:
            await asyncio.sleep(0.02)


async def test_a_connection_lost_in_the_middle_is_transient_and_not_used_again(
    database: Database, urls: DatabaseUrls
) -> None:
    """Fault 25: at a statement, and at COMMIT."""
    store_id = new_id()

    async def lose(*, at_commit: bool) -> None:
        async with database.transaction(store_id) as tx:
            await tx.execute(INSERT, {"store_id": store_id})
            await end_sessions(urls)
            if not at_commit:
                await tx.scalar(COUNT)

    for at_commit in (False, True):
        with pytest.raises(Exception) as caught:
            await lose(at_commit=at_commit)
        assert is_transient(caught.value), repr(caught.value)
        assert await count(database, store_id) == 0


def test_a_value_that_cannot_be_sent_will_not_pass_by_itself() -> None:
    assert not is_transient(asyncpg.exceptions._base.DataError("invalid input"))
    assert is_transient(asyncpg.InterfaceError("connection is closed"))
    assert is_transient(asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"))


async def test_the_url_says_how_the_way_to_the_database_is_secured(urls: DatabaseUrls) -> None:
    """(H6) As libpq reads it; the tests' server speaks no TLS."""
    plain = Database(connect(f"{urls.app}?sslmode=disable", connections=1, name="test"))
    async with plain.across_stores() as tx:
        assert (await tx.execute(COUNT)).scalar_one() == 0
    await plain.close()
    secured = Database(connect(f"{urls.app}?sslmode=require", connections=1, name="test"))
    with pytest.raises(ConnectionError, match="SSL"):
        async with secured.across_stores():
            raise AssertionError("the server has been spoken to without TLS")
    await secured.close()


LIST = Statement("SELECT cardinality(CAST(:ids AS uuid[])) AS count")


async def test_what_a_list_is_is_asked_once_and_not_on_each_connection(database: Database) -> None:
    asked: list[str] = []
    async with database.at_once() as first, database.at_once() as second:
        for tx in (first, second):
            asked.clear()
            driver_of(tx).add_query_logger(lambda seen: asked.append(seen.query))
            for ids in ([new_id()], [new_id(), new_id()]):
                assert (await LIST.first(tx, {"ids": ids}))["count"] == len(ids)
    assert len(asked) == 2, asked


async def test_a_type_of_a_database_is_asked_for_there(
    urls: DatabaseUrls, service_database: Callable[[str], DatabaseUrls]
) -> None:
    """The same number may be another type's in the next database."""
    for admin, words in ((urls.admin, "'a', 'b'"), (service_database("orders").admin, "'c', 'd'")):
        database = Database(connect(admin, connections=1, name="test"))
        async with database.across_stores() as tx:
            await tx.execute(text(f"CREATE TYPE word AS ENUM ({words})"))
            first = words[1]
            assert await tx.scalar(text(f"SELECT ARRAY['{first}']::word[]")) == [first]
        await database.close()
