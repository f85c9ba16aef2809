"""What the load generator does: orders, looking for members, merges, searches, and empty hops.

Each flow prepares its requests when it is made, and does nothing but send and look while it runs.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid4

import asyncpg
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.bench.client import Answer, BrokenAnswer, Connection
from tests.bench.job import Job, Outcome
from tests.bench.people import Person, order_of, people

POLL_SECONDS = 0.025
MERGE_POLL_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 15.0
PROBES = 2
# Of the store that is there: one of the bench's own has no other.
STANDS = {
    "points": """SELECT true FROM points_entries
 WHERE store_id = (SELECT store_id FROM store_settings LIMIT 1) AND order_id = $1 AND reason = 1""",
    "mail": "SELECT true FROM messages WHERE store_id = (SELECT store_id FROM messages LIMIT 1) AND order_id = $1",
}
_BROKEN = (BrokenAnswer, OSError, TimeoutError)
_PEOPLE_KEPT = 2_000


class Flow(Protocol):
    """Made from a job, run once."""

    async def run(self, outcome: Outcome) -> None:
        """Fills the outcome."""


async def until_over(job: Job, work: Callable[[Connection], Awaitable[bool]]) -> None:
    """`job.clients` clients, each with a connection, calling `work` until the time is up or it says that nothing is left."""
    deadline = time.perf_counter() + job.seconds

    async def client() -> None:
        async with Connection(job.api) as connection:
            while time.perf_counter() < deadline and await work(connection):
                pass

    await asyncio.gather(*(client() for _ in range(job.clients)))


async def send(connection: Connection, request: bytes, expected: int, outcome: Outcome) -> Answer | None:
    """The answer if it is the expected one; anything else is counted as a fault."""
    try:
        answer = await connection.send(request)
    except _BROKEN as error:
        outcome.fault("no answer", f"{type(error).__name__}: {error}")
        return None
    if answer.status == expected:
        return answer
    outcome.fault(f"HTTP {answer.status}", answer.body.decode(errors="replace"))
    return None


class Orders:
    """Sends orders, each on behalf of one buyer. Complete: 201 with the member, or the guest, in the answer."""

    complete = "member"

    def __init__(self, job: Job, buyers: Iterable[Person], **more: object) -> None:
        self._job = job
        self._orders = iter(
            [
                (buyer, job.api.post("/api/v1/orders", order_of(buyer, number) | more, str(uuid4())))
                for number, buyer in enumerate(itertools.islice(buyers, job.most))
            ]
        )

    async def run(self, outcome: Outcome) -> None:
        await until_over(self._job, lambda connection: self._order(connection, outcome))

    async def _order(self, connection: Connection, outcome: Outcome) -> bool:
        buyer, request = next(self._orders, (None, b""))
        if buyer is None:
            return False
        started = time.perf_counter()
        self.sending(buyer, started, outcome)
        answer = await send(connection, request, 201, outcome)
        outcome.took("order", time.perf_counter() - started)
        if answer:
            _note(answer, buyer, outcome, self.complete)
            self.answered(answer, started, outcome)
        return True

    def answered(self, answer: Answer, started: float, outcome: Outcome) -> None:
        """Called when an order stands."""

    def sending(self, buyer: Person, started: float, outcome: Outcome) -> None:
        """Called when an order is about to be sent."""


def _note(answer: Answer, buyer: Person, outcome: Outcome, complete: str = "member") -> None:
    customer: Any = answer.json()["customer"]
    outcome.count(customer["status"])
    if customer["status"] != complete:
        return
    outcome.done += 1
    if len(outcome.people) < _PEOPLE_KEPT:
        outcome.people.append(Person(buyer.name, buyer.phone, buyer.email, customer["customer_id"]))


class NewMembers(Orders):
    """Orders of new customers who become members (A4)."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, people(job.place, job.email_share))


class Guests(Orders):
    """Orders of new customers who do not become members (A1)."""

    complete = "guest"

    def __init__(self, job: Job) -> None:
        buyers = people(job.place, job.email_share)
        super().__init__(job, buyers, add_as_member=False)


