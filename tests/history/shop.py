"""The demo store through its public API, as a merchant's program uses it."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import httpx

_TRY_AGAIN = {429, 502, 503, 504}
_SECONDS = 60


class Refused(Exception):
    """The API said no; `reason` is its stable word."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.reason = reason


class Shop:
    """One API key's view; repeats what the documented client policy repeats, with the same key (E7)."""

    def __init__(self, url: str, api_key: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {api_key}"}, timeout=20, trust_env=False
        )

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a resource. Raises Refused."""
        return self._send("GET", path, {}, params=query)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Writes once, whatever the network does. Raises Refused."""
        return self._send("POST", path, {"Idempotency-Key": str(uuid.uuid4())}, json=body)

    def _send(self, method: str, path: str, headers: dict[str, str], **what: Any) -> Any:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                answer = self._client.request(method, path, headers=headers, **what)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.is_success:
                return answer.json()
            if answer is not None and answer.status_code not in _TRY_AGAIN:
                raise Refused(answer.status_code, answer.json()["reason"])
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}")
            time.sleep(0.2)

    def members(self, most: int) -> list[dict[str, Any]]:
        """The newest members."""
        found: list[dict[str, Any]] = []
        token = ""
        while len(found) < most:
            page = self.get("/customers", members_only="true", page_size=100, page_token=token)
            found += page["items"]
            token = page["next_page_token"]
            if not token:
                break
        return found[:most]


class Trade(threading.Thread):
    """Keeps placing orders of known members until told to stop; counts what it has sold."""

    def __init__(self, shop: Shop, members: list[dict[str, Any]], pick: Any) -> None:
        super().__init__(daemon=True)
        self._shop = shop
        self._members = members
        self._pick = pick
        self.enough = threading.Event()
        self.orders = 0
        self.value_minor = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Every second order is unpaid, and half of those are paid a moment later (F7)."""
        try:
            while not self.enough.is_set():
                self._sell(self._pick.choice(self._members)["customer_id"])
        except Exception as error:  # noqa: BLE001 - told to the main thread, which fails with it
            self.error = error

    def _sell(self, customer_id: str) -> None:
        price, paid = self._pick.randint(100, 99_999), self._pick.random() < 0.5
        placed = self._shop.post(
            "/orders",
            {
                "paid": paid,
                "customer_id": customer_id,
                "add_as_member": False,
                "currency": "HKD",
                "lines": [{"title": "Sold during merges", "quantity": 1, "unit_price_minor": price}],
            },
        )
        if not paid and self._pick.random() < 0.5:
            self._shop.post(f"/orders/{placed['order_id']}/payment", {"method": "cash"})
            paid = True
        self.orders += 1
        self.value_minor += price if paid else 0
