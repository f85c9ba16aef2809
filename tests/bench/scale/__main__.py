"""`python -m tests.bench.scale [--rates 1000 10000 100000]`: prints what deploy/scale/README.md shows."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from tests.bench.scale import measured
from tests.bench.scale.plan import Plan, cell_limit, latency, obstacles, plan, today

console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)


def main() -> int:
    """Always 0: it only reckons."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--rates", type=float, nargs="+", default=[1_000, 10_000, 100_000], help="orders a second")
    plans = [plan(rate) for rate in parser.parse_args().rates]
    console.print(f"today: {measured.MEASURED_RATE:.0f}/s measured, {today():.0f}/s simulated")
    console.print(f"one cell bears {cell_limit():,.0f} orders/s at {measured.BUSY:.0%}")
    console.print(_needs(plans), _latencies(plans), _obstacles())
    return 0


def _needs(plans: list[Plan]) -> Table:
    table = Table("what", *(f"{each.rate:,.0f}/s" for each in plans), title="needs", box=None)
    for station in measured.STATIONS:
        kind = "processes" if station.one_core else "cores"
        counts = [each.processes.get(station.name) or round(each.cores[station.name]) for each in plans]
        table.add_row(f"{station.name}, {kind}", *(f"{count:,}" for count in counts))
    table.add_row("cores in all", *(f"{sum(each.cores.values()):,.0f}" for each in plans))
    table.add_row("cells", *(f"{each.cells:,}" for each in plans))
    for name in plans[0].flows():
        table.add_row(name, *(f"{each.flows()[name]:,.0f}" for each in plans))
    return table


def _latencies(plans: list[Plan]) -> Table:
    table = Table("load", *(f"{each.rate:,.0f}/s" for each in plans), title="p50 / p99 ms of an answer", box=None)
    for load in (0.5, 1.0, 1.3, 1.5, 1.6):
        told = (latency(each, load) for each in plans)
        table.add_row(f"{load:.0%} of the plan", *(f"{half:.0f} / {most:.0f}" for half, most in told))
    return table


def _obstacles() -> Table:
    table = Table("orders/s", "ends there today", title="limits, the first first", box=None)
    for rate, what in obstacles():
        table.add_row(f"{rate:,.0f}", what)
    return table


if __name__ == "__main__":
    sys.exit(main())
