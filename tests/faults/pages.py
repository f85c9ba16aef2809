"""Somebody at the console, who does what a browser and its user do when a page does not come: ask again."""

from __future__ import annotations

import random
import time
from collections import Counter

import httpx

from tests.faults.client import PATIENCE_SECONDS, Shop
from tests.support.forms import csrf_token

_PAGES = ("/members", "/orders", "/merges", "/", "/members?q=Person")
_AWAY = {502, 503, 504}


class Staff:
    """Logs in, looks at some pages and at the shop's window, logs out; again and again."""

    def __init__(self, shop: Shop, url: str, transport: httpx.BaseTransport) -> None:
        self._shop = shop
        self._http = httpx.Client(base_url=url, transport=transport, timeout=30)
        self.done: Counter[str] = Counter()

    def look_round(self, dice: random.Random) -> None:
        """One round; raises AssertionError when a page is not what it should be."""
        self._log_in()
        for path in dice.sample(_PAGES, 3):
            assert self._ask("GET", f"/console{path}").status_code == 200, path
            self.done["pages"] += 1
        assert self._ask("GET", f"/s/{self._shop.slug}/").status_code == 200
        self.done["windows"] += 1
        self._http.cookies.clear()

    def _log_in(self) -> None:
        form = self._ask("GET", "/console/login")
        wish = {
            "csrf_token": csrf_token(form.text),
            "store": self._shop.slug,
            "email": f"owner@{self._shop.slug}.example",
            "password": self._shop.password,
        }
        answer = self._ask("POST", "/console/login", wish)
        assert answer.status_code == 302, answer.text
        self.done["log-ins"] += 1

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        deadline, trouble = time.monotonic() + PATIENCE_SECONDS, ""
        while time.monotonic() < deadline:
            try:
                answer = self._http.request(method, path, data=form)
            except httpx.TransportError as error:
                trouble = type(error).__name__
            else:
                if answer.status_code not in _AWAY:
                    return answer
                trouble = str(answer.status_code)
            time.sleep(0.2)
        raise TimeoutError(f"{method} {path} did not come: {trouble}")

    def close(self) -> None:
        """Leaves."""
        self._http.close()
