"""What the migrations make is what the code believes the tables to be."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.state import CONTEXTS
from tests.support.stack import TestServers


def differences(connection: Connection, metadata: MetaData) -> list[object]:
    """Tables and columns that differ. Indexes on expressions stand in migrations alone, so indexes are left out."""
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "include_object": lambda _thing, name, kind, _reflected, _other: (
                kind != "index" and name != "alembic_version"
            ),
        },
    )
    return list(compare_metadata(context, metadata))


@pytest.mark.parametrize("service", CONTEXTS)
async def test_migrated_databases_have_the_tables_of_the_code(postgres_server: TestServers, service: str) -> None:
    """A first revision that followed the code's tables would make a new database differ from one that was upgraded."""
    urls = await asyncio.to_thread(postgres_server.fresh_database, service)
    metadata: MetaData = import_module(f"services.{service}.store").metadata
    engine = create_async_engine(make_url(urls.owner).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences, metadata) == []
        extra = MetaData()
        await connection.run_sync(extra.reflect)
        extra.remove(extra.tables["outbox"])
        assert await connection.run_sync(differences, extra), "a missing table would be noticed"
    await engine.dispose()
    await asyncio.to_thread(postgres_server.drop, urls)
