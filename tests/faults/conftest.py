"""One stack of their own for all fault tests, a store for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.client import Shop
from tests.faults.system import QuickStack, System
from tests.support.stack import session_folder


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[System]:
    """The whole system. Not the one that other tests share: a process that is dead at the wrong moment is this folder's affair.

    When a test has failed, data and logs stay until the next run.
    """
    stack = QuickStack(session_folder("faults"))
    with stack:
        yield System(stack)
    if not request.session.testsfailed:
        stack.data.remove()


@pytest.fixture
def system(running: System) -> Iterator[System]:
    """The whole system; everything runs before and after the test, whatever the test did."""
    running.bring_up()
    yield running
    running.bring_up()


@pytest.fixture
def shop(system: System) -> Iterator[Shop]:
    """A store that nobody else uses."""
    shop = system.open_shop()
    yield shop
    shop.close()
