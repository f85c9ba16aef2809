"""A database that a test gives back is to the next one what a new one is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from deploy.local.provision import run_sync
from tests.support.stack import TestServers

CONTEXT = "identity_merge"
# Of a table whose rows no statement may delete, and of the one that numbers what is told.
ROWS = (
    "INSERT INTO outbox (store_id, event_id, type, aggregate_id, version, payload)"
    " SELECT gen_random_uuid(), gen_random_uuid(), 'x', gen_random_uuid(), 1, '' FROM generate_series(1, 3)",
    "INSERT INTO audit_entries (store_id, seq, event_id, service, at, actor, action, subject_kind, subject_id, changes, request_id, hash)"
    " VALUES (gen_random_uuid(), 1, gen_random_uuid(), '', now(), '', '', '', gen_random_uuid(), '[]', '', sha256('x'))",
)
TABLES = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


async def _ask(url: str, statements: Sequence[str]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return [tuple(row) for row in await connection.fetch(statements[-1])]
    finally:
        await connection.close()


def ask(url: str, *statements: str) -> list[Any]:
    """What the last one finds."""
    return run_sync(_ask(url, statements))


def rows(url: str) -> dict[str, int]:
    """How many each table has."""
    return {table: ask(url, f"SELECT count(*) FROM {table}")[0][0] for (table,) in ask(url, TABLES)}


def test_it_has_no_row_more_than_a_new_one_and_counts_from_one(postgres_server: TestServers) -> None:
    new, used = postgres_server.fresh_database(CONTEXT), postgres_server.borrow(CONTEXT)
    ask(used.admin, *ROWS, "SELECT 1")
    assert rows(used.admin) == rows(new.admin) | {"outbox": 3, "audit_entries": 1}
    with pytest.raises(asyncpg.PostgresError):
        ask(used.admin, "DELETE FROM audit_entries", "SELECT 1")
    postgres_server.give_back(used)
    again = postgres_server.borrow(CONTEXT)
    assert again == used
    assert rows(again.admin) == rows(new.admin)
    assert ask(again.admin, ROWS[0], "SELECT seq FROM outbox ORDER BY 1") == [(1,), (2,), (3,)]
    postgres_server.give_back(again)
    postgres_server.drop(new)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE outbox DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
        "ALTER TABLE outbox ALTER COLUMN type SET DEFAULT 'x'",
        "CREATE TABLE one_more (id int)",
        "CREATE INDEX one_more ON outbox (type)",
        "CREATE FUNCTION one_more() RETURNS int LANGUAGE sql RETURN 1",
        "GRANT DELETE ON audit_entries TO onefold_app",
        "DELETE FROM alembic_version",
        "ANALYZE outbox",
    ],
)
def test_one_whose_make_was_changed_goes_to_nobody(postgres_server: TestServers, change: str) -> None:
    used = postgres_server.borrow(CONTEXT)
    ask(used.admin, ROWS[0], change, "SELECT 1")
    postgres_server.give_back(used)
    assert (
        ask(postgres_server.admin_url, f"SELECT 1 FROM pg_database WHERE datname = '{used.admin.rpartition('/')[2]}'")
        == []
    )


async def test_sessions_of_the_test_before_are_ended(postgres_server: TestServers) -> None:
    used = postgres_server.borrow(CONTEXT)
    connection = await asyncpg.connect(used.app)
    await connection.execute("BEGIN; LOCK TABLE outbox IN ROW EXCLUSIVE MODE")
    await asyncio.to_thread(postgres_server.give_back, used)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await connection.fetch("SELECT 1")
    connection.terminate()
    assert postgres_server.borrow(CONTEXT) == used
    postgres_server.give_back(used)
