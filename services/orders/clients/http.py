"""HTTP to one address of the operators' configuration: no redirects, no proxies, an end to everything.

The standard library in a thread: a client of its own would cost each process of the service more memory than all else for
payments, for a few calls a minute.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode, urlsplit

from services.common.config import ConfigError

LARGEST_ANSWER = 1024 * 1024
_PIECE = 64 * 1024


class Away(Exception):
    """Nobody answered in time, or what came was no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes


class Http:
    """Requests to one address."""

    def __init__(self, address: str) -> None:
        """Raises ConfigError when it is no http(s) address; plain http is for a loopback alone."""
        parts = urlsplit(address)
        self._host, self._path = parts.hostname or "", parts.path.rstrip("/")
        self._secure = parts.scheme == "https"
        if not self._host or not (
            self._secure or (parts.scheme == "http" and self._host in ("127.0.0.1", "localhost"))
        ):
            raise ConfigError(f"a payment provider's address must begin with https://: {address!r}")
        self._port = parts.port

    async def send(
        self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str], seconds: float
    ) -> Answer:
        """The answer within `seconds`. Raises Away."""
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.to_thread(self._send, method, path, headers, form, time.monotonic() + seconds)
        except (OSError, TimeoutError, http.client.HTTPException, ValueError) as error:
            raise Away(type(error).__name__) from error

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], form: Mapping[str, str], deadline: float
    ) -> Answer:
        left = max(0.1, deadline - time.monotonic())
        connection: http.client.HTTPConnection
        if self._secure:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=left, context=_tls())
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=left)
        encoded = urlencode(form)
        query, body = ("", encoded) if method == "POST" else (f"?{encoded}" if encoded else "", None)
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        try:
            connection.request(method, self._path + path + query, body, {**headers, **kind})
            answer = connection.getresponse()
            return Answer(answer.status, _read(answer, deadline))
        finally:
            connection.close()


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """The body, piece by piece, so that one that trickles in for ever ends with the deadline."""
    body = b""
    while piece := answer.read1(_PIECE):
        body += piece
        if len(body) > LARGEST_ANSWER or time.monotonic() > deadline:
            raise TimeoutError("too much, or too slow")
    return body


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
