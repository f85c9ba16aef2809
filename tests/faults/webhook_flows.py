"""What merchants' own systems are told while the sender is killed (H4)."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.faults.client import Json, Shop, until
from tests.faults.flows import Flow
from tests.faults.system import System


class _Program(BaseHTTPRequestHandler):
    """Keeps the ids of what it is told."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        told.append(str(self.headers["webhook-id"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


told: list[str] = []


class Told(Flow):
    """An endpoint is told something: once at least, and again only under the same id."""

    def __init__(self, system: System, shop: Shop) -> None:
        super().__init__(system, shop)
        self.program = ThreadingHTTPServer(("127.0.0.1", 0), _Program)
        self.delivery: Json = {}

    def prepare(self) -> None:
        threading.Thread(target=self.program.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.program.server_port}/"
        self.webhook_id = self.shop.api.sure("POST", "/webhooks", {"url": url, "event_types": ["message.failed"]})[
            "webhook_id"
        ]

    def run(self) -> None:
        self.delivery = self.shop.api.sure("POST", f"/webhooks/{self.webhook_id}/test", {})
        until(lambda: self._now()["state"] == "delivered", 80, "the delivery is written down")

    def check(self) -> None:
        assert self._now()["state"] == "delivered"
        assert told.count(self.delivery["event_id"]) in (1, 2)
        self.program.shutdown()
        self.program.server_close()

    def _now(self) -> Json:
        return self.shop.api.get(f"/webhook-deliveries/{self.delivery['delivery_id']}")
