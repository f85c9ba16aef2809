"""A merchant's system that takes webhooks, written from the document of Standard Webhooks alone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local.ports import LOOPBACK, choose

TOLERANCE_SECONDS = 300


class Unsigned(Exception):
    """The request does not come from whoever has the secret."""


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> int:
    """How many of the signatures are by this secret. Raises Unsigned when none is."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_SECONDS:
        raise Unsigned("too old or too new")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [signature.partition(",") for signature in headers["webhook-signature"].split(" ")]
    found = sum(version == "v1" and hmac.compare_digest(value, expected) for version, _, value in given)
    if not found:
        raise Unsigned("no signature fits")
    return found


@dataclass(frozen=True)
class Posted:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def signatures(self) -> int:
        return len(self.headers["webhook-signature"].split(" "))


@dataclass
class Receiver:
    """A real HTTP server. Each path behaves as `behaviours` says: a status line with headers, or one of the words below; 204 otherwise.

    "silence" takes the request and says nothing, "flood" answers 200 and a body of 1 GB, "trickle" 200 and a letter a second.
    """

    port: int = field(default_factory=lambda: choose(["webhooks"], {})["webhooks"])
    tls: ssl.SSLContext | None = None
    behaviours: dict[str, str] = field(default_factory=dict)
    posted: dict[str, list[Posted]] = field(default_factory=lambda: defaultdict(list))
    flooded: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _talking: set[asyncio.Task[None]] = field(default_factory=set)

    def url(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port, ssl=self.tls)

    async def close(self) -> None:
        self.released.set()
        if self._server is not None:
            self._server.close()
        if self._talking:
            await asyncio.wait(self._talking)

    async def until(self, path: str, count: int, seconds: float = 20) -> list[Posted]:
        """Waits for so many requests. Raises AssertionError with what came."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.posted[path]) < count:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{path}: {self.posted[path]}, wanted {count}") from None
        return self.posted[path]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._talk(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        self._talking.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers["content-length"]))
        path = head[0].split(" ")[1]
        self.posted[path].append(Posted(path, headers, body, time.monotonic()))
        behaviour = self.behaviours.get(path, "204 No Content")
        if behaviour == "silence":
            await self.released.wait()
        elif behaviour == "flood":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
            while self.flooded < 2**30 and not self.released.is_set():
                writer.write(b"x" * 65_536)
                await writer.drain()
                self.flooded += 65_536
        elif behaviour == "trickle":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
            while not self.released.is_set():
                writer.write(b"x")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await self.released.wait()
        else:
            line, *rest = behaviour.split("\n")
            answer = "\r\n".join(
                (f"HTTP/1.1 {line}", *rest, "content-length: 2", "", "ok" if "204" not in line else "")
            )
            writer.write((answer if "204" not in line else f"HTTP/1.1 {line}\r\n\r\n").encode())
            await writer.drain()
