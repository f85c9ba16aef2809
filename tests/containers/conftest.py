"""One system in containers for the run, and the browser of tests/e2e on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.containers.system import Containers
from tests.e2e.conftest import browser, open_page, page, shop

__all__ = ["browser", "open_page", "page", "shop"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """The system of compose.yaml. Where a test has failed, the containers' logs are printed."""
    engine = shutil.which("podman") or shutil.which("docker")
    assert engine, "containers need podman or docker"
    containers = Containers(tmp_path_factory.mktemp("containers"), engine)
    try:
        containers.up()
        yield containers
    finally:
        containers.down()
