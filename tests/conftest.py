"""Servers that tests share, started when first asked for and stopped at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from deploy.local.nats import Nats
from deploy.local.stack import Stack
from deploy.local.state import DatabaseUrls
from tests.support.copies import copied_processes
from tests.support.service_logs import said_since
from tests.support.stack import TestServers, nats_servers, postgres_servers, session_folder

# Three processes run the tests, each with servers of its own: on two cores, for a third of the time tests wait for leases and for
# processes to be back; with four they wait for the cores. What shares servers stays in one of them; the groups begin in this order, the
# long ones first, so that all end at about the same time.
GROUPS = (
    ("tests/faults/test_crash_points.py",),
    ("tests/faults/",),
    ("tests/component/", "tests/attack/"),
    ("tests/integration/notification/",),
    ("tests/e2e/",),
    ("tests/integration/membership/", "tests/integration/orders/"),
    ("tests/integration/identity_merge/",),
    ("tests/integration/local/",),
    ("tests/unit/", "tests/architecture/"),
    ("tests/integration/",),
    ("tests/containers/",),
)


def _group_of(nodeid: str) -> int:
    return next(place for place, folders in enumerate(GROUPS) if nodeid.startswith(folders))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts the tests into GROUPS."""
    items.sort(key=lambda item: _group_of(item.nodeid))


class ByGroup(LoadScopeScheduling):
    """Gives each process a whole group at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return str(_group_of(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Called where several processes are asked for."""
    return ByGroup(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its services said."""
    report = yield
    if report.failed and (said := said_since(call.start)):
        report.sections.append(("said by services", said))
    return report


@pytest.fixture(scope="session", autouse=True)
def _copies() -> Iterator[None]:
    """Starts services as copies of a process that has loaded them."""
    with copied_processes():
        yield


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
    """Gives `service_database("orders")`: the URLs by role of a migrated, empty database that is the test's own."""
    lent: list[DatabaseUrls] = []

    def lend(context: str) -> DatabaseUrls:
        lent.append(postgres_server.borrow(context))
        return lent[-1]

    yield lend
    for urls in lent:
        postgres_server.give_back(urls)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole system, started once for the run; whoever stops one of its processes starts it again and calls `write_state`."""
    stack = Stack(session_folder("stack"), postgres_url=os.environ.get("ONEFOLD_TEST_POSTGRES_URL", ""))
    with stack:
        yield stack
    stack.data.remove()
