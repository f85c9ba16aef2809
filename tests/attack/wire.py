"""Requests as no client library would send them: bytes onto a socket, and what comes back."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

# Where an answer begins; a page that repeats a request's first line has none of these.
_ANSWER = re.compile(rb"(?=HTTP/1\.1 \d{3} )")
_OF_SOMEBODY_ELSE = b"GET /console/login HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"


class Wire:
    """The gateway at the end of a socket."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._address = (parts.hostname or "", parts.port or 80)

    def open(self, data: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        """A connection over which `data` has gone; with a small buffer it takes little of the answer."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(20)
        client.connect(self._address)
        client.sendall(data)
        return client

    def answers(self, data: bytes, seconds: float = 20.0) -> list[bytes]:
        """All that is answered until the server closes, each from its status line on. Raises TimeoutError when it does not close."""
        came = b""
        with self.open(data) as client:
            client.settimeout(seconds)
            while piece := client.recv(65_536):
                came += piece
        return _ANSWER.split(came)[1:]

    @contextmanager
    def held(self, count: int, data: bytes = b"", receive_buffer: int = 0) -> Iterator[list[socket.socket]]:
        """So many connections at once, over each of which `data` has gone; closed afterwards."""
        clients = [self.open(data, receive_buffer) for _ in range(count)]
        try:
            yield clients
        finally:
            for client in clients:
                client.close()

    def slowest(self, times: int = 20) -> float:
        """Seconds of the slowest of so many requests of somebody else, each over a connection of its own."""
        took = []
        for _ in range(times):
            begun = time.perf_counter()
            (answer,) = self.answers(_OF_SOMEBODY_ELSE)
            assert status(answer) == 200
            took.append(time.perf_counter() - begun)
        return max(took)


def status(answer: bytes) -> int:
    """Of an answer."""
    return int(answer[9:12])
