"""What breaks, and after how many merges: decided by the seed."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from deploy.local.process import Process
from deploy.local.state import CONTEXTS

SERVICES = (*(f"{context}-{command}" for context in CONTEXTS for command in ("serve", "work")), "gateway")
_LOOK_SECONDS = 0.1


class Processes(Protocol):
    """A stack, as far as faults need it."""

    @property
    def processes(self) -> Mapping[str, Process]:
        """All of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks once so many merges are done, and is away for some seconds."""

    after: int
    kind: str
    victim: str
    seconds: float


def planned(seed: int, every: int) -> Iterator[Fault]:
    """Without end, one in about `every` merges; none when that is 0."""
    dice, after = random.Random(f"{seed}-faults"), 0
    while every:
        after += max(1, round(every * dice.uniform(0.5, 1.5)))
        kind = dice.choices(("killed", "stopped", "paused", "killed database", "stopped database"), (14, 2, 2, 1, 1))[0]
        victim = {"killed": dice.choice(SERVICES)}.get(kind, "postgres" if "database" in kind else "nats")
        yield Fault(after, kind.split()[0], victim, dice.uniform(0, 1) if kind == "killed" else dice.uniform(1, 5))


@dataclass
class Faults:
    """Breaks what is planned, one after the other, until told to stop; everything runs again afterwards."""

    stack: Processes
    plan: Iterator[Fault]
    merges: Callable[[], int]
    stop: Callable[[], bool]
    counts: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Blocks; for a thread of its own. Raises ProcessError when something does not come back."""
        for fault in self.plan:
            while self.merges() < fault.after:
                if self.stop():
                    return
                self._tend()
                time.sleep(_LOOK_SECONDS)
            self.counts[f"{fault.victim} {fault.kind}"] += 1
            self._happen(fault, self.stack.processes[fault.victim])

    def _tend(self) -> None:
        """What ended by itself is started again, as the supervisor of `make up` does; and it is told, for nothing should."""
        for name, process in self.stack.processes.items():
            if not process.running:
                self.counts[f"{name} ended by itself"] += 1
                process.start()

    @staticmethod
    def _happen(fault: Fault, process: Process) -> None:
        if fault.kind == "paused":
            process.signal(signal.SIGSTOP)
            time.sleep(fault.seconds)
            process.signal(signal.SIGCONT)
            return
        if fault.kind == "killed":
            process.kill()
        else:
            process.terminate()
        time.sleep(fault.seconds)
        process.start()
