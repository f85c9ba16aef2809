"""Charts as the page's SVG draws them: plain geometry, reckoned here, so that pages need no script.

Widths are percentages of the chart and heights pixels: words keep their size on every screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 180
# What stays free above the highest column, for the number at its line.
_HEADROOM = 22
_GAP = 0.28


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `x`, `width` and `middle` in percent, `y` and `height` in pixels from above."""

    label: str
    value: str
    x: float
    width: float
    middle: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line to read heights by."""

    y: float
    value: str


def columns(rows: Sequence[tuple[str, int, str]]) -> list[Column]:
    """A column for each (label, number, number as it is read); below zero there is nothing to draw."""
    highest = max((number for _, number, _ in rows), default=0)
    step = 100 / max(1, len(rows))
    drawn = []
    for place, (label, number, value) in enumerate(rows):
        height = (HEIGHT - _HEADROOM) * max(0, number) / highest if highest > 0 else 0
        drawn.append(
            Column(
                label=label,
                value=value,
                x=round(step * (place + _GAP / 2), 3),
                width=round(step * (1 - _GAP), 3),
                middle=round(step * (place + 0.5), 3),
                y=round(HEIGHT - height, 1),
                height=round(height, 1),
            )
        )
    return drawn


def share(number: int, of: int) -> float:
    """Percent, to be drawn."""
    return round(100 * number / of, 2) if of > 0 else 0
