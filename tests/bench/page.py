"""A run as one HTML file that needs nothing else: goals, plots with their tables, every figure beside goal, floor and the run before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from tests.bench import charts
from tests.bench.record import Figure, Part, Record, Series

TITLES: dict[Part, str] = {
    "orders": "Orders and what follows from them",
    "search": "Finding customers and orders",
    "pos": "Finding a member at the till",
    "import": "Imports",
    "merge": "Merges",
    "login": "Logging in",
}
# Parts whose figures are many of a kind: one plot has them all.
_OF_A_KIND: tuple[Part, ...] = ("search", "pos")
_TEMPLATE = Path(__file__).with_name("page.html")


def render(record: Record, earlier: Record | None) -> str:
    """The page; `earlier` is the run that it is compared with."""
    known = {figure.key: figure for figure in earlier.figures} if earlier else {}
    shown = {
        "record": record,
        "at": moment(record.at),
        "earlier": earlier and moment(earlier.at),
        "same_machine": earlier is None or earlier.machine.cpu == record.machine.cpu,
        "parts": [_part(record, part, known) for part in record.parts],
        "goals": [_row(figure, known) for figure in record.goals if figure.part not in _OF_A_KIND or not figure.met],
        "missed": sum(not figure.met for figure in record.goals),
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "gib": lambda size: f"{size / 2**30:,.1f}", "minutes": minutes}
    return environment.from_string(_TEMPLATE.read_text()).render(shown)


def _part(record: Record, part: Part, known: dict[tuple[object, ...], Figure]) -> dict[str, Any]:
    figures = [figure for figure in record.figures if figure.part == part]
    series = [each for each in record.series if each.part == part]
    return {
        "name": part,
        "title": TITLES[part],
        "rows": [_row(figure, known) for figure in figures],
        "plots": _overview(figures) if part in _OF_A_KIND else [_plot(group) for group in charts.grouped(series)],
    }


def _overview(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    timed = [figure for figure in figures if figure.unit == "ms" and figure.latency]
    if not timed:
        return []
    stores = sorted({figure.members or 0 for figure in timed})
    slowest = max(timed, key=lambda figure: figure.value)
    kinds = len({figure.name for figure in timed})
    told = f"Of {kinds} kinds the slowest is {slowest.name}, {number(slowest.value)} ms at {slowest.conditions}."
    by_place = {(figure.name, figure.members or 0): figure for figure in timed}
    rows = []
    for name in dict.fromkeys(figure.name for figure in timed):
        cells = [by_place.get((name, store)) for store in stores]
        rows.append([name, *(number(cell.value) if cell else "–" for cell in cells)])
    head = ["first page, 95th percentile, ms", *(f"{store:,} members" for store in stores)]
    title = "95th percentile of each kind: a mark for each store, a stroke for its floor, the goal dashed"
    return [{"title": title, "told": told, "svg": Markup(charts.bars(timed)), "head": head, "rows": rows, "tall": True}]  # noqa: S704 - drawn by us


def _plot(group: Sequence[Series]) -> dict[str, Any]:
    first = group[0]
    places = sorted({x for series in group for x, *_ in series.points})
    rows = []
    for series in group:
        values = {x: (value, floor) for x, value, floor in series.points}
        cells = [_cell(*values[x]) if x in values else "–" for x in places]
        rows.append([series.name, *cells])
    axis = charts.AXIS_TITLES[first.axis]
    told = "; ".join(
        f"{series.name}: from {number(series.points[0][1])} to {number(series.points[-1][1])} {series.unit}"
        for series in group
    )
    name = first.name if len(group) == 1 else charts.topic(first)
    title = f"{name} by {axis}{f', {first.alike}' if first.alike else ''}; floors dashed"
    title = title[0].upper() + title[1:]
    head = [first.unit or "ratio", *(f"{place:,.0f}" for place in places)]
    return {"title": title, "told": told, "svg": Markup(charts.lines(group)), "head": head, "rows": rows, "tall": False}  # noqa: S704 - drawn by us


def _cell(value: float, floor: float | None) -> str:
    return number(value) if floor is None else f"{number(value)} (floor {number(floor)})"


def _row(figure: Figure, known: dict[tuple[object, ...], Figure]) -> dict[str, Any]:
    earlier = known.get(figure.key)
    change = figure.value / earlier.value - 1 if earlier and earlier.value else None
    goal = (
        figure.goal
        and f"{ {'at least': '≥', 'at most': '≤', 'below': '<'}[figure.goal.must_be] } {number(figure.goal.value)}"
    )
    worse = change is not None and (change < 0) == (figure.better == "higher")
    return {
        "figure": figure,
        "goal": goal,
        "ratio": None if figure.ratio is None else number(figure.ratio),
        "earlier": earlier,
        "change": None if change is None else f"{change:+.0%}",
        "worse": worse and abs(change or 0.0) > 0.2,
    }


def number(value: float) -> str:
    """As many digits as say something."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3g}"


def minutes(seconds: float) -> str:
    """Seconds as minutes and seconds."""
    return f"{int(seconds // 60)} min {int(seconds % 60)} s" if seconds >= 60 else f"{seconds:.0f} s"


def moment(at: str) -> str:
    """A time for people."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"
