"""A merchant's program that uses the public REST API as its documentation asks: a key for every write, patience with 503."""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
Json = dict[str, Any]
PATIENCE_SECONDS = 60.0
_TRY_AGAIN = {502, 503, 504}


def until(what: Callable[[], T | None], seconds: float, saying: str) -> T:
    """Asks until the answer is true and gives it; fails with `saying` when the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {saying}"
        time.sleep(0.05)
    return answer


class Refused(Exception):
    """The API said no for good."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
        )
        self.status = response.status_code
        self.body: Json = response.json()
        self.reason = str(self.body["reason"])


class Api:
    """Requests with one API key. Safe for threads."""

    def __init__(self, url: str, api_key: str, transport: httpx.BaseTransport | None = None) -> None:
        """`transport`: the way there, where it is not straight."""
        self.credential = api_key
        self._http = httpx.Client(
            base_url=url + "/api/v1",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=30,
            trust_env=False,
            transport=transport,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=100),
        )

    def once(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        language: str = "en",
        seconds: float = 30,
        params: Mapping[str, Any] | None = None,
        file: bytes = b"",
    ) -> httpx.Response:
        """One try, with a JSON body or a CSV file. Raises httpx.TransportError."""
        headers = {"Accept-Language": language} | ({"Idempotency-Key": key} if key else {})
        if file:
            headers["Content-Type"] = "text/csv"
            return self._http.request(method, path, content=file, headers=headers, timeout=seconds)
        return self._http.request(method, path, json=body, headers=headers, timeout=seconds, params=params)

    def sure(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str = "",
        patience: float = PATIENCE_SECONDS,
        file: bytes = b"",
    ) -> Json:
        """Tries, with one and the same key, until the API takes it or says no. Raises Refused, or TimeoutError."""
        key = key or str(uuid.uuid4()) if method != "GET" else ""
        deadline, pause, trouble = time.monotonic() + patience, 0.05, ""
        while time.monotonic() < deadline:
            try:
                response = self.once(method, path, body, key=key, file=file)
            except httpx.TransportError as error:
                trouble = type(error).__name__
            else:
                if response.status_code not in _TRY_AGAIN:
                    return taken(response)
                trouble = f"{response.status_code} {response.text}"
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(1.0, pause * 2)
        raise TimeoutError(f"{method} {path} was not taken within {patience:.0f} s: {trouble}")

    def get(self, path: str) -> Json:
        """Reads, patiently."""
        return self.sure("GET", path)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()


def taken(response: httpx.Response) -> Json:
    """The document of an answer that is no refusal. Raises Refused."""
    if response.status_code >= 300:
        raise Refused(response)
    document: Json = response.json()
    return document


