"""The loader against an API that is slow, away, or refuses."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.local.cdnow import purchases
from deploy.local.loader import Loader, LoadError, Progress
from deploy.local.ports import LOOPBACK


@dataclass
class Api:
    """What arrived, and how to answer: `answer` gives a status for a key at its nth arrival; 0 drops the connection."""

    url: str = ""
    arrived: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: Callable[[str, int], int] = lambda key, nth: 201
    count: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, body: dict[str, Any]) -> int:
        """Notes the order and decides."""
        with self.lock:
            self.count[key] += 1
            status = self.answer(key, self.count[key])
            if status == 201:
                self.arrived.append((key, body))
            return status


@pytest.fixture
def api() -> Iterator[Api]:
    """An API that listens."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise head and body go out in two packets, and the second waits for an acknowledgement.
        wbufsize = -1

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Authorization"] == "Bearer ofk_test"
            status = api.take(self.headers["Idempotency-Key"], body)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    api.url = f"http://{LOOPBACK}:{server.server_port}"
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


def load(api: Api, file: Path, limit: int, seconds: float = 60) -> Progress:
    """A whole run of the loader."""
    progress = Progress(file)
    Loader(api.url, "ofk_test", progress).load(limit, seconds, lambda: None)
    return progress


def test_orders_arrive_once_each_and_those_of_a_customer_in_the_order_of_time(api: Api, tmp_path: Path) -> None:
    load(api, tmp_path / "p.json", 300)
    assert sorted(key for key, _ in api.arrived) == sorted(purchase.key for purchase in purchases()[:300])
    days: dict[str, str] = {}
    for _, body in api.arrived:
        phone = body["contact"]["phone"]
        assert days.get(phone, "") <= body["placed_at"]
        days[phone] = body["placed_at"]


def test_a_second_run_sends_only_what_is_missing(api: Api, tmp_path: Path) -> None:
    load(api, tmp_path / "p.json", 100)
    progress = load(api, tmp_path / "p.json", 150)
    assert max(api.count.values()) == 1
    assert progress.done == set(range(150))


def test_busy_answers_and_broken_connections_are_tried_again_with_the_same_key(api: Api, tmp_path: Path) -> None:
    """(E7)"""
    api.answer = lambda key, nth: 201 if nth > 2 else (503, 429, 0)[int(key.rpartition("-")[2]) % 3]
    load(api, tmp_path / "p.json", 60)
    assert len(api.arrived) == 60
    assert set(api.count.values()) == {3}


def test_a_refused_order_ends_the_run_and_what_was_taken_is_remembered(api: Api, tmp_path: Path) -> None:
    bad = purchases()[40].key
    api.answer = lambda key, nth: 422 if key == bad else 201
    with pytest.raises(LoadError, match=f"{bad} was refused: HTTP 422"):
        load(api, tmp_path / "p.json", 5_000)
    remembered = Progress(tmp_path / "p.json")
    assert remembered.done == {purchase.index for purchase in purchases() if api.count[purchase.key]} - {40}
    assert not remembered.complete


def test_when_the_time_is_up_begun_customers_are_finished_and_no_other_is_begun(api: Api, tmp_path: Path) -> None:
    progress = load(api, tmp_path / "p.json", 69_659, seconds=0.2)
    assert 0 < progress.count < 69_659
    loaded = {purchases()[index].customer for index in progress.done}
    whole = {purchase.index for purchase in purchases() if purchase.customer in loaded}
    assert progress.done == whole


def test_two_loaders_at_once_keep_each_others_progress(tmp_path: Path) -> None:
    one, other = Progress(tmp_path / "p.json"), Progress(tmp_path / "p.json")
    one.add(1)
    other.add(2)
    one.save()
    other.save()
    assert Progress(tmp_path / "p.json").done == {1, 2}


def test_progress_is_kept_as_ranges(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "p.json")
    for index in (5, 1, 2, 3, 9):
        progress.add(index)
    progress.save(complete=True)
    assert json.loads((tmp_path / "p.json").read_text()) == {"complete": True, "ranges": [[1, 3], [5, 5], [9, 9]]}
    assert Progress(tmp_path / "p.json").done == {1, 2, 3, 5, 9}
