"""The provider's HTTP side."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from deploy.local.ports import LOOPBACK
from deploy.local.social.app import Late, load


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a log line."""


def serve(port: int) -> WSGIServer:
    """Answers in threads of its own until `shutdown`."""
    server = make_server(LOOPBACK, port, Late(load), _Server, _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
