"""While a server is away one lane at a time tries it, and the others leave it alone: many lanes and processes make no storm (L)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from services.common.telemetry.metrics import SERVER_AWAY

LONGEST_PAUSE_SECONDS = 30.0
log = structlog.get_logger()


class Breaker:
    """Of one channel in this process. Open from the first "away" until the server has answered somebody."""

    def __init__(self, channel: str, stopping: asyncio.Event) -> None:
        self._channel = channel
        self._stopping = stopping
        self._probing = asyncio.Lock()
        self._pause = 0.0
        self._until = 0.0
        SERVER_AWAY.labels(channel).set(0)

    @property
    def is_open(self) -> bool:
        """Whether the server counts as away."""
        return self._pause > 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Time for one message: at once, or, while the server is away, when the pause is over and nobody else tries."""
        if not self.is_open:
            yield
            return
        async with self._probing:
            if self.is_open:
                await self._rest(self._until - _now())
            yield

    def away(self, seconds: float) -> None:
        """Nobody was there. The next try comes after `seconds`, or later: the pause doubles up to half a minute.

        Several lanes that find out at the same time are one occasion.
        """
        if not self.is_open:
            log.warning("server_away", channel=self._channel)
            SERVER_AWAY.labels(self._channel).set(1)
        if _now() >= self._until:
            self._pause = min(max(1.0, 2 * self._pause), LONGEST_PAUSE_SECONDS)
        self._until = max(self._until, _now() + max(self._pause, seconds))

    def answered(self) -> None:
        """The server is there, whatever it says."""
        if self.is_open:
            log.info("server_back", channel=self._channel)
            SERVER_AWAY.labels(self._channel).set(0)
        self._pause = self._until = 0.0

    async def _rest(self, seconds: float) -> None:
        """Only a stop ends the rest sooner."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
