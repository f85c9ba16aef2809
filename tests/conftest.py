"""Servers that tests share, started when first asked for and stopped at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.nats import Nats
from deploy.local.stack import Stack
from deploy.local.state import DatabaseUrls
from tests.support.stack import TestServers, nats_servers, postgres_servers, session_folder

TESTS = Path(__file__).parent
# Two processes run the tests, each with servers of its own. What shares servers stays in one of them; the groups begin in
# this order, the long ones first, so that both end at about the same time.
GROUPS = (
    ("faults", ("faults",)),
    ("stack", ("e2e", "component")),
    ("local", ("integration/local", "integration/audit")),
    ("messages", ("integration/notification", "integration/common")),
    ("services", ("integration",)),
    ("rules", ("unit", "architecture")),
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests into GROUPS."""
    places = {id(item): _group_of(item) for item in items}
    items.sort(key=lambda item: places[id(item)])
    for item in items:
        item.add_marker(pytest.mark.xdist_group(GROUPS[places[id(item)]][0]))


def _group_of(item: pytest.Item) -> int:
    folder = str(item.path.relative_to(TESTS))
    return next(
        place for place, (_name, folders) in enumerate(GROUPS) if folder.startswith(tuple(f"{f}/" for f in folders))
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServers]:
    """A PostgreSQL server with all roles; for databases, ask `service_database`."""
    with postgres_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Nats]:
    """A nats-server with JetStream; `.url`, `.process.kill()`, `.start()`."""
    with nats_servers() as server:
        yield server


@pytest.fixture
def service_database(postgres_server: TestServers) -> Iterator[Callable[[str], DatabaseUrls]]:
    """Gives `service_database("orders")`: the URLs by role of a new, migrated database, dropped after the test."""
    made: list[DatabaseUrls] = []

    def make(context: str) -> DatabaseUrls:
        made.append(postgres_server.fresh_database(context))
        return made[-1]

    yield make
    for urls in made:
        postgres_server.drop(urls)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole system, started once for the run; whoever stops one of its processes starts it again and calls `write_state`."""
    stack = Stack(session_folder("stack"), postgres_url=os.environ.get("ONEFOLD_TEST_POSTGRES_URL", ""))
    with stack:
        yield stack
    stack.data.remove()
