"""Serves what was counted: GET /metrics at ONEFOLD_METRICS_LISTEN, in a thread of its own, which holds up no call.

The gateway has several processes behind one address. Each counts into files of its own, and whichever of them is asked answers for all
(prometheus-client's multiprocess mode): the listening socket is bound before they are forked, and inherited.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler

from services.common.config import ConfigError, Environment

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class _Quiet(WSGIRequestHandler):
    timeout = 10  # who says nothing for so long is not waited for

    def log_message(self, *_: object) -> None:
        """A scrape is nothing to write down."""


def bind(environment: Environment) -> socket.socket | None:
    """The socket at ONEFOLD_METRICS_LISTEN; None when that is unset. Raises ConfigError, also when the address is taken."""
    address = environment.text("METRICS_LISTEN", "")
    if not address:
        return None
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"ONEFOLD_METRICS_LISTEN is not host:port: {address!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family)
    except OSError as error:
        raise ConfigError(f"ONEFOLD_METRICS_LISTEN: cannot listen at {address}: {error.strerror}") from None


def share_among_processes() -> Path:
    """Has every process that is forked from now on count for all of them. Call before anything is counted; gives the folder."""
    folder = Path(tempfile.mkdtemp(prefix="onefold-metrics-"))
    os.environ[_VARIABLE] = str(folder)
    return folder


def forget_shared() -> None:
    """Deletes what the processes counted, at the end of all of them."""
    if folder := os.environ.pop(_VARIABLE, ""):
        shutil.rmtree(folder, ignore_errors=True)


def serve(listening: socket.socket) -> None:
    """Answers at the socket for as long as the process lives."""
    from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
    from prometheus_client.exposition import ThreadingWSGIServer
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = REGISTRY
    if os.environ.get(_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    host, port = listening.getsockname()[:2]
    server = ThreadingWSGIServer((host, port), _Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.server_name, server.server_port = host, port
    server.setup_environ()
    server.set_app(make_wsgi_app(registry))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
