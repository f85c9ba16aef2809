"""How a process says that it works, by the gRPC health protocol, under two names.

"" is readiness: SERVING while all answers that the process itself needs, its own database and, where it publishes and reads events, the
broker. Another service that is away changes nothing: what needs it says so, and the rest goes on (E6); otherwise one that is missing
would take all that call it, and in the end the whole, out of balance. LIVENESS is SERVING for as long as the process answers
at all: a start anew mends nothing that lies elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from services.common.telemetry import process
from services.common.telemetry.metrics import READY

LIVENESS = "liveness"
EVERY_SECONDS = 1.0
# Longer than one waits for a connection (database.WAIT_SECONDS): a process that has much to do is not away.
PATIENCE_SECONDS = 6.0
_STATUS = {True: health_pb2.HealthCheckResponse.SERVING, False: health_pb2.HealthCheckResponse.NOT_SERVING}
log = structlog.get_logger()
Needs = Mapping[str, Callable[[], Awaitable[bool]]]


class Health:
    """The health service of a process. `needs` names what it cannot work without, and asks each whether it answers."""

    def __init__(self, server: aio.Server, needs: Needs) -> None:
        self._servicer = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        self._needs = needs
        self._missing: set[str] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Alive from now on, and ready as soon as everything needed has answered."""
        await self._servicer.set(LIVENESS, _STATUS[True])
        if self._needs:
            await self._servicer.set("", _STATUS[False])
            self._watching = asyncio.create_task(self._watch())
        else:
            await self._servicer.set("", _STATUS[True])

    async def end(self) -> None:
        """Not ready any more: nobody shall begin anything here (rule 9)."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._servicer.set("", _STATUS[False])

    async def _watch(self) -> None:
        """Asks again and again. One that does not answer in time counts as away, and is asked again only once it has answered."""
        asked: dict[str, asyncio.Future[bool]] = {}
        try:
            while True:
                for name, answers in self._needs.items():
                    if name not in asked or asked[name].done():
                        asked[name] = asyncio.ensure_future(answers())
                await asyncio.wait(asked.values(), timeout=PATIENCE_SECONDS)
                await self._note({name for name, answer in asked.items() if not _is_yes(answer)})
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            for answer in asked.values():
                answer.cancel()

    async def _note(self, missing: set[str]) -> None:
        if missing == self._missing:
            return
        own = process.own()
        for name in self._needs:
            READY.labels(own.service, own.process, name).set(name not in missing)
        if missing and self._missing is not None:
            log.warning("not_ready", missing=sorted(missing))
        elif self._missing:
            log.info("ready")
        self._missing = missing
        await self._servicer.set("", _STATUS[not missing])


def _is_yes(answer: asyncio.Future[bool]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None and answer.result()


@asynccontextmanager
async def serving(listen: str, needs: Needs) -> AsyncIterator[None]:
    """Answers health checks at the address within the block, for a process that serves nothing else.

    Raises RuntimeError when the address is taken.
    """
    server = aio.server(options=[("grpc.so_reuseport", 0)])
    own = Health(server, needs)
    server.add_insecure_port(listen)
    await server.start()
    await own.begin()
    try:
        yield
    finally:
        await own.end()
        await server.stop(grace=None)
