"""Makes a database that a test has used what it was when new. That costs a quarter of a new one, with its five hundred files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import asyncpg

# What tells how a database is made, and what its planner knows. A change leaves another number of rows, or one of a later transaction.
_CATALOGUES = (
    *(
        "pg_attrdef",
        "pg_attribute",
        "pg_class",
        "pg_constraint",
        "pg_default_acl",
        "pg_depend",
        "pg_description",
        "pg_enum",
    ),
    *(
        "pg_event_trigger",
        "pg_extension",
        "pg_index",
        "pg_inherits",
        "pg_namespace",
        "pg_operator",
        "pg_policy",
        "pg_proc",
    ),
    *("pg_rewrite", "pg_sequence", "pg_statistic_ext", "pg_trigger", "pg_type", "pg_db_role_setting"),
)
_SHAPE = " UNION ALL ".join(
    [
        *(f"SELECT '{name}' AS name, count(*), max(xmin::text::bigint) FROM {name}" for name in _CATALOGUES),
        "SELECT 'pg_statistic', count(*), max(xmin::text::bigint) FROM pg_statistic WHERE starelid >= 16384",
        "SELECT 'migrations', count(*), max(xmin::text::bigint) FROM alembic_version",
    ]
)
_TABLES = """SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
 AND relname <> 'alembic_version' ORDER BY 1"""
_SEQUENCES = "SELECT format('%I', relname) FROM pg_class WHERE relkind = 'S' ORDER BY 1"
_END_SESSIONS = """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
# What many rows have left behind is not worth keeping.
_MOST_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How a database was made: of a new one, to hold against it what it has become."""

    catalogues: tuple[tuple[str, int, int], ...]
    tables: tuple[str, ...]
    sequences: tuple[str, ...]

    @classmethod
    async def of(cls, url: str) -> Self:
        """Of the database at the superuser's URL."""
        connection = await asyncpg.connect(url)
        try:
            return cls(
                await _catalogues(connection),
                tuple([table for (table,) in await connection.fetch(_TABLES)]),
                tuple([sequence for (sequence,) in await connection.fetch(_SEQUENCES)]),
            )
        finally:
            await connection.close()

    async def restore(self, url: str) -> bool:
        """Ends all sessions and deletes all rows. False when that does not make it what it was: its tables or rights were changed,
        what is in them was counted, or it has grown."""
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_END_SESSIONS)
            if await connection.fetchval("SELECT pg_database_size(current_database())") > _MOST_BYTES:
                return False
            if await _catalogues(connection) != self.catalogues:
                return False
            await self._empty(connection)
            return True
        finally:
            await connection.close()

    async def _empty(self, connection: asyncpg.Connection) -> None:
        full = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in self.tables)
        # What may not be deleted, such as the ledger of points, is kept by triggers.
        statements = ["SET session_replication_role = replica"]
        statements += [f"DELETE FROM {table}" for (table,) in await connection.fetch(full)]
        statements += [f"SELECT setval('{sequence}', 1, false)" for sequence in self.sequences]
        await connection.execute(";".join(statements))


async def _catalogues(connection: asyncpg.Connection) -> tuple[tuple[str, int, int], ...]:
    return tuple([(name, count, last or 0) for name, count, last in await connection.fetch(_SHAPE)])
