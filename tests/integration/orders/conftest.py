"""What the tests of the orders service run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.outbox import Waker
from services.orders import commands
from tests.integration.orders.others import nobody


@pytest.fixture
def urls(service_database: Callable[[str], DatabaseUrls]) -> DatabaseUrls:
    """The database of one test."""
    return service_database("orders")


@pytest.fixture
async def context(urls: DatabaseUrls) -> AsyncIterator[commands.Context]:
    database = Database(connect(urls.app, connections=16, name="test"))
    yield commands.Context(database, commands.Numbers(database), Waker(database), nobody())
    await database.close()
