"""A small HTTP/1.1 client: kept-alive connections and prepared requests, so that measuring costs little of what it measures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import urlsplit

import orjson

_HEAD_END = b"\r\n\r\n"
ANSWER_SECONDS = 30.0


class BrokenAnswer(Exception):
    """The connection ended, or said something that this client does not read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as an object. Raises BrokenAnswer when it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BrokenAnswer(f"HTTP {self.status} without JSON") from error
        if not isinstance(value, dict):
            raise BrokenAnswer(f"HTTP {self.status} with JSON that is no object")
        return value


@dataclass(frozen=True, slots=True)
class Api:
    """The gateway and a credential for it; makes requests ready to be sent."""

    url: str
    api_key: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def get(self, path: str) -> bytes:
        """A GET, whole."""
        return f"GET {path} HTTP/1.1\r\n{self._headers()}\r\n".encode()

    def post(self, path: str, body: object, key: str) -> bytes:
        """A POST of JSON with an idempotency key, whole."""
        content = orjson.dumps(body)
        head = f"POST {path} HTTP/1.1\r\n{self._headers()}Idempotency-Key: {key}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content

    def _headers(self) -> str:
        host, port = self.address
        return f"Host: {host}:{port}\r\nAuthorization: Bearer {self.api_key}\r\n"


class _Wire(asyncio.Protocol):
    """One request at a time on one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # uvloop's own class, which does not inherit from asyncio's

    def send(self, request: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        if start < 0:
            self._fail(BrokenAnswer("an answer without Content-Length"))
            return
        length = int(head[start + 17 :].split(b"\r\n", 1)[0])
        whole = end + len(_HEAD_END) + length
        if len(self._buffer) < whole:
            return
        answer = Answer(int(head[9:12]), self._buffer[end + len(_HEAD_END) : whole])
        self._buffer = self._buffer[whole:]
        if b"\r\nconnection: close" in head:
            self.close()
        if self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail(BrokenAnswer(f"the connection ended: {exc or 'closed by the server'}"))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)

    def close(self) -> None:
        self.closed = True
        if self._transport:
            self._transport.close()


class Connection:
    """A kept-alive connection that is opened when needed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._wire: _Wire | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._wire:
            self._wire.close()

    async def send(self, request: bytes) -> Answer:
        """The answer. Raises BrokenAnswer, OSError, or TimeoutError after ANSWER_SECONDS."""
        if self._wire is None or self._wire.closed:
            loop = asyncio.get_running_loop()
            _, self._wire = await loop.create_connection(_Wire, *self._api.address)
        try:
            return await asyncio.wait_for(self._wire.send(request), ANSWER_SECONDS)
        except TimeoutError:
            self._wire.close()
            raise