class WholeChain(NewMembers):
    """Orders of new members with an e-mail, up to PROBES at a time watched in the databases: how long after the order was sent its points,
    and the row of its mail, stand.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(replace(job, email_share=1.0))
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, outcome: Outcome) -> None:
        self._databases = [await asyncpg.connect(self._job.databases[name]) for name in ("membership", "notification")]
        await super().run(outcome)
        await asyncio.gather(*self._tasks)
        for database in self._databases:
            await database.close()

    def answered(self, answer: Answer, started: float, outcome: Outcome) -> None:
        if not self._tasks:
            order: Any = answer.json()
            task = asyncio.create_task(self._watch(UUID(order["order_id"]), started, outcome))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _watch(self, order_id: UUID, started: float, outcome: Outcome) -> None:
        waiting = dict(zip(("points", "mail"), self._databases, strict=True))
        while time.perf_counter() < started + LONGEST_WAIT_SECONDS:
            for name, database in list(waiting.items()):
                if await database.fetchval(STANDS[name], order_id):
                    outcome.took(name, time.perf_counter() - started)
                    del waiting[name]
            if not waiting:
                outcome.took("chain", time.perf_counter() - started)
                return
            await asyncio.sleep(POLL_SECONDS)
        outcome.fault("never stood", f"{', '.join(waiting)} of {order_id}")


class ExistingMembers(Orders):
    """Orders of members named by their ids, one after the other."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, itertools.cycle(job.people))


class EvenPace(ExistingMembers):
    """The same, `per_second` of them whatever the answers take; what an order waits for its turn counts as its time.

    `due` says when each was due, by the clock that all processes share.
    """

    async def run(self, outcome: Outcome) -> None:
        begun = time.perf_counter()
        await asyncio.gather(*(self._client(number, begun, outcome) for number in range(self._job.clients)))

    async def _client(self, number: int, begun: float, outcome: Outcome) -> None:
        async with Connection(self._job.api) as connection:
            for turn in itertools.count():
                due = begun + (number + turn * self._job.clients) / self._job.per_second
                buyer, request = next(self._orders, (None, b""))
                if buyer is None or due > begun + self._job.seconds:
                    return
                await asyncio.sleep(due - time.perf_counter())
                answer = await send(connection, request, 201, outcome)
                outcome.took("due", due)
                outcome.took("order", time.perf_counter() - due)
                if answer:
                    _note(answer, buyer, outcome)


