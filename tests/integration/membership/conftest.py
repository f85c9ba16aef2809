"""One membership database for the run, and a store of its own for each test: what tenancy is for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.membership import commands
from tests.integration.membership.people import Shop
from tests.support.calls import claims
from tests.support.stack import TestServers

HASHER = IdentifierHasher("a key for tests that is long enough")


@pytest.fixture(scope="package")
def urls(postgres_server: TestServers) -> Iterator[DatabaseUrls]:
    made = postgres_server.fresh_database("membership")
    yield made
    postgres_server.drop(made)


@pytest.fixture
async def shop(urls: DatabaseUrls) -> AsyncIterator[Shop]:
    serve = Database(connect(urls.app, connections=16, name="test-serve"))
    work = Database(connect(urls.worker, connections=8, name="test-work"))
    yield Shop(commands.Context(serve, HASHER, lambda: None), commands.Context(work, HASHER, lambda: None), claims())
    await serve.close()
    await work.close()
