"""The results as tables for people; the JSON file has all of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

Results = Mapping[str, Any]
# Into a file or a pipe the tables go whole, not cut to the 80 columns of a terminal that is not there.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)

# What must hold at 32 clients on 2 cores, and the budget behind it.
GOAL_PER_SECOND, GOAL_P99_MS, GOAL_VISIBLE_MS, GOAL_MIB, GOAL_CPU_MS = 200.0, 300.0, 1_000.0, 1_024.0, 2.5
GOAL_PREVIEW_MS, GOAL_MERGE_MS, GOAL_BESIDE = 500.0, 5_000.0, 2.0


def show(results: Results) -> None:
    """Prints everything."""
    console.print(_orders(results["points"]))
    console.print(_floors(results))
    console.print(_waits(results))
    console.print(_processes(results))
    for name, samples in results.get("profiles", {}).items():
        console.print(_profile(name, samples))
    console.print(large_merges(results["large_merges"]))
    console.print(verdicts(results["goals"]))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number == 0)
    return table


def _orders(points: list[Any]) -> Table:
    table = _table(
        "\nComplete orders", "what", "clients", "per second", "p50 ms", "p99 ms", "max ms", "pending", "faults",
        "CPU ms each", "all included", "others",
    )  # fmt: skip
    for point in points:
        latency = point["latencies"].get("order", {"p50": 0, "p99": 0, "max": 0})
        table.add_row(
            point["flow"],
            str(point["clients"]),
            f"{point['per_second']:.0f}",
            *(f"{latency[rank]:.0f}" for rank in ("p50", "p99", "max")),
            str(point["counts"].get("pending", 0)),
            str(point["faults"]),
            f"{sum(point['cpu_ms_each'].values()):.2f}",
            f"{sum(point['cpu_ms_each_settled'].values()):.2f}",
            f"{point['foreign_cores']:.2f}",
            f"{point['spin_ms']:.0f}",
        )
    return table


def _floors(results: Results) -> Table:
    table = _table(
        "\nFloors at 32 clients", "what", "per second", "p50 ms", "p99 ms", "new members ÷ floor", "existing ÷ floor"
    )
    for name, floor in results["floors"].items():
        ratios = results["ratios"].get(name, {})
        table.add_row(
            name,
            f"{floor['per_second']:.0f}",
            f"{floor['latency']['p50']:.1f}",
            f"{floor['latency']['p99']:.1f}",
            f"{ratios.get('new members', 0):.3f}",
            f"{ratios.get('existing members', 0):.3f}",
        )
    return table


def _waits(results: Results) -> Table:
    table = _table("\nWaiting", "what", "how many", "p50 ms", "p99 ms", "max ms")
    for name, latency in results["waits"].items():
        table.add_row(name, str(latency["n"]), *(f"{latency[rank]:.1f}" for rank in ("p50", "p99", "max")))
    return table


def _processes(results: Results) -> Table:
    at_load = results["processes"]["at load"]
    table = _table(
        "\nProcesses, new members at 32 clients",
        "process",
        "CPU ms per order",
        "all included",
        "PSS MiB idle",
        "PSS MiB at load",
    )
    idle, load = results["memory_mib"]["idle"], results["memory_mib"]["at load"]
    during, settled = at_load["cpu_ms_each"], at_load["cpu_ms_each_settled"]
    for name in during:
        table.add_row(
            name, f"{during[name]:.3f}", f"{settled[name]:.3f}", *(_mib(side.get(name)) for side in (idle, load))
        )
    totals = (
        f"{sum(during.values()):.3f}",
        f"{sum(settled.values()):.3f}",
        _mib(sum(idle.values())),
        _mib(sum(load.values())),
    )
    table.add_row("all", *totals, style="bold")
    table.add_row("load generator", f"{at_load['generator_cpu_ms_each']:.3f}", style="dim")
    return table


def _mib(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _profile(name: str, samples: Mapping[str, int]) -> Table:
    # Not counting what a package has called.
    table = _table(f"\n{name}: own time", "package", "share")
    whole = sum(samples.values()) or 1
    for package, count in sorted(samples.items(), key=lambda pair: -pair[1])[:18]:
        table.add_row(package, f"{count / whole:.1%}")
    return table


def large_merges(measured: Results) -> Table:
    """Merges of accounts with many orders, and orders of other buyers beside them."""
    title = f"\nMerges of {measured['accounts']} accounts with {measured['orders_each']:,} orders each, milliseconds"
    table = _table(title, "what", "how many", "p50", "p95", "p99", "max")
    rows = {
        "preview": measured["preview"],
        "commit until the old logins are dead": measured["logins_dead"],
        "commit until done": measured["done"],
        "other orders, usually": measured["orders_usual"],
        "other orders, beside previews": measured["orders_beside"]["previews"],
        "other orders, beside merges": measured["orders_beside"]["merges"],
    }
    for name, latency in rows.items():
        table.add_row(name, str(latency["n"]), *(f"{latency[rank]:.0f}" for rank in ("p50", "p95", "p99", "max")))
    return table


def merge_goals(measured: Results) -> list[tuple[str, str, bool]]:
    """As `goals`, of merges of large accounts."""
    preview, done = measured["preview"]["p95"], measured["done"]["max"]
    usual = measured["orders_usual"]["p99"]
    ratio = max(beside["p99"] for beside in measured["orders_beside"].values()) / usual
    return [
        (f"preview of a large merge: p95 < {GOAL_PREVIEW_MS:.0f} ms", f"{preview:.0f}", preview < GOAL_PREVIEW_MS),
        (f"a large merge is done in < {GOAL_MERGE_MS:.0f} ms", f"{done:.0f}", done < GOAL_MERGE_MS),
        (f"other orders' p99 ≤ {GOAL_BESIDE:.0f} times their usual", f"{ratio:.2f}", ratio <= GOAL_BESIDE),
    ]


def verdicts(goals: list[tuple[str, str, bool]]) -> Table:
    """Which goals were kept."""
    table = _table("\nGoals", "goal", "measured", "")
    for goal, measured, kept in goals:
        table.add_row(goal, measured, "[green]kept[/]" if kept else "[red]missed[/]")
    return table


def goals(results: Results) -> list[tuple[str, str, bool]]:
    """Each goal, what was measured, and whether it was kept."""
    point = results["processes"]["at load"]
    rate, p99 = point["per_second"], point["latencies"]["order"]["p99"]
    visible = results["waits"]["member visible in a search, at 32 clients"]["p99"]
    memory, cpu = sum(results["memory_mib"]["at load"].values()), sum(point["cpu_ms_each_settled"].values())
    return [
        (f"≥ {GOAL_PER_SECOND:.0f} complete new-member orders per second", f"{rate:.0f}", rate >= GOAL_PER_SECOND),
        (f"p99 < {GOAL_P99_MS:.0f} ms", f"{p99:.0f}", p99 < GOAL_P99_MS),
        (f"member visible: p99 < {GOAL_VISIBLE_MS:.0f} ms", f"{visible:.0f}", visible < GOAL_VISIBLE_MS),
        (f"all processes < {GOAL_MIB:.0f} MiB", f"{memory:.0f}", memory < GOAL_MIB),
        (f"≤ {GOAL_CPU_MS} ms CPU per order over all processes", f"{cpu:.2f}", cpu <= GOAL_CPU_MS),
        *merge_goals(results["large_merges"]),
    ]
