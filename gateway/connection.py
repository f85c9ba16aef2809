"""One connection of a client: what has come of its next request, and what it has not taken yet of the last answer.

A thread of the server is given a request once it is there, and is done with an answer once it is written. Whoever sends or reads slowly
waits here, where waiting costs memory and no thread.
"""

from __future__ import annotations

import re
import select
import socket
import time
from enum import Enum
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

# Far above what browsers and programs send; the server's own limits on lines and fields hold within.
LARGEST_HEAD = 64 * 1024
# Bodies up to this size are waited for here: nearly all forms and documents.
LARGEST_WAITED = 64 * 1024
# What one client may leave untaken: every page and file of ours. Exports are longer, and their thread waits.
_LARGEST_UNTAKEN = 2 * 1024 * 1024
_PIECE = 64 * 1024
# For the rest of a request in its thread: so long, and longer by what comes at this rate at least.
_BODY_SECONDS, _BODY_RATE = 10.0, 64 * 1024
# In which a client must take something of an answer that is too long to be kept for it.
_STALL_SECONDS = 10.0
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?:\r|$)")
_OTHER_BODY = re.compile(rb"\r\n(?:transfer-encoding|expect):")


class Stage(Enum):
    """How far a request has come: not far enough; whole; with a body that a thread must read; too large to go on."""

    COMING = 1
    WHOLE = 2
    LONG = 3
    TOO_LARGE = 4


class Outgoing:
    """A socket that takes what is sent at once, and keeps what the client does not take."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.untaken = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        """Waits only where there is more than may be kept. Raises OSError for a client who has gone, or takes nothing."""
        if self.untaken:
            self.untaken += data
            self.push()
        else:
            sent = self._try(data)
            if sent < len(data):
                self.untaken += memoryview(data)[sent:]
        while len(self.untaken) > _LARGEST_UNTAKEN:
            waiter = select.poll()
            waiter.register(self._socket, select.POLLOUT)
            if not waiter.poll(_STALL_SECONDS * 1_000):
                raise ConnectionResetError(104, "the client takes nothing")
            self.push()

    def push(self) -> None:
        """Sends of what is kept as much as goes. Raises OSError for a client who has gone."""
        del self.untaken[: self._try(self.untaken)]

    def _try(self, data: bytes | bytearray) -> int:
        self._socket.setblocking(False)
        with memoryview(data) as view:
            sent = 0
            while sent < len(view):
                try:
                    sent += self._socket.send(view[sent:])
                except BlockingIOError:
                    break  # it is full
            return sent


class _Rest(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """Reads in a thread what was too long to be waited for, while it comes fast enough; then it has ended."""

    def begin(self, came: bytes) -> None:
        """A request, as far as it is here."""
        self.unread(came)
        self._ends = time.monotonic() + _BODY_SECONDS

    def chunk(self, size_hint: int | None = None) -> bytes:
        left = self._ends - time.monotonic()
        if left <= 0:
            return b""
        self.sock.settimeout(left)
        try:
            data = bytes(super().chunk(size_hint))
        except TimeoutError:
            return b""
        self._ends += len(data) / _BODY_RATE
        return data


class Connection(TConn):  # type: ignore[misc]
    """gunicorn's, with what waits."""

    def __init__(self, cfg: Any, connected: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, Outgoing(connected), client, server)
        # It is never waited for in a thread.
        self.data_ready = True
        self.stage = Stage.COMING
        self.keep = False
        self.gone = False
        self._came = bytearray()
        self._wanted = 0
        self._drained = 0

    def init(self) -> None:
        """In a thread, for each request: hands over what has come."""
        super().init()
        if not isinstance(self.parser.unreader, _Rest):
            self.parser.unreader = _Rest(self.sock)
        self.parser.unreader.begin(bytes(self._came))
        self._came, self._wanted, self.stage = bytearray(), 0, Stage.COMING

    def read(self) -> bool:
        """Takes in what is there; False at the end."""
        piece = self._receive()
        if piece is None:
            return True
        searched = max(len(self._came) - len(_END) + 1, 0)
        self._came += piece
        self.stage = self._judge(searched)
        return bool(piece)

    def again(self) -> bool:
        """After an answer: whether more than its request had come."""
        self._came = bytearray(self.parser.unreader.take_buffered())
        self.stage = self._judge(0)
        return bool(self._came)

    def drain(self) -> bool:
        """Throws away what a client sends behind its last answer; False at the end."""
        piece = self._receive()
        if piece is None:
            return True
        self._drained += len(piece)
        return bool(piece) and self._drained < LARGEST_WAITED

    def _receive(self) -> bytes | None:
        """What is there: None if nothing is yet, and nothing at the end."""
        try:
            return bytes(self.sock.recv(_PIECE))
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _judge(self, searched: int) -> Stage:
        if not self._wanted:
            end = self._came.find(_END, searched)
            if end < 0:
                return Stage.TOO_LARGE if len(self._came) > LARGEST_HEAD else Stage.COMING
            head = bytes(self._came[: end + 2]).lower()
            length = _LENGTH.search(head)
            self._wanted = end + len(_END) + int(length[1] if length else 0)
            if _OTHER_BODY.search(head) or self._wanted > LARGEST_HEAD + LARGEST_WAITED:
                self._wanted = 0
                return Stage.LONG
        return Stage.WHOLE if len(self._came) >= self._wanted else Stage.COMING