class VisibleMembers(NewMembers):
    """The same, with up to PROBES buyers at a time watched: how long until a search by phone shows the member."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._free = [Connection(job.api) for _ in range(PROBES)]
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, outcome: Outcome) -> None:
        await super().run(outcome)
        await asyncio.gather(*self._tasks)

    def sending(self, buyer: Person, started: float, outcome: Outcome) -> None:
        if self._free:
            self._tasks.append(asyncio.create_task(self._watch(self._free.pop(), buyer, started, outcome)))

    async def _watch(self, connection: Connection, buyer: Person, started: float, outcome: Outcome) -> None:
        request = self._job.api.get(f"/api/v1/customers?query={quote(buyer.phone)}")
        while time.perf_counter() < started + LONGEST_WAIT_SECONDS:
            await asyncio.sleep(POLL_SECONDS)
            answer = await send(connection, request, 200, outcome)
            if answer and answer.json()["items"]:
                outcome.took("visible", time.perf_counter() - started)
                self._free.append(connection)
                return
        outcome.fault("member never seen", buyer.customer_id)


class Merges:
    """Merges of three accounts each, one after the other: plan, commit, watch until completed (F)."""

    def __init__(self, job: Job) -> None:
        self._api = job.api
        ids = [person.customer_id for person in job.people]
        self._groups = [ids[i : i + 3] for i in range(0, len(ids) - 2, 3)][: job.most]

    async def run(self, outcome: Outcome) -> None:
        async with Connection(self._api) as connection:
            for group in self._groups:
                await self._merge(connection, group, outcome)

    async def _merge(self, connection: Connection, group: list[str], outcome: Outcome) -> None:
        wish = {"customer_ids": group, "primary_id": group[0]}
        started = time.perf_counter()
        plan = await send(connection, self._api.post("/api/v1/merges/plans", wish, str(uuid4())), 201, outcome)
        if plan is None:
            return
        outcome.took("plan", time.perf_counter() - started)
        checked = {name: plan.json()[name] for name in ("plan_id", "plan_hash")}
        started = time.perf_counter()
        run = await send(connection, self._api.post("/api/v1/merges", checked, str(uuid4())), 202, outcome)
        if run is None:
            return
        outcome.took("commit", time.perf_counter() - started)
        if await self._completed(connection, run.json(), outcome):
            outcome.took("completed", time.perf_counter() - started)
            outcome.done += 1

    async def _completed(self, connection: Connection, run: dict[str, Any], outcome: Outcome) -> bool:
        watch = self._api.get(f"/api/v1/merges/{run['merge_run_id']}")
        deadline = time.perf_counter() + LONGEST_WAIT_SECONDS
        while run["state"] != "completed":
            if run["state"] == "refused" or time.perf_counter() > deadline:
                outcome.fault("merge not completed", f"{run['state']} {run['refusal']}")
                return False
            await asyncio.sleep(MERGE_POLL_SECONDS)
            if answer := await send(connection, watch, 200, outcome):
                run = answer.json()
        outcome.count(f"orders moved: {run['orders_moved']}")
        return True


class Searches:
    """Each kind of search `most` times, by what existing people are called; nothing found is a fault (C2)."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._queries = [
            (kind, job.api.get(f"/api/v1/customers?query={quote(term)}"))
            for kind, terms in search_terms(job.people).items()
            for term in itertools.islice(itertools.cycle(terms), job.most if terms else 0)
        ]

    async def run(self, outcome: Outcome) -> None:
        async with Connection(self._job.api) as connection:
            for kind, request in self._queries:
                started = time.perf_counter()
                answer = await send(connection, request, 200, outcome)
                if answer is None:
                    continue
                outcome.took(kind, time.perf_counter() - started)
                outcome.done += 1
                if not answer.json()["items"]:
                    outcome.fault("nothing found", kind)


def search_terms(found: Sequence[Person]) -> dict[str, list[str]]:
    """What to search for, by kind."""
    chinese = [person.name for person in found if len(person.name) >= 3 and not person.name.isascii()]
    latin = [person.name for person in found if person.name.isascii()]
    return {
        "phone, whole": [person.phone for person in found],
        "phone, last 5 digits": [person.phone[-5:] for person in found],
        "e-mail, whole": [person.email for person in found if person.email],
        "2 Chinese characters": [name[1:3] for name in chinese],
        "4 Latin letters": [name[:4] for name in latin],
    }


class HttpHop:
    """The gateway's cheapest answer: what HTTP, gunicorn and Flask cost by themselves."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._request = job.api.get("/healthz")

    async def run(self, outcome: Outcome) -> None:
        async def once(connection: Connection) -> bool:
            started = time.perf_counter()
            if await send(connection, self._request, 200, outcome):
                outcome.took("hop", time.perf_counter() - started)
                outcome.done += 1
            return True

        await until_over(self._job, once)


class GrpcHop:
    """The health check of a service: what gRPC costs by itself."""

    def __init__(self, job: Job) -> None:
        self._job = job

    async def run(self, outcome: Outcome) -> None:
        deadline = time.perf_counter() + self._job.seconds
        options = [("grpc.enable_http_proxy", 0)]
        async with grpc.aio.insecure_channel(self._job.target, options=options) as channel:
            stub = health_pb2_grpc.HealthStub(channel)

            async def caller() -> None:
                while (started := time.perf_counter()) < deadline:
                    await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
                    outcome.took("hop", time.perf_counter() - started)
                    outcome.done += 1

            await asyncio.gather(*(caller() for _ in range(self._job.clients)))


FLOWS: dict[str, Callable[[Job], Flow]] = {
    "new members": NewMembers,
    "guests": Guests,
    "chain": WholeChain,
    "visible": VisibleMembers,
    "existing members": ExistingMembers,
    "even pace": EvenPace,
    "merges": Merges,
    "searches": Searches,
    "http hop": HttpHop,
    "grpc hop": GrpcHop,
}
