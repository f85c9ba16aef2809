"""What the attacks share. The short forms are a part of `make test`; `make attack` has the long ones too, and more examples."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store

# Of `make attack`.
LONG = os.environ.get("ONEFOLD_ATTACK_LONG") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Takes the long forms out of the short run, where they are not skipped but not there."""
    if not LONG:
        items[:] = [item for item in items if item.get_closest_marker(LONG_FORM.name) is None]


LONG_FORM = pytest.mark.attack_long


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Store]:
    """A store of the module's own: what is sent changes its settings."""
    store = Store(stack)
    yield store
    store.http.close()
