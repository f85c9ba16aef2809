"""A database with the plumbing tables, which every service has: that of orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.local.state import DatabaseUrls


@pytest.fixture
def urls(service_database: Callable[[str], DatabaseUrls]) -> DatabaseUrls:
    return service_database("orders")
