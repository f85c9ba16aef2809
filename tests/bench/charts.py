"""Plots as inline SVG, drawn by Vega-Lite without a browser; small enough to be read on a phone, where several stand below one another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import vl_convert

from tests.bench.record import Axis, Figure, Series

WIDTH = 230
# Dark enough on white for 4.5 : 1, and told apart without colours by their shapes.
COLOURS = ("#0b5cad", "#a34700", "#1a7040", "#8b2f7a", "#5d5d00", "#444444")
AXIS_TITLES: dict[Axis, str] = {
    "members": "members in the store",
    "clients": "clients",
    "workers": "processes of the gateway",
    "orders_each": "orders of each account",
}
_LOGARITHMIC: tuple[Axis, ...] = ("members", "orders_each")
_LABELS = 260
_CONFIG = {
    "font": "system-ui, sans-serif",
    "background": "white",
    "view": {"stroke": "#d0d0d0"},
    # Letters are wider in many a browser than Vega reckons.
    "padding": {"left": 26, "top": 6, "right": 12, "bottom": 6},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "gridColor": "#ececec",
        "labelColor": "#222222",
    },
    "legend": {
        "labelFontSize": 11,
        "orient": "bottom",
        "columns": 1,
        "labelLimit": _LABELS,
        "title": None,
        "symbolSize": 60,
    },
    "aria": False,
}
_SIZE = re.compile(r' width="(\d+)" height="\d+"')  # of the opening tag, the first there is


def lines(series: Sequence[Series]) -> str:
    """Series of one axis and unit: a line each, and its floors dashed in the same colour."""
    axis, unit = series[0].axis, series[0].unit
    names = labels(series)
    rows = [
        {"x": x, "y": y, "line": name, "kind": kind}
        for each, name in zip(series, names, strict=True)
        for x, value, floor in each.points
        for y, kind in ((value, "measured"), (floor, "floor"))
        if y is not None
    ]
    scale: dict[str, Any] = {"type": "log"} if axis in _LOGARITHMIC else {"type": "linear", "zero": True}
    places = sorted({x for each in series for x, *_ in each.points})
    across = {
        "field": "x",
        "type": "quantitative",
        "title": AXIS_TITLES[axis],
        "scale": scale,
        "axis": {"values": places, "format": "~s", "grid": False},
    }
    spread = max((row["y"] for row in rows), default=1) / max(1e-9, min((row["y"] for row in rows), default=1))
    up = {
        "field": "y",
        "type": "quantitative",
        "title": unit or "ratio",
        "scale": {"type": "log"} if spread > 50 else {"zero": True},
    }
    colour = {"field": "line", "type": "nominal", "scale": {"domain": names, "range": list(COLOURS)}}
    kinds = {"domain": ["measured", "floor"], "range": [[1, 0], [4, 3]]}
    dash = {"field": "kind", "type": "nominal", "scale": kinds, "legend": None}
    shape = {"field": "line", "type": "nominal", "scale": {"domain": names}}
    encoding = {"x": across, "y": up, "color": colour}
    spec = {
        "data": {"values": rows},
        "width": WIDTH,
        "height": 170,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": encoding | {"strokeDash": dash}},
            {
                "transform": [{"filter": "datum.kind == 'measured'"}],
                "mark": {"type": "point", "filled": True, "size": 50, "opacity": 1},
                "encoding": encoding | {"shape": shape},
            },
        ],
    }
    return _svg(spec)


def bars(figures: Sequence[Figure]) -> str:
    """Figures of one unit by name, in each store a mark; the floor a line before it, the goal a line through all."""
    rows = [
        {
            "name": figure.name,
            "value": figure.value,
            "floor": figure.floor_value,
            "store": f"{figure.members or 0:,} members",
        }
        for figure in figures
    ]
    names = list(dict.fromkeys(figure.name for figure in figures))
    stores = list(dict.fromkeys(row["store"] for row in rows))
    goals = {figure.goal.value for figure in figures if figure.goal}
    down = {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": names,
        "axis": {"labelLimit": 150, "labelFontSize": 10},
    }
    across = {
        "field": "value",
        "type": "quantitative",
        "title": f"95th percentile, {figures[0].unit}",
        "scale": {"zero": True},
    }
    colour = {"field": "store", "type": "nominal", "scale": {"domain": stores, "range": list(COLOURS)}}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "tick", "thickness": 1.5, "size": 9, "opacity": 0.9},
            "encoding": {"y": down, "x": across | {"field": "floor"}, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1},
            "encoding": {
                "y": down,
                "x": across,
                "color": colour,
                "shape": {"field": "store", "type": "nominal", "scale": {"domain": stores}},
            },
        },
    ]
    layers += [
        {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#b00020"}, "encoding": {"x": {"datum": goal}}}
        for goal in sorted(goals)
    ]
    return _svg({"data": {"values": rows}, "width": 165, "height": {"step": 15}, "layer": layers})


def _svg(spec: dict[str, Any]) -> str:
    """Scales down with the page, never up; what it shows is told by who embeds it, and by a table."""
    schema = "https://vega.github.io/schema/vega-lite/v5.json"
    drawn = str(vl_convert.vegalite_to_svg({"$schema": schema, "config": _CONFIG} | spec))
    sized = _SIZE.search(drawn)
    if sized is None:
        raise ValueError("Vega-Lite drew something without a size")
    fitting = f' aria-hidden="true" focusable="false" style="max-width:{sized[1]}px"'
    return _SIZE.sub(fitting, drawn, count=1)


def topic(series: Series) -> str:
    """What a series is about, apart from whose it is: the 99th percentile of orders of new members is one."""
    owner, colon, about = series.name.partition(": ")
    if colon:
        return about
    owner, comma, about = series.name.partition(", ")
    return about if comma else owner.partition(" of ")[0]


def labels(series: Sequence[Series]) -> list[str]:
    """What tells series of one plot apart."""
    names = [re.split(": |, ", each.name)[0] for each in series]
    return names if len(set(names)) == len(names) else [each.name for each in series]


def grouped(series: Iterable[Series]) -> list[list[Series]]:
    """Series that share a plot: of one topic, axis and unit, and alike in everything else; at most four."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for each in series:
        groups.setdefault((each.part, each.axis, each.unit, each.alike, topic(each)), []).append(each)
    return [group[n : n + 4] for group in groups.values() for n in range(0, len(group), 4)]
