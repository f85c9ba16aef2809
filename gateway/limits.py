"""How many requests anybody may make in a minute: a key, a session, and a network address of which nothing else is known (H4).

Counted in this process alone, by fixed windows, so an installation of four processes lets four times as much through: that keeps a program
that runs wild from the services, and is no bookkeeping. What must be counted exactly (codes, log-ins) the services count.

The engine is that of Flask-Limiter, without its hooks, which cost each request more than all else here; and with a storage of our own, for
the one that comes with it walks through all keys a hundred times a second, in threads that it starts for that.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from gateway.config import Rates
from services.common.errors import StateConflict
from services.common.network import network_of

EXTENSION = "onefold_limits"
KEY, SESSION, ADDRESS, WEBHOOK = "key", "session", "address", "webhook"
# What can be tried out, sent or written by whoever comes: the customers' pages, and these of the console. What only shows is not counted.
_OPEN_BLUEPRINT = "storefront"
_OPEN_PAGES = frozenset({"console.log_in", "console.second_step", "console.forgotten", "console.join"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SWEEP_ABOVE = 20_000


class Counters(Storage):
    """Counts in this process's memory. What has run out is thrown away when there is much of it."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """None are raised."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """The count with `amount` more; a new one runs out in `expiry` seconds."""
        now = time.time()
        with self._lock:
            count, ends = self._counts.get(key, (0, 0.0))
            if ends <= now:
                count, ends = 0, now + expiry
                self._sweep(now)
            self._counts[key] = (count + amount, ends)
        return count + amount

    def get(self, key: str) -> int:
        """The count."""
        count, ends = self._counts.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When it runs out."""
        return self._counts.get(key, (0, time.time()))[1]

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forgets everything; how much that was."""
        with self._lock:
            forgotten, self._counts = len(self._counts), {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forgets one."""
        with self._lock:
            self._counts.pop(key, None)

    def _sweep(self, now: float) -> None:
        if len(self._counts) > _SWEEP_ABOVE:
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a limit. `seconds` until it is whole again."""

    name: str
    most: int
    left: int
    seconds: int


class Limits:
    """The limits of an application. 0 stands for none."""

    def __init__(self, rates: Rates) -> None:
        self._engine = FixedWindowRateLimiter(Counters())
        # One sender of notices stands for as many people as a key does.
        wanted = {KEY: rates.key, SESSION: rates.session, ADDRESS: rates.address, WEBHOOK: rates.key}
        self._items = {name: RateLimitItemPerMinute(most, 1, name) for name, most in wanted.items() if most > 0}

    def count(self, name: str, who: str) -> None:
        """Counts a request of somebody. Raises StateConflict (too_many_requests) above the limit."""
        item = self._items.get(name)
        if item is None:
            return
        within = self._engine.hit(item, who)
        ends, left = self._engine.get_window_stats(item, who)
        g.limit_left = Left(name, item.amount, max(left, 0), max(round(ends - time.time()), 1))
        if not within:
            raise StateConflict("too_many_requests", seconds=str(g.limit_left.seconds))


def count(name: str, who: str) -> None:
    """Counts a request under way. Raises StateConflict (too_many_requests)."""
    limits: Limits = current_app.extensions[EXTENSION]
    limits.count(name, who)


def count_address(name: str = ADDRESS) -> None:
    """Counts a request by where it comes from. Raises StateConflict (too_many_requests)."""
    count(name, network_of(request.remote_addr or ""))


def install(app: Flask, rates: Rates) -> None:
    """Counts what nobody has to be known for, and writes what is left onto every answer that was counted."""
    app.extensions[EXTENSION] = Limits(rates)
    app.before_request(_count_strangers)
    app.after_request(_tell)


def _count_strangers() -> None:
    if request.method in _READS:
        return
    if request.blueprint == "webhooks":
        count_address(WEBHOOK)
    elif request.blueprint == _OPEN_BLUEPRINT or request.endpoint in _OPEN_PAGES:
        count_address()


def _tell(response: Response) -> Response:
    """As draft-ietf-httpapi-ratelimit-headers has it."""
    left = g.get("limit_left")
    if isinstance(left, Left):
        response.headers["RateLimit-Policy"] = f'"{left.name}";q={left.most};w=60'
        response.headers["RateLimit"] = f'"{left.name}";r={left.left};t={left.seconds}'
        if response.status_code == 429:
            response.headers["Retry-After"] = str(left.seconds)
    return response
