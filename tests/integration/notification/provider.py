"""A server that speaks Twilio's Messages API, and can be told how to behave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
import socket
import struct
from collections import defaultdict, deque
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from deploy.local.ports import LOOPBACK, choose

ACCOUNT, TOKEN = "ACtest", "to/ken"


@dataclass(frozen=True)
class Answer:
    """What is said to a request instead of "created"."""

    status: int
    body: bytes = b""
    retry_after: str = ""

    @classmethod
    def error(cls, status: int, code: int, message: str, retry_after: str = "") -> Answer:
        """An error as Twilio words it."""
        body = {"status": status, "code": code, "message": message}
        return cls(status, json.dumps(body).encode(), retry_after)


@dataclass
class Provider:
    """A real HTTP server. Answers are taken from the queues by recipient; without one it takes everything.

    "stall" says nothing until `released` is set; "hang up" ends the connection, "reset" breaks it; "taken, then hang up" keeps the SMS
    first.
    """

    port: int = field(default_factory=lambda: choose(["sms"], {})["sms"])
    taken: list[dict[str, str]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    answers: dict[str, deque[Answer | str]] = field(default_factory=lambda: defaultdict(deque))
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    asked: list[float] = field(default_factory=list)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"twilio+http://{ACCOUNT}:{TOKEN.replace('/', '%2F')}@{LOOPBACK}:{self.port}?from=+85250000000"

    def of(self, number: str) -> list[str]:
        """Texts that went to the number."""
        return [sms["Body"] for sms in self.taken if sms["To"] == number]

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # It ends when the client has gone, or by what it was told to do.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._request(reader, writer):
                continue
        writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.paths.add(head[0])
        self.asked.append(asyncio.get_running_loop().time())
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if headers.get("authorization") != expected:
            return await _say(writer, Answer.error(401, 20003, "Authenticate"))
        answers = self.answers[form["To"]]
        return await self._do(answers.popleft() if answers else "take", form, writer)

    async def _do(self, answer: Answer | str, form: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        if isinstance(answer, Answer):
            return await _say(writer, answer)
        if answer == "stall":
            self.reached.set()
            await self.released.wait()
        if answer in ("take", "stall", "taken, then hang up"):
            self.taken.append(form)
        if answer in ("take", "stall"):
            sid = f"SM{secrets.token_hex(16)}"
            return await _say(writer, Answer(201, json.dumps({"sid": sid, "status": "queued"}).encode()))
        if answer == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return False


async def _say(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    retry = f"Retry-After: {answer.retry_after}\r\n" if answer.retry_after else ""
    head = f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(answer.body)}\r\n{retry}\r\n"
    writer.write(head.encode() + answer.body)
    await writer.drain()
    return True
