"""The whole system, telling what it does to a collector of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.client import Shop
from tests.faults.system import QuickStack, System
from tests.support.collector import Collector, collector
from tests.support.stack import session_folder


@dataclass(frozen=True, slots=True)
class Observed:
    """A system, what it has told of its spans, and a store in it."""

    system: System
    spans: Collector
    shop: Shop


@pytest.fixture(scope="session")
def observed() -> Iterator[Observed]:
    """Started once; whoever stops a process of it starts it again."""
    stack = QuickStack(session_folder("observed"))
    with collector() as spans, pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", spans.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with stack:
            system = System(stack)
            shop = system.open_shop()
            yield Observed(system, spans, shop)
            shop.close()
    stack.data.remove()
