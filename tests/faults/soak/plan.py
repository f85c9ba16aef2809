"""What breaks, when, and for how long: decided by the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy.local.state import CONTEXTS
from tests.faults.system import SERVES, SERVICES, WORKS

PROCESSES = (*SERVICES, "gateway")
SERVERS = ("postgres", "nats")
# Beyond the window in which JetStream knows a message again (QuickStack: one second).
_BROKER_AWAY = (4.0, 20.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault: by whom it can be met, for how many seconds, and how often compared with others."""

    name: str
    victims: Sequence[str]
    seconds: tuple[float, float]
    weight: int
    # What of the machine it needs: "links", "disks" or "clocks".
    needs: str = ""


KILLED = Kind("killed", (*PROCESSES, *SERVICES, "nats", "postgres"), (0.0, 3.0), 1)
WEATHER = (
    Kind("broker away", ("nats",), _BROKER_AWAY, 3),
    Kind("stream deleted", CONTEXTS, (0.0, 0.0), 2),
    Kind("database lost in commit", ("postgres",), (0.5, 2.0), 3),
    Kind("hangs", PROCESSES, (2.0, 15.0), 2),
    Kind("connections cut", PROCESSES, (0.0, 0.0), 2, "links"),
    Kind("5 % resets", PROCESSES, (5.0, 15.0), 2, "links"),
    Kind("2 s of latency", PROCESSES, (8.0, 20.0), 3, "links"),
    Kind("disk full", SERVERS, (4.0, 12.0), 2, "disks"),
    Kind("clock an hour ahead", (*SERVES, *WORKS, "gateway"), (10.0, 30.0), 1, "clocks"),
    Kind("clock an hour behind", (*SERVES, *WORKS, "gateway"), (10.0, 30.0), 1, "clocks"),
    Kind("events again, shuffled", CONTEXTS, (0.0, 0.0), 2),
    Kind("poison", CONTEXTS, (0.0, 0.0), 1),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Breaks `at` seconds after the beginning, and is over `seconds` later. `dice` seed what it decides itself."""

    at: float
    kind: str
    victim: str
    seconds: float
    dice: str


def spared(seed: int, half: int) -> frozenset[str]:
    """Who is not killed in the first or second half of a run, so that its memory can be watched for long: each in one of them."""
    everybody = [*PROCESSES, *SERVERS]
    random.Random(f"{seed}-spared").shuffle(everybody)
    return frozenset(everybody[half::2])


def lane(
    seed: int, name: str, kinds: Sequence[Kind], pauses: tuple[float, float], whole: float, *, spare: bool
) -> Iterator[Fault]:
    """Faults of some kinds, one after the other, within `whole` seconds; `pauses` between the end of one and the next."""
    dice, at, number = random.Random(f"{seed}-{name}"), 0.0, 0
    while True:
        at, number = at + dice.uniform(*pauses), number + 1
        kind = dice.choices(kinds, [each.weight for each in kinds])[0]
        safe = spared(seed, int(at >= whole / 2)) if spare and ends_processes(kind.name) else frozenset[str]()
        victims = [each for each in kind.victims if each not in safe]
        seconds = dice.uniform(*kind.seconds)
        if at + seconds > whole:
            return
        if victims:
            yield Fault(at, kind.name, dice.choice(victims), seconds, f"{seed}-{name}-{number}")
            at += seconds


def ends_processes(kind: str) -> bool:
    """Whether the victim's memory begins anew."""
    return kind in ("killed", "broker away", "database lost in commit") or kind.startswith("clock")
