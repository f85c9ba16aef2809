"""Ways between processes that can be made slow, or break: a small TCP proxy for each process and each server that it talks to."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import uvloop

from deploy.local.ports import LOOPBACK

T = TypeVar("T")
# Closing so sends RST, as a firewall does that has forgotten a connection.
# uvloop counts in whole milliseconds, and what it calls now may be one behind: without it a way would be quicker than it was told.
_TICK = 0.001
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass
class Link:
    """The way of one process to one server."""

    source: str
    destination: str
    server_port: int
    port: int = 0
    # Seconds from when a server answers until that is heard.
    delay: float = 0.0
    # The share of pieces of a connection that end it instead of arriving.
    resets: float = 0.0
    sides: set[_Side] = field(default_factory=set)


class Links:
    """All of them, carried by one thread."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"{seed}-links")
        self._loop = uvloop.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._links: dict[tuple[str, str], Link] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._thread.start()

    def way(self, source: str, destination: str, server_port: int) -> int:
        """The port where the process reaches the server."""
        link = self._links.get((source, destination))
        if link is None:
            link = self._links[source, destination] = Link(source, destination, server_port)
            link.port = self._call(self._listen(link))
        return link.port

    def of(self, source: str) -> list[Link]:
        """The ways of a process, in an order that is the same each time."""
        return sorted(
            (each for each in self._links.values() if each.source == source), key=lambda each: each.destination
        )

    def cut(self, links: list[Link]) -> None:
        """Ends all connections there are; new ones may be opened at once."""

        def cut() -> None:
            for link in links:
                for side in list(link.sides):
                    side.end()

        self._loop.call_soon_threadsafe(cut)

    def close(self) -> None:
        """Ends everything."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        for link in self._links.values():
            for side in list(link.sides):
                side.end()
        for server in self._servers:
            await server.wait_closed()
        await asyncio.sleep(0.05)  # what was ended is told so in the loop's next round

    async def _listen(self, link: Link) -> int:
        server = await self._loop.create_server(lambda: _Side(self._loop, link, self._dice), LOOPBACK, 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _call(self, task: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(10)


class _Side(asyncio.Protocol):
    """One end of a connection that is carried; what comes here goes out at the other."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, link: Link, dice: random.Random, other: _Side | None = None
    ) -> None:
        self._loop, self._link, self._dice, self._other = loop, link, dice, other
        self._transport: asyncio.Transport | None = None
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None
        self._answers = other is not None
        # What came before the server was reached: a transport may read although it was asked to wait.
        self._early: list[Callable[[asyncio.Transport], None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._link.sides.add(self)
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._other is None:
            self._task = self._loop.create_task(self._reach_server())

    async def _reach_server(self) -> None:
        try:
            _, self._other = await self._loop.create_connection(
                lambda: _Side(self._loop, self._link, self._dice, self), LOOPBACK, self._link.server_port
            )
        except OSError:
            self.end()
            return
        if self._transport is None or self._transport.is_closing():
            self._other.end()
            return
        for what in self._early:
            self._pass(what)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self._link.resets and self._dice.random() < self._link.resets:
            self.end()
            return
        self._later(lambda other: other.write(data))

    def eof_received(self) -> bool:
        self._later(lambda other: other.close())
        return True

    def _later(self, what: Callable[[asyncio.Transport], None]) -> None:
        """Now, or when the way has taken its time; never before what came earlier."""
        now = self._loop.time()
        takes = self._link.delay + _TICK if self._answers and self._link.delay else 0.0
        self._due = max(self._due, now + takes)
        if self._due <= now:
            self._pass(what)
        else:
            self._loop.call_at(self._due, self._pass, what)

    def _pass(self, what: Callable[[asyncio.Transport], None]) -> None:
        if self._other is None:
            self._early.append(what)
        else:
            self._other_side(what)

    def pause_writing(self) -> None:
        self._other_side(lambda transport: transport.pause_reading())

    def resume_writing(self) -> None:
        self._other_side(lambda transport: transport.resume_reading())

    def _other_side(self, what: Callable[[asyncio.Transport], None]) -> None:
        transport = self._other._transport if self._other else None
        if transport and not transport.is_closing():
            what(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.sides.discard(self)
        if exc is not None and self._other:
            self._other.end()
        else:
            self._later(lambda other: other.close())

    def end(self) -> None:
        """Breaks the connection on both sides."""
        for side in (self, self._other):
            transport = side._transport if side else None
            if transport and not transport.is_closing():
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                transport.abort()