_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody nobody else is."""

    name: str
    phone: str
    email: str

    @property
    def contact(self) -> Json:
        """As orders take it."""
        return {"name": self.name, "phone": self.phone, "email": self.email}


def somebody(*, email: bool = True) -> Person:
    """A new person with a mobile of Hong Kong."""
    number = next(_numbers)
    return Person(f"Person {number}", f"+8526{1_000_000 + number}", f"person{number}@mail.example" if email else "")


@dataclass
class Shop:
    """One store, and the things its programs do there."""

    store_id: str
    slug: str
    api: Api
    # The owner's own way in, for what no API key may do.
    owner: Api
    placed: list[str] = field(default_factory=list)
    # The owner's.
    password: str = ""

    def close(self) -> None:
        """Closes the connections."""
        self.api.close()
        self.owner.close()

    def draft(
        self, who: Person | str, *, paid: bool = True, amount: int = 10_000, member: bool = True, **more: Any
    ) -> Json:
        """The body of an order of a person, or of the customer with that id."""
        buyer = {"customer_id": who} if isinstance(who, str) else {"contact": who.contact}
        line = {"title": "Tea", "quantity": 1, "unit_price_minor": amount}
        return {
            "paid": paid,
            "currency": "HKD",
            "lines": [line],
            "add_as_member": member,
            "language": "en",
            **buyer,
            **more,
        }

    def order(self, who: Person | str, *, key: str = "", **wishes: Any) -> Json:
        """Places an order, patiently."""
        document = self.api.sure("POST", "/orders", self.draft(who, **wishes), key=key)
        self.placed.append(document["order_id"])
        return document

    def member(self, who: Person | None = None, **wishes: Any) -> str:
        """The customer id of a new member who has bought once."""
        who = who or somebody()
        order = self.order(who, **wishes)
        return str(self.settled(order["order_id"])["customer_id"])

    def members(self, count: int, **wishes: Any) -> list[str]:
        """New members."""
        return [self.member(**wishes) for _ in range(count)]

    def settled(self, order_id: str) -> Json:
        """The order, once its buyer is known and counts it; until then a merge's plan would be overtaken by it."""

        def linked() -> Json | None:
            order = self.api.get(f"/orders/{order_id}")
            try:
                customer = self.customer(order["customer_id"])
            except Refused:
                return None
            counted = order["status"] == "unpaid" or customer["orders_count"] >= 1
            return order if counted and customer["customer_id"] == order["customer_id"] else None

        return until(linked, 30, f"order {order_id} has a buyer who counts it")

    def pay(self, order_id: str, *, key: str = "") -> Json:
        """Confirms a payment, patiently."""
        return self.api.sure("POST", f"/orders/{order_id}/payment", {"method": "cash"}, key=key)

    def customer(self, customer_id: str) -> Json:
        """A customer by any id it ever had."""
        return self.api.get(f"/customers/{customer_id}")

    def delete(self, customer_id: str, typed: str, *, key: str = "") -> Json:
        """Deletes a customer, patiently. Raises Refused."""
        return self.api.sure("DELETE", f"/customers/{customer_id}", {"confirmation": typed}, key=key)

    def erase(self, customer_id: str, typed: str, *, key: str = "") -> Json:
        """Erases a person, patiently, as only the owner may. Raises Refused."""
        return self.owner.sure("POST", f"/customers/{customer_id}/erasure", {"confirmation": typed}, key=key)

    def balance(self, customer_id: str) -> int:
        """Points."""
        return int(self.api.get(f"/customers/{customer_id}/points")["balance"])

    def adjust(self, customer_id: str, points: int, *, key: str = "") -> Json:
        """Awards or deducts points, patiently; the answer holds the balance."""
        body = {"points": points, "note": "by hand"} | ({"expires_on": "2099-12-31"} if points > 0 else {})
        return self.api.sure("POST", f"/customers/{customer_id}/points", body, key=key)

    def orders_of(self, customer_id: str) -> list[Json]:
        """All orders of a customer."""
        found: list[Json] = []
        token = ""
        while token is not None:
            page = self.api.get(
                f"/customers/{customer_id}/orders?page_size=100" + (f"&page_token={token}" if token else "")
            )
            found += page["items"]
            token = page["next_page_token"]
        return found

    def members_with(self, query: str) -> list[Json]:
        """Live members found by a phone or e-mail."""
        return list(self.api.sure("GET", f"/customers?members_only=true&query={query.replace('+', '%2B')}")["items"])

    def plan(self, ids: Sequence[str], primary: str = "", **adjustment: Any) -> Json:
        """Plans a merge, patiently; the first account stays unless told otherwise."""
        body = {"customer_ids": list(ids), "primary_id": primary or ids[0]}
        return self.api.sure("POST", "/merges/plans", body | ({"adjustment": adjustment} if adjustment else {}))

    def commit(self, plan: Json, *, key: str = "") -> Json:
        """Starts a planned merge, patiently. Raises Refused."""
        return self.api.sure("POST", "/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]}, key=key)

    def ended(self, run: Json, seconds: float = PATIENCE_SECONDS) -> Json:
        """The merge once it is over."""

        def over() -> Json | None:
            now = self.api.get(f"/merges/{run['merge_run_id']}")
            return now if now["finished_at"] else None

        return until(over, seconds, f"merge {run['merge_run_id']} ends")

    def batch_in(self, batch_id: str, state: str, seconds: float = PATIENCE_SECONDS) -> Json:
        """Many merges, once they are in that state."""

        def there() -> Json | None:
            now = self.api.get(f"/merge-batches/{batch_id}")
            return now if now["state"] == state else None

        return until(there, seconds, f"batch {batch_id} is {state}")

    def imported(self, run: Json, seconds: float = PATIENCE_SECONDS) -> Json:
        """The import once every row has had its turn."""

        def over() -> Json | None:
            now = self.api.get(f"/imports/{run['import_id']}")
            return now if now["finished_at"] else None

        return until(over, seconds, f"import {run['import_id']} ends")

    def merge(self, ids: Sequence[str], **adjustment: Any) -> Json:
        """Merges accounts into the first, from plan to end; plans again when an account was still changing."""
        for _ in range(20):
            try:
                run = self.ended(self.commit(self.plan(ids, **adjustment)))
            except Refused as error:
                if error.reason != "stale_plan":
                    raise
            else:
                if run["state"] == "completed":
                    return run
                assert run["refusal"] == "stale_plan", run
        raise AssertionError("the accounts never came to rest")


def together(*calls: Callable[[], T]) -> list[T | Refused]:
    """Makes the calls at the same moment; what was refused is among the answers, other errors are raised."""
    gate = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], T]) -> None:
        gate.wait(30)
        try:
            answers[number] = call()
        except Exception as error:  # noqa: BLE001 - judged in the test's own thread
            answers[number] = error

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a call hangs"
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refused):
            raise answer
    return answers
