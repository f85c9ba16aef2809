"""Sends purchases to the public REST API: concurrent, patient, resumable, and never twice."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.cdnow import Purchase, by_customer, purchases
from deploy.local.state import read_json, write_private

THREADS = 16
_PATIENCE_SECONDS = 120
_TRY_AGAIN = {429, 502, 503, 504}


class LoadError(Exception):
    """The API refused an order, or was away for longer than the loader waits."""


class Progress:
    """Which purchases the API has taken, kept in a file as ranges of indexes. Safe to lose: the API knows repeats (E7)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.complete = False
        self._done: set[int] = set()
        self._read()

    def _read(self) -> None:
        saved = read_json(self._path)
        with self._lock:
            self.complete = self.complete or bool(saved.get("complete", False))
            self._done.update(index for first, last in saved.get("ranges", []) for index in range(first, last + 1))

    @property
    def done(self) -> set[int]:
        """The indexes taken so far."""
        with self._lock:
            return set(self._done)

    @property
    def count(self) -> int:
        """How many were taken."""
        return len(self._done)

    def add(self, index: int) -> None:
        """One more is taken."""
        with self._lock:
            self._done.add(index)

    def save(self, *, complete: bool = False) -> None:
        """Writes the file, another loader's progress included; `complete`: what `make up` loads by itself is there."""
        self._read()
        self.complete = self.complete or complete
        write_private(self._path, {"complete": self.complete, "ranges": list(_ranges(sorted(self.done)))})


def _ranges(indexes: Iterable[int]) -> Iterator[list[int]]:
    first = last = None
    for index in indexes:
        if first is None or last is None:
            first = last = index
        elif index == last + 1:
            last = index
        else:
            yield [first, last]
            first = last = index
    if first is not None and last is not None:
        yield [first, last]


@dataclass(slots=True)
class Connection:
    """One kept-alive connection to the API."""

    url: str
    api_key: str
    _http: http.client.HTTPConnection | None = None

    def post(self, purchase: Purchase) -> tuple[int, bytes]:
        """Status and body. Raises OSError or HTTPException when the connection breaks."""
        if self._http is None:
            parts = urlsplit(self.url)
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            self._http = kind(parts.netloc, timeout=30)
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Content-Type": "application/json",
            "Idempotency-Key": purchase.key,
        }
        self._http.request("POST", "/api/v1/orders", json.dumps(purchase.body()).encode(), headers)
        response = self._http.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        """Drops the connection; the next post makes a new one."""
        if self._http is not None:
            self._http.close()
            self._http = None


class Loader:
    """Sends purchases by THREADS workers; one customer's purchases go in order through one worker."""

    def __init__(self, url: str, api_key: str, progress: Progress) -> None:
        self._url = url
        self._api_key = api_key
        self._progress = progress
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._failure: Exception | None = None

    def load(
        self, limit: int, seconds: float, report: Callable[[], None], stopping: Callable[[], bool] = lambda: False
    ) -> None:
        """Loads the first `limit` purchases less those that are there; begins no customer after `seconds`.

        Calls `report` now and then, and ends early when `stopping()` says so. Raises LoadError; what was taken until
        then is kept in the progress file.
        """
        done = self._progress.done
        todo = by_customer([purchase for purchase in purchases()[:limit] if purchase.index not in done])
        deadline = time.monotonic() + seconds
        workers = [threading.Thread(target=self._work, args=(todo, deadline), daemon=True) for _ in range(THREADS)]
        for worker in workers:
            worker.start()
        try:
            while not stopping() and any(worker.is_alive() for worker in workers):
                time.sleep(0.25)
                report()
                self._progress.save()
        finally:
            self._stop.set()
            for worker in workers:
                worker.join(35)
            self._progress.save()
            report()
        if self._failure:
            raise self._failure

    def _work(self, todo: Iterator[list[Purchase]], deadline: float) -> None:
        connection = Connection(self._url, self._api_key)
        try:
            while time.monotonic() < deadline and (customer := self._next(todo)):
                for purchase in customer:
                    if not self._send(connection, purchase):
                        return
                    self._progress.add(purchase.index)
        except Exception as error:  # noqa: BLE001 - raised again by `load`, in the caller's thread
            self._failure = error
            self._stop.set()
        finally:
            connection.close()

    def _next(self, todo: Iterator[list[Purchase]]) -> list[Purchase] | None:
        with self._lock:
            return next(todo, None)

    def _send(self, connection: Connection, purchase: Purchase) -> bool:
        """Sends until the API takes it; False when told to stop. The key makes repeating safe when an answer was lost."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause, trouble = 0.1, ""
        while time.monotonic() < deadline and not self._stop.is_set():
            try:
                status, body = connection.post(purchase)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                trouble = f"{type(error).__name__}: {error}"
            else:
                if status < 300:
                    return True
                trouble = f"HTTP {status}: {body.decode(errors='replace')[:500]}"
                if status not in _TRY_AGAIN:
                    raise LoadError(f"order {purchase.key} was refused: {trouble}")
            self._stop.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads the retries
            pause = min(5.0, pause * 2)
        if self._stop.is_set():
            return False
        raise LoadError(f"order {purchase.key} was not taken within {_PATIENCE_SECONDS} s: {trouble}")
