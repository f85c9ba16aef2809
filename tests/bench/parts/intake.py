"""Orders of new members, existing members and guests, and what follows from them: points, mails, finding (A1, A4, E5)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from tests.bench import usage
from tests.bench.floors import pgbench, scratch_database
from tests.bench.job import Job, Outcome, percentiles
from tests.bench.record import Floor
from tests.bench.site import Site
from tests.bench.statements import transaction
from tests.bench.usage import less

# What must hold at 32 clients on 2 cores, and the budget behind it.
_GOALS = {
    "rate": {"must_be": "at least", "value": 200.0},
    "p99": {"must_be": "below", "value": 300.0},
    "visible": {"must_be": "below", "value": 1_000.0},
    "cpu": {"must_be": "at most", "value": 2.5},
    "idle": {"must_be": "below", "value": 900.0},
    "load": {"must_be": "below", "value": 1_536.0},
    "kept": {"must_be": "at least", "value": 0.9},
}
NEW, EXISTING, GUESTS = "new members", "existing members", "guests"
_RATE = "orders of {}"
_KEPT = 2_000
_ENOUGH = 200
SQL = {"orders": "SQL of an order (pgbench)", "membership": "SQL of a new member (pgbench)"}
HTTP, GRPC = "empty HTTP hop (gateway)", "empty gRPC hop (orders)"
# What one order is made of: each hop and statement by itself keeps the machine busy at its floor's rate, so times add up.
_CHAINS = {
    NEW: ("an order of a new member: HTTP, two gRPC hops, both SQL", (HTTP, GRPC, GRPC, *SQL.values())),
    EXISTING: ("an order of a member: HTTP, two gRPC hops, SQL", (HTTP, GRPC, GRPC, SQL["orders"])),
    GUESTS: ("an order of a guest: HTTP, two gRPC hops, both SQL", (HTTP, GRPC, GRPC, *SQL.values())),
}


class NothingMeasured(Exception):
    """A flow that the others build upon came to nothing."""


def measure(site: Site) -> None:
    """The whole part. In the smallest store at all numbers of clients, in the largest also with two processes of the gateway."""
    most = max(site.pace.clients)
    _warm_up(site, most)
    if site.first:
        _at_idle(site)
    _floors(site, most)
    for flow in (NEW, EXISTING, GUESTS):
        for clients in site.pace.clients if site.first and flow != GUESTS else (most,):
            _point(site, flow, clients)
    _chain(site, most)
    _visible(site, most)
    if site.last:
        _kept(site, most)
        site.restart_gateway(workers=2)
        _warm_up(site, most)
        for flow in (NEW, EXISTING):
            _point(site, flow, most)
        site.restart_gateway(workers=1)
        _warm_up(site, most)


def _warm_up(site: Site, clients: int) -> None:
    """The first requests open connections and prepare statements; nobody waits for those twice. Their buyers buy again later."""
    site.say("warming up")
    outcome = site.generate(site.job(NEW, clients, min(3.0, site.pace.seconds)))
    if not outcome.people:
        raise NothingMeasured(f"no order became a member: {outcome.counts} {outcome.first_error}")
    site.buyers = [*outcome.people, *site.buyers][:_KEPT]
    site.settle()


def _at_idle(site: Site) -> None:
    site.say("at idle")
    # What was opened for the beginning has been closed again by then.
    time.sleep(site.pace.idle)
    with site.watched() as watched:
        site.idle = usage.idle_rates(site.usage, min(3.0, site.pace.seconds))
        memory = site.usage.pss_mib()
    bare = site.floor(
        "memory of bare interpreters with the same libraries", usage.bare_mib(site.running.processes), "MiB"
    )
    _memory(site, "memory of all processes, idle", memory, "idle", watched, bare)
    used = {name: round(cores, 4) for name, cores in site.idle.items()}
    values = {"name": "cores used by all processes, idle", "unit": "cores", "value": sum(used.values()), "detail": used}
    site.figure({"part": "orders", "better": "lower"} | values | watched)


def _memory(site: Site, name: str, memory: dict[str, float], goal: str, watched: dict[str, float], bare: Floor) -> None:
    values = {"part": "orders", "name": name, "unit": "MiB", "value": round(sum(memory.values()), 1), "better": "lower"}
    site.figure(values | watched | {"goal": _GOALS[goal], "detail": memory}, floor=bare)


def _floors(site: Site, most: int) -> None:
    seconds = max(2.0, site.pace.seconds / 2)
    for context, name in SQL.items():
        site.say(f"floor: {name}")
        with scratch_database(site.running, context) as url:
            floor = pgbench(url, transaction(context), most, seconds)
            if (
                floor.latency["n"] < _ENOUGH
            ):  # on a machine that is so busy, opening the connections took most of the time
                floor = pgbench(url, transaction(context), most, seconds * 5)
        site.floor(name, round(floor.per_second, 1), "per second", floor.latency)
    for flow, name in (("http hop", HTTP), ("grpc hop", GRPC)):
        site.say(f"floor: {name}")
        outcome = site.generate(replace(site.job(flow, most, seconds), target=site.running.targets["orders"]))
        site.floor(name, round(outcome.per_second, 1), "per second", percentiles(outcome.latencies.get("hop", [])))
    for name, steps in _CHAINS.values():
        site.floor(name, round(1 / sum(1 / site.floors[step].value for step in steps), 1), "per second")


def _point(site: Site, flow: str, clients: int) -> None:
    site.say(f"{flow}, {clients} clients" + (f", {site.workers} workers" if site.workers > 1 else ""))
    loaded = flow == NEW and clients == max(site.pace.clients)
    job = site.job(flow, clients, site.pace.seconds)
    outcome, point = _measured(site, job, site.pace.profile if loaded and site.last else ())
    floor = site.floors[_CHAINS[flow][0]]
    name = _RATE.format(flow)
    latency = percentiles(outcome.latencies.get("order", []))
    shared = {"part": "orders", "clients": clients} | point["watched"]
    counts = {f"answers: {what}": float(count) for what, count in outcome.counts.items()}
    ratios = {
        f"÷ {each}": round(outcome.per_second / site.floors[each].value, 4) for each in (*SQL.values(), HTTP, GRPC)
    }
    goals = _GOALS if loaded else {}
    rate = {"name": name, "unit": "per second", "value": round(outcome.per_second, 1), "better": "higher"}
    site.figure(shared | rate | {"goal": goals.get("rate"), "detail": counts | ratios}, took=latency, floor=floor)
    slow = {"name": f"{name}: 99th percentile", "unit": "ms", "value": latency["p99"], "better": "lower"}
    least = site.floors[SQL["orders"]].latency
    alone = site.floor("the slowest of a hundred: SQL of an order (pgbench)", least.p99 if least else 0.0, "ms")
    site.figure(shared | slow | {"goal": goals.get("p99")}, floor=alone)
    for title, cpu, goal in (
        ("CPU before the answer", point["cpu"], None),
        ("CPU until every event is read and mail sent", point["cpu_settled"], goals.get("cpu")),
    ):
        figure = {"name": f"{name}: {title}", "unit": "ms", "value": round(sum(cpu.values()), 3), "better": "lower"}
        site.figure(shared | figure | {"goal": goal, "detail": cpu}, floor=_cpu_floor(site, floor))
    whole = outcome.done / (outcome.seconds + point["events_seconds"])
    chain = {
        "name": f"{name}, until every event is read",
        "unit": "per second",
        "value": round(whole, 1),
        "better": "higher",
    }
    site.figure(shared | chain | {"detail": point["settling"]}, floor=floor)
    if loaded:
        bare = site.floors.get("memory of bare interpreters with the same libraries") or site.floor(
            "memory of bare interpreters with the same libraries", usage.bare_mib(site.running.processes), "MiB"
        )
        _memory(site, "memory of all processes, under load", point["memory"], "load", point["watched"], bare)


def _cpu_floor(site: Site, floor: Floor) -> Floor:
    """CPU of an order if the machine's cores, wholly busy, did what the floor did."""
    return floor.model_copy(update={"value": round(1e3 * usage.cores() / floor.value, 3), "unit": "ms"})


