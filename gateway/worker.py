"""The server's process: gunicorn's threads, kept from clients that are slow.

gunicorn's own worker reads a request in the thread that answers it, writes its answer there, and closes connections in the loop that
accepts them: sixteen clients that send nothing after the first byte stop it for everybody, and each that does not close its end for two
seconds. Here a thread has requests that are there. What is long (uploads) is read in a few of the threads, at a rate that there must be.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers import gthread

from gateway.connection import Connection, Stage

# From the first byte of a request to its last, of those that are waited for.
REQUEST_SECONDS = 10.0
# For what an answer's client has not taken when it is written: at the most 2 MiB.
_TAKING_SECONDS = 60.0
# For the client to close its end, which keeps what was written last from being lost (RFC 9112, 9.6).
_CLOSING_SECONDS = 2.0
# Of the threads, how many read long requests.
_SHARE_OF_LONG = 4
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_NO_MORE_FILES = {errno.EMFILE, errno.ENFILE}
_NOTHING_THERE = {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """All that is done here runs in the loop that accepts, and nothing in it waits for a client."""

    def init_process(self) -> None:
        """Runs until the process ends."""
        # Each in the order in which its time is over.
        self.untaken: deque[Connection] = deque()
        self.closing: deque[Connection] = deque()
        self.long_waiting: deque[Connection] = deque()
        self.long_running: set[Connection] = set()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """A new connection is one that is idle."""
        try:
            connected, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_MORE_FILES:
                self._make_room()
            elif error.errno not in _NOTHING_THERE:
                raise
            return
        self.nr_conns += 1
        self._idle(Connection(self.cfg, connected, client, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    # --- a request comes -------------------------------------------------------------------------------------------

    def on_client_socket_readable(self, conn: Connection, client: object) -> None:
        """The first of a request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        if conn.read():
            self._go_on(conn)
        else:
            self._drop(conn)

    def on_pending_socket_readable(self, conn: Connection, client: object) -> None:
        """More of a request."""
        there = conn.read()
        if there and conn.stage is Stage.COMING:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if there:
            self._go_on(conn)
        else:
            self._drop(conn)

    def _go_on(self, conn: Connection) -> None:
        if conn.stage is Stage.COMING:
            self._await(conn, self.pending_conns, REQUEST_SECONDS, self.on_pending_socket_readable)
        elif conn.stage is Stage.TOO_LARGE:
            self._refuse(conn, _TOO_LARGE)
        elif conn.stage is Stage.WHOLE:
            self.enqueue_req(conn)
        else:
            conn.timeout = time.monotonic() + _TAKING_SECONDS
            self.long_waiting.append(conn)
            self._read_long()

    def _read_long(self) -> None:
        while self.long_waiting and len(self.long_running) < max(self.cfg.threads // _SHARE_OF_LONG, 1):
            conn = self.long_waiting.popleft()
            self.long_running.add(conn)
            self.enqueue_req(conn)

    # --- an answer is written --------------------------------------------------------------------------------------

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """The thread is done."""
        if conn in self.long_running:
            self.long_running.remove(conn)
            self._read_long()
        if conn.sock.fileno() < 0:
            # Closed by the thread: its answer broke off in the middle, as an export does whose next page nobody gives.
            self._drop(conn)
            return
        conn.keep = not fs.cancelled() and not fs.exception() and bool(fs.result())
        conn.sock.setblocking(False)
        if conn.sock.untaken:
            self._await(conn, self.untaken, _TAKING_SECONDS, self._on_taking, selectors.EVENT_WRITE)
        else:
            self._written(conn)

    def _on_taking(self, conn: Connection, client: object) -> None:
        try:
            conn.sock.push()
        except OSError:
            self.untaken.remove(conn)
            self._drop(conn)
            return
        if not conn.sock.untaken:
            self.poller.unregister(client)
            self.untaken.remove(conn)
            self._written(conn)

    def _written(self, conn: Connection) -> None:
        if not conn.keep:
            self._close(conn)
        elif conn.again():
            self._go_on(conn)
        else:
            self._idle(conn)

    def _close(self, conn: Connection) -> None:
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
        else:
            self._await(conn, self.closing, _CLOSING_SECONDS, self._on_closing)

    def _on_closing(self, conn: Connection, client: object) -> None:
        if not conn.drain():
            self.closing.remove(conn)
            self._drop(conn)

    # --- waiting, and its end --------------------------------------------------------------------------------------

    def _idle(self, conn: Connection) -> None:
        linger = gthread.STOP_KEEPALIVE_LINGER
        seconds = self.cfg.keepalive if self.alive else min(self.cfg.keepalive, linger)
        self._await(conn, self.keepalived_conns, seconds, self.on_client_socket_readable)

    def _await(
        self,
        conn: Connection,
        place: deque[Connection],
        seconds: float,
        then: Callable[[Connection, object], None],
        event: int = selectors.EVENT_READ,
    ) -> None:
        conn.timeout = time.monotonic() + seconds
        place.append(conn)
        self.poller.register(conn.sock, event, partial(self._on_event, conn, then))

    def _on_event(self, conn: Connection, then: Callable[[Connection, object], None], client: object) -> None:
        """Of several things that happen at once one may be what drops a connection, and another what it was waiting for."""
        if not conn.gone:
            then(conn, client)

    def murder_pending(self) -> None:
        """Called after each turn of the loop: whoever's time is over."""
        now = time.monotonic()
        for place in (self.pending_conns, self.untaken, self.closing, self.long_waiting):
            while place and place[0].timeout <= now:
                conn = place.popleft()
                if place is self.pending_conns:
                    self.poller.unregister(conn.sock)
                    self._refuse(conn, _TIMED_OUT)
                else:
                    self._drop(conn)

    def _make_room(self) -> None:
        """Where there are as many connections as may be, whoever has waited longest with nothing whole to be answered goes."""
        for place in (self.pending_conns, self.closing, self.keepalived_conns, self.untaken):
            if place:
                self._drop(place.popleft())
                return

    def _refuse(self, conn: Connection, answer: bytes) -> None:
        try:
            conn.sock.sendall(answer)
        except OSError:
            self._drop(conn)
        else:
            self._close(conn)

    def _drop(self, conn: Connection) -> None:
        with suppress(KeyError, ValueError):  # in the poller is not who waits for a thread
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.gone = True
        conn.close()
