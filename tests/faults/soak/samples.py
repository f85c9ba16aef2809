"""Memory and time of all processes over a run, and whether any of them grows."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from deploy.local.process import Process

# What a process takes in when it has just begun is no leak.
WARM_SECONDS = 240.0
# Fewer points make no line.
_FEWEST = 20
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast a process grows, from lives that were long enough: MiB an hour, the same in the later halves of these lives (what only
    warms up grows less there), and the minutes that this was seen in.
    """

    mib_an_hour: float
    later_mib_an_hour: float
    minutes: float
    now_mib: float
    highest_mib: float


@dataclass
class Samples:
    """`take` every quarter of a minute or so."""

    processes: Callable[[], Mapping[str, Process]]
    # (seconds, MiB) of each life, by name and pid.
    memory: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    # Seconds of processor time of each life.
    _used: dict[tuple[str, int], float] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    def take(self) -> None:
        """Looks at each process that runs, with its children; memory is that which they do not share with others, in equal parts."""
        for name, process in self.processes().items():
            try:
                first = psutil.Process(process.pid) if process.running else None
                family = [first, *first.children(recursive=True)] if first else []
                if not first:
                    continue
                used = sum(sum(each.cpu_times()[:2]) for each in family)
                held = sum(each.memory_full_info().pss for each in family) / _MIB
            except psutil.Error:
                continue  # it ended while we looked
            life = (name, first.pid)
            self.memory[life].append((time.monotonic() - self._began, held))
            self._used[life] = max(used, self._used.get(life, 0.0))

    def cores(self) -> float:
        """How many cores all of them and this process have kept busy, on average."""
        times = os.times()
        return (sum(self._used.values()) + times.user + times.system) / (time.monotonic() - self._began)

    def slopes(self) -> dict[str, Slope]:
        """By process: the line of least squares through all its long lives, each with a level of its own."""
        found = {}
        for name in dict.fromkeys(name for name, _ in self.memory):
            lives = [points for (other, _), points in self.memory.items() if other == name]
            warm = [[p for p in points if p[0] - points[0][0] >= WARM_SECONDS] for points in lives]
            warm = [points for points in warm if len(points) >= _FEWEST]
            newest = max(lives, key=lambda points: points[-1][0])
            highest = max(m for points in lives for _, m in points)
            later = [points[len(points) // 2 :] for points in warm]
            seconds = sum(points[-1][0] - points[0][0] for points in warm)
            found[name] = Slope(_slope(warm), _slope(later), seconds / 60, newest[-1][1], highest)
        return found


def _slope(lives: Sequence[Sequence[tuple[float, float]]]) -> float:
    """MiB an hour; not a number where there is no line."""
    above = below = 0.0
    for points in lives:
        middle_t = sum(t for t, _ in points) / len(points)
        middle_m = sum(m for _, m in points) / len(points)
        above += sum((t - middle_t) * (m - middle_m) for t, m in points)
        below += sum((t - middle_t) ** 2 for t, _ in points)
    return above / below * 3_600 if below else float("nan")