def _measured(site: Site, job: Job, profile: Sequence[str]) -> tuple[Outcome, dict[str, Any]]:
    marks: dict[str, Any] = {"spin": usage.spin_ms()}
    watcher = site.usage

    def before() -> None:
        marks.update(cpu=watcher.cpu_seconds(), busy=usage.machine_busy_seconds(), at=time.monotonic())

    def during() -> None:
        with _profiling(site, profile, job.seconds):
            time.sleep(job.seconds * 0.75)
            marks["memory"] = watcher.pss_mib()

    outcome = site.generate(job, before, during)
    if job.flow == NEW:
        site.buyers = [*outcome.people, *site.buyers][:_KEPT]
    cpu, wall = less(watcher.cpu_seconds(), marks["cpu"]), time.monotonic() - marks["at"]
    others = usage.machine_busy_seconds() - marks["busy"] - sum(cpu.values()) - outcome.generator_cpu_seconds
    spin = (marks["spin"] + usage.spin_ms()) / 2
    waiting = site.rest.count_mails()[1]
    events = site.rest.events()
    mails = site.rest.mails(site.pace.mail_seconds)
    settled, afterwards = less(watcher.cpu_seconds(), marks["cpu"]), time.monotonic() - marks["at"] - wall
    each = 1e3 / max(1, outcome.done)
    return outcome, {
        "watched": {"others": round(max(0.0, others) / wall, 2), "spin_ms": round(spin, 1)},
        "memory": marks["memory"],
        "cpu": {name: round(value * each, 4) for name, value in cpu.items()} | {"load generator, not counted": 0.0},
        # Less what an idle stack uses in the time after the load.
        "cpu_settled": {
            name: round(max(0.0, value - site.idle.get(name, 0.0) * afterwards) * each, 4)
            for name, value in settled.items()
        },
        "events_seconds": events,
        "settling": {
            "seconds until every event was read": round(events, 2),
            "mails waiting at the end": float(waiting),
            **({} if mails is None else {"seconds until every mail was sent": round(mails, 1)}),
        },
    }


