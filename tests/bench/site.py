"""Where a part of the bench measures: a stack that runs, what is known about it, and what was found so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deploy.local.stack import Stack
from deploy.local.state import RunningStack
from tests.bench import generator, usage
from tests.bench.floors import FloorFailed
from tests.bench.job import Job, Outcome, percentiles
from tests.bench.people import Person, start_of_run
from tests.bench.record import Figure, Floor, Latency
from tests.bench.settle import Rest
from tests.bench.usage import Usage

# More than this machine could ever do, so that the prepared orders do not run out.
_MOST_PER_SECOND = 1_000
# Each buyer takes a place, and so does each number that turned out to be no mobile.
_PLACES_PER_ORDER = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How much of everything: `seconds` of load for each point, examples of each search, and so on."""

    seconds: float = 8.0
    clients: Sequence[int] = (1, 8, 32)
    searches: int = 40
    typed: int = 60
    files: int = 3
    rows: int = 500
    merges: int = 10
    # (orders of each account, how many groups of five), the last of them also in the largest store.
    large_merges: Sequence[tuple[int, int]] = ((1_000, 1), (10_000, 3))
    previews: int = 50
    log_ins: int = 60
    checks: int = 1_000
    mail_seconds: float = 120.0
    email_share: float = 0.5
    # Seconds of nothing before "idle": longer than what connections are kept for.
    idle: float = 70.0
    profile: Sequence[str] = ()


@dataclass
class Site:
    """A stack and what was found on it. `members` is how many made-up ones the demo store holds."""

    stack: Stack
    api_key: str
    pace: Pace
    say: Callable[[str], None]
    sizes: Sequence[int]
    members: int = 0
    workers: int = 1
    figures: list[Figure] = field(default_factory=list)
    floors: dict[str, Floor] = field(default_factory=dict)
    all_floors: list[Floor] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    profiles: dict[str, dict[str, int]] = field(default_factory=dict)
    buyers: list[Person] = field(default_factory=list)
    idle: dict[str, float] = field(default_factory=dict)
    _place: int = field(default_factory=start_of_run)

    @property
    def running(self) -> RunningStack:
        """Addresses and pids as they are now."""
        return self.stack.running

    @property
    def usage(self) -> Usage:
        """Of the processes as they are now."""
        return Usage(self.running.processes)

    @property
    def rest(self) -> Rest:
        """Looks into the databases."""
        return Rest(self.running)

    @property
    def first(self) -> bool:
        """Whether the store has its smallest size."""
        return self.members == self.sizes[0]

    @property
    def last(self) -> bool:
        """Whether it has its largest."""
        return self.members == self.sizes[-1]

    def job(self, flow: str, clients: int, seconds: float) -> Job:
        """A job of the load generator, with new people of its own."""
        most = int(seconds * _MOST_PER_SECOND)
        self._place += most * _PLACES_PER_ORDER
        return Job(
            flow=flow,
            gateway_url=self.running.gateway_url,
            api_key=self.api_key,
            clients=clients,
            seconds=seconds,
            most=most,
            place=self._place,
            email_share=self.pace.email_share,
            people=self.buyers,
        )

    def generate(
        self, job: Job, before: Callable[[], None] | None = None, during: Callable[[], None] | None = None
    ) -> Outcome:
        """Runs a job; what went wrong in it is noted. Raises GeneratorFailed."""
        outcome = generator.run(job, before=before, during=during)
        if outcome.faults:
            self.fault(f"{job.flow}, {job.clients} clients: {outcome.faults}, the first: {outcome.first_error}")
        return outcome

    def fault(self, what: str) -> None:
        """Something that must not happen under load."""
        self.faults.append(f"{self.members:,} members: {what}")

    def settle(self) -> None:
        """Until every event is read and every mail is sent. Raises NotSettled."""
        self.rest.events()
        self.rest.mails(self.pace.mail_seconds)

    def floor(self, name: str, value: float, unit: str, latency: Mapping[str, float] | None = None) -> Floor:
        """Notes a floor; the newest of a name is the one that figures are held against. Raises FloorFailed."""
        if not value:
            raise FloorFailed(f"{name}: nothing measured")
        took = Latency.model_validate(latency) if latency else None
        found = Floor(name=name, value=value, unit=unit, latency=took, members=self.members)
        self.floors[name] = found
        self.all_floors.append(found)
        return found

    def figure(
        self, values: Mapping[str, Any], *, took: Sequence[float] | Mapping[str, float] = (), floor: Floor | None = None
    ) -> None:
        """Notes a figure of this store; `took` are milliseconds, or what they came to."""
        found = {"members": self.members, "workers": self.workers} | dict(values)
        if took:
            found["latency"] = took if isinstance(took, Mapping) else percentiles(took)
        if floor:
            found |= {"floor": floor.name, "floor_value": floor.value}
        self.figures.append(Figure.model_validate(found))

    @contextmanager
    def watched(self) -> Iterator[dict[str, float]]:
        """How fast the machine was and what others used of it, in what is measured meanwhile; filled at the end.

        What the stack and this process's own children use is not others'.
        """
        found: dict[str, float] = {}
        own, spin = self.usage, usage.spin_ms()
        cpu, busy, mine, at = (
            sum(own.cpu_seconds().values()),
            usage.machine_busy_seconds(),
            usage.own_seconds(),
            time.monotonic(),
        )
        yield found
        wall = time.monotonic() - at
        ours = sum(own.cpu_seconds().values()) - cpu + usage.own_seconds() - mine
        others = max(0.0, usage.machine_busy_seconds() - busy - ours) / wall
        found |= {"others": round(others, 2), "spin_ms": round((spin + usage.spin_ms()) / 2, 1)}

    def restart_gateway(self, workers: int) -> None:
        """The gateway anew, with so many processes. Raises ProcessError."""
        self.stack.process("gateway").terminate()
        self.stack.process("gateway").start({"ONEFOLD_GATEWAY_WORKERS": str(workers)})
        self.workers = workers
