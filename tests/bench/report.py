"""The results as tables in a terminal; the page and the JSON file have all of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from tests.bench.page import TITLES, minutes, number
from tests.bench.record import Figure, Record

# Into a file or a pipe the tables go whole, not cut to the 80 columns of a terminal that is not there.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 150)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Says where the run is: one line that changes on a terminal, a line for each step in a log."""
    began = time.monotonic()
    with console.status("…") as status:

        def say(what: str) -> None:
            told = f"{minutes(time.monotonic() - began)}: {what}"
            if console.is_terminal:
                status.update(told)
            else:
                print(told, file=sys.stderr, flush=True)

        yield say


def show(record: Record, earlier: Record | None) -> None:
    """Prints every figure by part, and which goals were missed."""
    known = {figure.key: figure for figure in earlier.figures} if earlier else {}
    for part in record.parts:
        table = _table(
            f"\n{TITLES[part]}",
            "what",
            "under",
            "value",
            "goal",
            "floor",
            "ratio",
            "p50 ms",
            "p99 ms",
            "before",
            "others",
            "spin ms",
        )
        for figure in record.figures:
            if figure.part == part:
                table.add_row(*_cells(figure, known.get(figure.key)))
        console.print(table)
    missed = [figure for figure in record.goals if not figure.met]
    console.print(f"\n{len(record.goals) - len(missed)} of {len(record.goals)} goals met; {minutes(record.seconds)}")
    for figure in missed:
        console.print(
            f"[red]missed[/] {figure.name} ({figure.conditions}): {number(figure.value)} {figure.unit}, {_goal(figure)}"
        )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < 2 else "right")
    return table


def _cells(figure: Figure, earlier: Figure | None) -> tuple[str, ...]:
    latency = figure.latency
    goal = "" if figure.goal is None else f"[{'green' if figure.met else 'red'}]{_goal(figure)}[/]"
    return (
        figure.name,
        figure.conditions,
        f"{number(figure.value)} {figure.unit}",
        goal,
        *("" if value is None else number(value) for value in (figure.floor_value, figure.ratio)),
        *(
            "" if value is None else number(value)
            for value in ((latency.p50, latency.p99) if latency else (None, None))
        ),
        "" if earlier is None else number(earlier.value),
        *("" if value is None else number(value) for value in (figure.others, figure.spin_ms)),
    )


def _goal(figure: Figure) -> str:
    return "" if figure.goal is None else f"{figure.goal.must_be} {number(figure.goal.value)}"