@contextmanager
def _profiling(site: Site, names: Sequence[str], seconds: float) -> Iterator[None]:
    with ExitStack() as spies:
        for name in names:
            spy = usage.profiled(site.running.processes[name], max(1.0, seconds * 0.75 - 1))
            site.profiles[name] = spies.enter_context(spy)
        yield


def _chain(site: Site, clients: int) -> None:
    site.say("from the order to its points and the row of its mail")
    urls = {context: site.running.databases[context].admin for context in ("membership", "notification")}
    for load in (1, clients):
        with site.watched() as watched:
            outcome = site.generate(replace(site.job("chain", load, site.pace.seconds), databases=urls))
        for name, title in (
            ("points", "its points stand"),
            ("mail", "the row of its mail stands"),
            ("chain", "both stand"),
        ):
            took = percentiles(outcome.latencies.get(name, []))
            values = {
                "part": "orders",
                "name": f"from an order until {title}: 99th percentile",
                "unit": "ms",
                "value": took["p99"],
            }
            site.figure(values | watched | {"better": "lower", "clients": load}, took=took)
        site.settle()


def _visible(site: Site, clients: int) -> None:
    site.say("time until a member is found")
    with site.watched() as watched:
        outcome = site.generate(site.job("visible", clients, site.pace.seconds))
    took = percentiles(outcome.latencies.get("visible", []))
    values = {
        "part": "orders",
        "name": "until a new member is found: 99th percentile",
        "unit": "ms",
        "value": took["p99"],
    }
    site.figure(values | watched | {"better": "lower", "clients": clients, "goal": _GOALS["visible"]}, took=took)
    site.settle()


def _kept(site: Site, clients: int) -> None:
    """What of the smallest store's rate the largest keeps; beside it, the same of what each was of its floor, as the machine was then."""
    if site.first:
        return
    for flow in (NEW, EXISTING, GUESTS):
        rates = {
            figure.members: figure
            for figure in site.figures
            if figure.name == _RATE.format(flow) and figure.clients == clients and figure.workers == 1
        }
        small, large = rates[site.sizes[0]], rates[site.members]
        by_floor = (large.ratio or 0.0) / (small.ratio or 1.0)
        name = f"{_RATE.format(flow)}: the largest store's rate ÷ the smallest's"
        values = {
            "part": "orders",
            "name": name,
            "unit": "",
            "value": round(large.value / small.value, 3),
            "better": "higher",
        }
        detail = {
            "the same by the floors taken beside": round(by_floor, 3),
            "members in the smallest": float(site.sizes[0]),
        }
        site.figure(values | {"clients": clients, "goal": _GOALS["kept"], "detail": detail})
