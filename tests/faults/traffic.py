"""Orders, payments, merges, log-ins and pages without a pause, while something else breaks the system or replaces it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.faults.client import Json, Person, Refused, Shop, somebody
from tests.faults.pages import Staff
from tests.faults.system import System

# What a merge may lose to another; two of its accounts may have become one since they were picked.
_LOST = {"stale_plan", "merge_in_progress", "already_merged", "repeated_account"}
BUYERS = 3


@dataclass
class Traffic:
    """Buyers, a merging clerk and staff at the pages, each with dice of their own; everything they did and were told."""

    shop: Shop
    seed: int
    staff: Staff | None = None
    # Seconds between two things that somebody does, on average: starting processes takes what is left of the machine.
    pause: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    people: list[Person] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    unpaid: list[str] = field(default_factory=list)
    orders: dict[str, tuple[Json, str]] = field(default_factory=dict)
    merges: list[Json] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Everybody begins."""
        roles = [self.merge_some, *[self.buy] * BUYERS, *([self.staff.look_round] if self.staff else [])]
        self._threads = [
            threading.Thread(target=self._work, args=(role, n), daemon=True) for n, role in enumerate(roles)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Everybody finishes what they have begun. Fails when one of them hangs or was told what must not be."""
        self.stop.set()
        for thread in self._threads:
            thread.join(100)
            assert not thread.is_alive(), "a client hangs"
        assert not self.troubles, self.troubles

    def _work(self, role: Callable[[random.Random], None], number: int) -> None:
        dice = random.Random(f"{self.seed}-{number}")
        try:
            while not self.stop.is_set():
                role(dice)
                self.stop.wait(dice.uniform(0, 2 * self.pause))
        except BaseException as error:  # noqa: BLE001 - judged in the test's own thread
            self.troubles.append(error)
            self.stop.set()

    def buy(self, dice: random.Random) -> None:
        """Somebody new, somebody known by phone or by id, or a payment."""
        kind = dice.choices(("new", "phone", "id", "pay"), (4, 3, 3, 2))[0]
        with self.lock:
            paying = kind == "pay" and self.unpaid
            order_id = self.unpaid.pop(dice.randrange(len(self.unpaid))) if paying else ""
            known: Sequence[Person | str] = self.people if kind == "phone" else self.customers if kind == "id" else ()
            who = dice.choice(known) if known else None
        if order_id:
            assert self.shop.pay(order_id)["status"] == "paid"
            return
        buyer = who or somebody(email=dice.random() < 0.5)
        key, body = (
            f"{self.seed}-{time.monotonic_ns()}",
            self.shop.draft(buyer, paid=dice.random() < 0.7, amount=dice.randint(0, 50_000)),
        )
        order = self.shop.api.sure("POST", "/orders", body, key=key, patience=90)
        with self.lock:
            self.orders[key] = (body, order["order_id"])
            if order["status"] == "unpaid":
                self.unpaid.append(order["order_id"])
            if order["customer"]["status"] == "member":
                self.customers.append(order["customer_id"])
            if isinstance(buyer, Person):
                self.people.append(buyer)

    def merge_some(self, dice: random.Random) -> None:
        """Two to four accounts into one; what has changed since the preview is refused, and that is that."""
        with self.lock:
            picked = dice.sample(self.customers, min(len(self.customers), dice.randint(2, 4)))
        live = list(dict.fromkeys(self.shop.customer(each)["customer_id"] for each in picked))
        if len(live) < 2:
            self.stop.wait(0.2)
            return
        try:
            run = self.shop.commit(self.shop.plan(live, points=7, expires_on="2099-12-31"))
        except Refused as refusal:
            if _LOST.isdisjoint({refusal.reason, *(error["reason"] for error in refusal.body.get("errors", ()))}):
                raise
        else:
            self.merges.append(run)
        self.stop.wait(dice.uniform(0, 0.3))

    def check_orders(self, system: System) -> None:
        """Every key is one order, and there are no others but those of the first members."""
        stored = "SELECT count(*) FROM orders WHERE store_id = $1"
        [(count,)] = system.rows("orders", stored, UUID(self.shop.store_id))
        assert count == len(self.orders) + len(self.shop.placed)
        some = random.Random(self.seed).sample(sorted(self.orders.items(), key=str), min(20, len(self.orders)))
        for key, (body, order_id) in some:
            assert self.shop.api.sure("POST", "/orders", body, key=key)["order_id"] == order_id

    def check_merges(self) -> None:
        """Each is finished or was refused untouched; old ids lead to a live member."""
        for merge in self.merges:
            run = self.shop.ended(merge, 5)
            assert run["state"] == "completed" or run["refusal"] in ("stale_plan", "already_merged"), run
            if run["state"] == "completed":
                ends = {self.shop.customer(each)["customer_id"] for each in (run["primary_id"], *run["merged_ids"])}
                assert len(ends) == 1
