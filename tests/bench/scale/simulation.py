"""Orders through queues, by simpy: service times are drawn from exponential distributions, which real ones hardly exceed."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import simpy

from tests.bench.scale.measured import COMMIT_MS, COMMITS_BEFORE_ANSWER, HOP_MS, HOPS

Process = Generator[simpy.Event, Any, None]


class Line:
    """Stations one after the other, each with its servers; times in milliseconds."""

    def __init__(self, servers: Mapping[str, int], service_ms: Mapping[str, float], seed: int) -> None:
        self._clock = simpy.Environment()
        self._dice = random.Random(seed)
        self._stations = [(simpy.Resource(self._clock, servers[name]), service_ms[name]) for name in servers]
        self.waits: list[float] = []
        self.took: list[float] = []

    def open(self, per_second: float, orders: int) -> None:
        """So many orders arrive at random at that rate, whatever becomes of those before them."""

        def arrive() -> Process:
            for _ in range(orders):
                yield self._clock.timeout(self._dice.expovariate(per_second / 1_000))
                self._clock.process(self._order(COMMITS_BEFORE_ANSWER * COMMIT_MS + HOPS * HOP_MS))

        self._clock.process(arrive())
        self._clock.run()

    def closed(self, clients: int, seconds: float) -> float:
        """Clients of whom each sends the next order when the last is answered; answered a second."""

        def client() -> Process:
            while True:
                yield from self._order(0.0)

        for _ in range(clients):
            self._clock.process(client())
        self._clock.run(until=seconds * 1_000)
        return len(self.took) / seconds

    def _order(self, apart_ms: float) -> Process:
        began, waited = self._clock.now, 0.0
        for station, service_ms in self._stations:
            with station.request() as turn:
                asked = self._clock.now
                yield turn
                waited += self._clock.now - asked
                yield self._clock.timeout(self._dice.expovariate(1 / service_ms))
        self.waits.append(waited)
        self.took.append(self._clock.now - began + apart_ms)


def percentile(times: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
