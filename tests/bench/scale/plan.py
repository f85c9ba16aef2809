"""What a rate of orders needs, and what of today's code ends below it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.scale import measured
from tests.bench.scale.simulation import Line, percentile

SIMULATED_ORDERS = 10_000


@dataclass(frozen=True, slots=True)
class Plan:
    """For so many orders a second: cores and processes by name, and what databases and broker must bear."""

    rate: float
    cores: dict[str, float]
    processes: dict[str, int]
    cells: int

    @property
    def per_cell(self) -> float:
        """Orders a second of one cell: a database server with its share of processes and streams."""
        return self.rate / self.cells

    def flows(self) -> dict[str, float]:
        """MB and messages a second, flushes of logs a second before they are grouped, GB a day."""
        return {
            "log MB/s": self.rate * measured.LOG_BYTES / 1e6,
            "stream MB/s on each of 3": self.rate * measured.STREAM_BYTES / 1e6,
            "messages/s": self.rate * measured.MESSAGES,
            "flushes/s at most": self.rate * measured.FLUSHES,
            "database GB/day": self.rate * measured.DATABASE_BYTES * 86_400 / 1e9,
            "connections": float(
                17 * sum(self.processes[name] for name in ("orders-serve", "membership-serve", "identity_merge-serve"))
                + 12 * sum(count for name, count in self.processes.items() if name.endswith("-work"))
            ),
        }


def cell_limit() -> float:
    """Orders a second that one cell bears: what ends first of its database server and its one relay and stream of membership."""
    postgres = next(each for each in measured.STATIONS if each.name == "postgres")
    by_cores = measured.SERVER_CORES * measured.BUSY * 1_000 / postgres.in_all_ms
    by_relay = measured.BUSY * measured.STREAM_RATE / measured.MESSAGES_OF_ONE_RELAY
    return min(by_cores, by_relay)


def plan(rate: float) -> Plan:
    """Everything at most BUSY, at least two of each process."""
    cores = {each.name: rate * each.in_all_ms / 1_000 / measured.BUSY for each in measured.STATIONS}
    processes = {each.name: max(2, math.ceil(cores[each.name])) for each in measured.STATIONS if each.one_core}
    # The pace of mails, and not the processor, decides how many send them, unless it is set higher.
    mails = math.ceil(rate * measured.MAILS / measured.MAILS_OF_A_PROCESS)
    processes["notification-work"] = max(processes["notification-work"], mails)
    return Plan(rate, cores, processes, math.ceil(rate / cell_limit()))


def latency(planned: Plan, load: float = 1.0, seed: int = 1) -> tuple[float, float]:
    """(median, p99) milliseconds of an answer in one cell, at `load` times the rate that it was planned for."""
    before = {each.name: each.before_answer_ms for each in measured.STATIONS if each.before_answer_ms}
    servers = {
        name: max(2, math.ceil(planned.processes[name] / planned.cells)) if name in planned.processes else _postgres()
        for name in before
    }
    line = Line(servers, before, seed)
    line.open(planned.per_cell * load, SIMULATED_ORDERS)
    return percentile(line.took, 0.5), percentile(line.took, 0.99)


def _postgres() -> int:
    """Cores of a server that are left for answers, less what follows them."""
    postgres = next(each for each in measured.STATIONS if each.name == "postgres")
    return max(1, int(measured.SERVER_CORES * postgres.before_answer_ms / postgres.in_all_ms))


def today() -> float:
    """Orders a second that the simulation expects of the run that was measured: everything shares what cores there were."""
    each = sum(station.before_answer_ms for station in measured.STATIONS) + measured.BESIDE_MS
    # A core and a half: two cores of which each gives three quarters.
    return Line({"machine": 2}, {"machine": each * 2 / measured.CORES}, 1).closed(measured.CLIENTS, 120)


def obstacles() -> Iterator[tuple[float, str]]:
    """(orders a second, what ends there today), the lowest first; per store, process or database as it says."""
    serve = {each.name: 1_000 / each.before_answer_ms for each in measured.STATIONS if each.before_answer_ms}
    work = {each.name: 1_000 / each.in_all_ms for each in measured.STATIONS if each.name.endswith("-work")}
    found = [
        (measured.MAILS_OF_A_PROCESS / measured.MAILS, "mails of one notification-work, at its pace"),
        (100.0, "one API key at one gateway process (ONEFOLD_RATE_KEY)"),
        (work["notification-work"], "one notification-work, by its core"),
        (serve["gateway"], "one gateway process, by its core"),
        (serve["orders-serve"], "one orders-serve, by its core"),
        (measured.STREAM_RATE / measured.MESSAGES_OF_ONE_RELAY, "membership's one relay into one stream, synced"),
        (measured.SERVER_CORES * 1_000 / 3.76, f"one PostgreSQL server of {measured.SERVER_CORES} cores for all four"),
    ]
    yield from sorted(found)
