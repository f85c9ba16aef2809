"""The measurements, one after the other, on a stack that runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from deploy.local.state import RunningStack
from tests.bench import generator, usage
from tests.bench.floors import pgbench, scratch_database
from tests.bench.job import Job, Outcome, percentiles
from tests.bench.merging import LargeMerges, accounts_and_buyers
from tests.bench.people import Person, start_of_run
from tests.bench.settle import Rest
from tests.bench.statements import transaction
from tests.bench.usage import Usage, less

CLIENTS = (1, 8, 32)
MOST_CLIENTS = CLIENTS[-1]
# More than this machine could ever do, so that the prepared orders do not run out.
_MOST_PER_SECOND = 700
# Each buyer takes a place, and so does each number that turned out to be no mobile.
_PLACES_PER_ORDER = 2
_MERGES, _ACCOUNTS, _ORDERS_EACH = 20, 3, 3
_MEMBERS_KEPT = 2_000
_VISIBLE = "member visible in a search, at 32 clients"


class NothingMeasured(Exception):
    """A flow that the others build upon came to nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller wants: `seconds` for each point, `profile` names processes for py-spy."""

    seconds: float = 8.0
    email_share: float = 0.5
    searches: int = 200
    merges: int = _MERGES
    large_merges: int = 3
    orders_each: int = 10_000
    mail_seconds: float = 120.0
    profile: Sequence[str] = ()


@dataclass
class Bench:
    """Runs the points and gathers what they came to."""

    running: RunningStack
    api_key: str
    options: Options
    say: Callable[[str], None]
    results: dict[str, Any] = field(
        default_factory=lambda: {"points": [], "floors": {}, "waits": {}, "memory_mib": {}, "profiles": {}}
    )

    def __post_init__(self) -> None:
        self._usage = Usage(self.running.processes)
        self._rest = Rest(self.running)
        self._place = start_of_run()
        self._members: list[Person] = []
        self._faults = 0
        self._first_error = ""
        self._idle: dict[str, float] = {}

    @property
    def faults(self) -> str:
        """What went wrong and should not have; empty if nothing did."""
        return f"{self._faults} faults, the first: {self._first_error}" if self._faults else ""

    def run(self) -> dict[str, Any]:
        """Everything. Raises GeneratorFailed, FloorFailed, NotSettled."""
        self._warm_up()
        self._at_idle()
        self._floors()
        for clients in CLIENTS:
            self._orders("new members", clients)
        for clients in CLIENTS:
            self._orders("existing members", clients)
        self._visible()
        self._merges()
        self._large_merges()
        self._searches()
        self._ratios()
        return self.results

    # --- points ----------------------------------------------------------------------------------------------------

    def _warm_up(self) -> None:
        """The first requests open connections and prepare statements; nobody waits for those twice."""
        self.say("warming up")
        self._generate(self._job("new members", MOST_CLIENTS, min(3.0, self.options.seconds)))
        self._settle()

    def _at_idle(self) -> None:
        self.say("at idle")
        self._idle = usage.idle_rates(self._usage, min(3.0, self.options.seconds))
        self.results["idle_cores"] = self._idle
        self.results["memory_mib"]["idle"] = self._usage.pss_mib()

    def _orders(self, flow: str, clients: int) -> None:
        self.say(f"{flow}, {clients} clients")
        last = flow == "new members" and clients == MOST_CLIENTS
        job = self._job(flow, clients, self.options.seconds)
        point = self._measured(job, profile=self.options.profile if last else ())
        self.results["points"].append(point)
        if last:
            self.results["processes"] = {"at load": point}
            self.results["memory_mib"]["at load"] = point.pop("memory_mib")
            self.results["waits"]["events read by everybody after the load"] = percentiles([point["events_settled_ms"]])

    def _measured(self, job: Job, profile: Sequence[str]) -> dict[str, Any]:
        marks: dict[str, Any] = {"spin": usage.spin_ms()}

        def before() -> None:
            marks.update(cpu=self._usage.cpu_seconds(), busy=usage.machine_busy_seconds(), at=time.monotonic())

        def during() -> None:
            with self._profiling(profile, job.seconds):
                time.sleep(job.seconds * 0.75)
                marks["memory"] = self._usage.pss_mib()

        outcome = self._generate(job, before, during)
        if job.flow == "new members":
            self._members = [*outcome.people, *self._members][:_MEMBERS_KEPT]
        cpu, wall = less(self._usage.cpu_seconds(), marks["cpu"]), time.monotonic() - marks["at"]
        spin = (marks["spin"] + usage.spin_ms()) / 2
        foreign = usage.machine_busy_seconds() - marks["busy"] - sum(cpu.values()) - outcome.generator_cpu_seconds
        mails = self._rest.count_mails()
        events_seconds = self._rest.events()
        mails_seconds = self._rest.mails(self.options.mail_seconds)
        settled = less(self._usage.cpu_seconds(), marks["cpu"])
        afterwards = time.monotonic() - marks["at"] - wall
        each = 1e3 / max(1, outcome.done)
        return {
            "flow": job.flow,
            "clients": job.clients,
            **outcome.summary(),
            "faults": outcome.faults,
            "cpu_ms_each": {name: round(value * each, 4) for name, value in cpu.items()},
            # Until every event is read and every mail sent, less what an idle stack uses in the time after the load.
            "cpu_ms_each_settled": {
                name: round(max(0.0, value - self._idle[name] * afterwards) * each, 4)
                for name, value in settled.items()
            },
            "generator_cpu_ms_each": round(outcome.generator_cpu_seconds * each, 4),
            "foreign_cores": round(max(0.0, foreign) / wall, 2),
            "spin_ms": round(spin, 1),
            "events_settled_ms": round(events_seconds * 1e3, 1),
            "mails_waiting_at_end": mails[1],
            "mails_settled_seconds": mails_seconds and round(mails_seconds, 1),
            "memory_mib": marks["memory"],
        }

    @contextmanager
    def _profiling(self, names: Sequence[str], seconds: float) -> Iterator[None]:
        with ExitStack() as spies:
            for name in names:
                spy = usage.profiled(self.running.processes[name], max(1.0, seconds * 0.75 - 1))
                self.results["profiles"][name] = spies.enter_context(spy)
            yield

    def _visible(self) -> None:
        self.say("time until a member is visible")
        outcome = self._generate(self._job("visible", MOST_CLIENTS, self.options.seconds))
        self.results["waits"][_VISIBLE] = percentiles(outcome.latencies.get("visible", []))
        self.results["visible"] = outcome.summary()
        self._settle()

    def _merges(self) -> None:
        self.say(f"{self.options.merges} merges of {_ACCOUNTS} accounts")
        count = self.options.merges * _ACCOUNTS
        job = self._job("new members", 4, 60.0)
        accounts = self._generate(replace(job, most=count)).people
        job = replace(self._job("existing members", 4, 60.0), people=accounts, most=count * (_ORDERS_EACH - 1))
        self._generate(job)
        self._settle()
        outcome = self._generate(replace(self._job("merges", 1, 60.0), people=accounts))
        for name, title in (
            ("plan", "merge: plan"),
            ("commit", "merge: commit"),
            ("completed", "merge: commit until completed"),
        ):
            self.results["waits"][title] = percentiles(outcome.latencies.get(name, []))
        self.results["merges"] = outcome.summary()
        self._settle()

    def _large_merges(self) -> None:
        groups, each = self.options.large_merges, self.options.orders_each
        self.say(f"{groups} merges of accounts with {each:,} orders each")
        accounts, buyers = accounts_and_buyers(self._generate, self._job("new members", 4, 60.0), groups)
        self._settle()
        measured = LargeMerges(self.running, self.api_key, buyers).measure(accounts, each)
        self._faults += measured["faults"]
        self._first_error = self._first_error or measured["first_error"]
        self.results["large_merges"] = measured
        self._settle()

    def _searches(self) -> None:
        members = self._rest.count_members()
        self.say(f"search among {members:,} members")
        outcome = self._generate(replace(self._job("searches", 1, 60.0), most=self.options.searches))
        for kind, latencies in outcome.latencies.items():
            self.results["waits"][f"search: {kind}"] = percentiles(latencies)
        self.results["searches"] = {"members": members, **outcome.summary()}

    # --- floors ----------------------------------------------------------------------------------------------------

    def _floors(self) -> None:
        seconds = max(2.0, self.options.seconds / 2)
        for context, name in (("orders", "SQL of an order (pgbench)"), ("membership", "SQL of a new member (pgbench)")):
            self.say(f"floor: {name}")
            with scratch_database(self.running, context) as url:
                self.results["floors"][name] = asdict(pgbench(url, transaction(context), MOST_CLIENTS, seconds))
        for flow, name in (("http hop", "empty HTTP hop (gateway)"), ("grpc hop", "empty gRPC hop (orders)")):
            self.say(f"floor: {name}")
            job = replace(self._job(flow, MOST_CLIENTS, seconds), target=self.running.targets["orders"])
            outcome = self._generate(job)
            self.results["floors"][name] = {
                "per_second": outcome.per_second,
                "latency": percentiles(outcome.latencies.get("hop", [])),
            }

    def _ratios(self) -> None:
        rates = {p["flow"]: p["per_second"] for p in self.results["points"] if p["clients"] == MOST_CLIENTS}
        self.results["ratios"] = {
            name: {flow: round(rate / floor["per_second"], 4) for flow, rate in rates.items()}
            for name, floor in self.results["floors"].items()
        }

    # --- help ------------------------------------------------------------------------------------------------------

    def _job(self, flow: str, clients: int, seconds: float) -> Job:
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
            email_share=self.options.email_share,
            people=self._members,
        )

    def _generate(
        self, job: Job, before: Callable[[], None] | None = None, during: Callable[[], None] | None = None
    ) -> Outcome:
        outcome = generator.run(job, before=before, during=during)
        self._faults += outcome.faults
        self._first_error = self._first_error or outcome.first_error
        if job.flow == "new members" and not outcome.people:
            raise NothingMeasured(
                f"no order became a member within {job.seconds:.0f} s: {outcome.counts} {outcome.first_error}"
            )
        return outcome

    def _settle(self) -> None:
        self._rest.events()
        self._rest.mails(self.options.mail_seconds)
