"""The results of a run, of whichever parts: one shape for the JSON file, the page and the comparison of two runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = 1
Part = Literal["orders", "search", "pos", "import", "merge", "login"]
PARTS: tuple[Part, ...] = ("orders", "search", "pos", "import", "merge", "login")
Axis = Literal["clients", "workers", "members", "orders_each"]
AXES: tuple[Axis, ...] = ("members", "clients", "workers", "orders_each")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Latency(_Frozen):
    """Milliseconds by the nearest rank, of `n` values."""

    n: int
    p50: float
    p95: float
    p99: float
    max: float


class Goal(_Frozen):
    """What a figure must come to, in its own unit."""

    must_be: Literal["at least", "at most", "below"]
    value: float

    def met_by(self, value: float) -> bool:
        """Whether the value keeps it."""
        if self.must_be == "at least":
            return value >= self.value
        return value <= self.value if self.must_be == "at most" else value < self.value


class Floor(_Frozen):
    """What the machine does for the same thing without us, taken in the same run and in the figure's unit."""

    name: str
    value: float
    latency: Latency | None = None
    members: int | None = None
    unit: str


class Figure(_Frozen):
    """One measured value. `members` is how many made-up members, each with one order on average, the store held.

    `others` is how many cores somebody else used meanwhile, `spin_ms` the CPU time of a fixed loop: how fast the machine was.
    """

    part: Part
    name: str
    unit: str
    value: float
    better: Literal["higher", "lower"]
    clients: int | None = None
    workers: int | None = None
    members: int | None = None
    orders_each: int | None = None
    latency: Latency | None = None
    goal: Goal | None = None
    floor: str | None = None
    floor_value: float | None = None
    others: float | None = None
    spin_ms: float | None = None
    detail: dict[str, float] = Field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Value ÷ floor: below 1 for rates, above 1 for times."""
        return self.value / self.floor_value if self.floor_value else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return self.goal.met_by(self.value) if self.goal else None

    @property
    def key(self) -> tuple[object, ...]:
        """What it has in common with the same figure of another run."""
        return self.part, self.name, self.unit, self.clients, self.workers, self.members, self.orders_each

    @property
    def conditions(self) -> str:
        """Under which it was taken, in words."""
        told = (
            (self.members, f"{self.members or 0:,} members"),
            (self.clients, f"{self.clients} clients" if self.clients != 1 else "1 client"),
            (self.workers if self.workers != 1 else None, f"{self.workers} workers"),
            (self.orders_each, f"{self.orders_each or 0:,} orders each"),
        )
        return ", ".join(words for given, words in told if given is not None)


class Series(_Frozen):
    """How one figure grows along an axis, everything else alike: (place on the axis, value, floor or None)."""

    part: Part
    name: str
    unit: str
    axis: Axis
    alike: str
    points: list[tuple[float, float, float | None]]

    @property
    def growth(self) -> float:
        """The last value ÷ the first."""
        return self.points[-1][1] / self.points[0][1] if self.points[0][1] else 0.0


class Machine(_Frozen):
    """On what it ran, and in which versions."""

    cpu: str
    cores: int
    memory_mib: int
    system: str
    python: str
    postgres: str
    nats: str
    server: str
    commit: str
    changed: bool


class Fill(_Frozen):
    """How the store was brought to its size: what was added, how long that took, and the bytes of all databases afterwards."""

    members: int
    added: int
    seconds: float
    database_bytes: int


class Record(_Frozen):
    """One run."""

    schema_version: int = SCHEMA
    at: str
    seconds: float
    mode: str
    parts: list[Part]
    sizes: list[int]
    machine: Machine
    # Of all figures: the fixed loop in milliseconds, and cores that others used; the fastest or least, the median, the most.
    spin_ms: tuple[float, float, float] | None = None
    others: tuple[float, float, float] | None = None
    fills: list[Fill]
    floors: list[Floor]
    figures: list[Figure]
    series: list[Series]
    profiles: dict[str, dict[str, int]] = Field(default_factory=dict)
    faults: list[str] = Field(default_factory=list)

    @property
    def goals(self) -> list[Figure]:
        """The figures that have one."""
        return [figure for figure in self.figures if figure.goal]

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(self.model_dump_json(indent=1, exclude_none=True) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises pydantic.ValidationError for a file of another shape."""
        return cls.model_validate_json(path.read_text())


def before(folder: Path, record: Record | None = None) -> Record | None:
    """The newest run in the folder that is older than this one, and of the same mode; files of other shapes are passed over."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        if f'"schema_version": {SCHEMA},' not in path.read_text(errors="replace")[:200]:
            continue
        found = Record.read(path)
        if record is None or (found.at < record.at and found.mode == record.mode):
            return found
    return None


def spread(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Least, median, most; None of nothing."""
    ranked = sorted(values)
    return (ranked[0], ranked[len(ranked) // 2], ranked[-1]) if ranked else None


def series_of(figures: Sequence[Figure]) -> list[Series]:
    """Every series of two points or more along every axis."""
    return [series for axis in AXES for series in _along(figures, axis)]


def _along(figures: Sequence[Figure], axis: Axis) -> Iterator[Series]:
    def alike(figure: Figure) -> tuple[str, ...]:
        rest = figure.model_copy(update={axis: None})
        return tuple(map(str, rest.key))

    placed = [figure for figure in figures if getattr(figure, axis) is not None]
    for _, group in itertools.groupby(sorted(placed, key=alike), key=alike):
        ranked = sorted(group, key=lambda figure: float(getattr(figure, axis)))
        if len(ranked) < 2:
            continue
        first = ranked[0]
        yield Series(
            part=first.part,
            name=first.name,
            unit=first.unit,
            axis=axis,
            alike=first.model_copy(update={axis: None}).conditions,
            points=[(float(getattr(each, axis)), each.value, each.floor_value) for each in ranked],
        )
