"""A membership database and a store of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.membership import commands
from tests.integration.membership.people import Shop
from tests.support.calls import claims

HASHER = IdentifierHasher("a key for tests that is long enough")


@pytest.fixture
async def shop(service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Shop]:
    urls = service_database("membership")
    serve = Database(connect(urls.app, connections=16, name="test-serve"))
    work = Database(connect(urls.worker, connections=8, name="test-work"))
    yield Shop(commands.Context(serve, HASHER, lambda: None), commands.Context(work, HASHER, lambda: None), claims())
    await serve.close()
    await work.close()
