"""One client's sequence of merges and what lies between them, all of it decided by its own dice.

A lane has accounts of its own, so what the other lanes and the faults do changes when something happens and never what. The same
seed over the same store therefore does the same again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.bench.client import Api
from tests.bench.people import Person, people
from tests.merges.book import Book, Sale
from tests.merges.client import PATIENCE_SECONDS, Patient, Refused

# Live accounts of a lane before a step: as many as one merge takes, and the last of its chain.
_LEAST = 6
_SIZES, _SIZE_WEIGHTS = (2, 3, 4, 5), (12, 5, 2, 1)
# A lane's newcomers have numbers of their own.
_NUMBERS_APART = 40_000
_LONGEST_POLL_SECONDS = 1.0
# Events of the last orders change accounts under our hands; who plans again sees the change.
_PLAN_AGAIN = {"stale_plan", "customer_not_found", "not_a_member"}


def _is_stale(error: BaseException) -> bool:
    return isinstance(error, Refused) and error.reason == "stale_plan"


@dataclass(slots=True)
class Tally:
    """What all lanes have done; times in seconds."""

    done: Counter[str] = field(default_factory=Counter)
    plans: list[float] = field(default_factory=list)
    merges: list[float] = field(default_factory=list)
    # Old ids that must lead to the last account of their chain, and how deep that was.
    chains: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass
class Lane:
    """`step` is one merge with what happens before, beside and after it."""

    number: int
    seed: int
    api: Api
    tally: Tally
    depth: int
    wanted: Callable[[], bool]
    book: Book = field(default_factory=Book)

    def __post_init__(self) -> None:
        self._dice = random.Random(f"{self.seed}-{self.number}")
        self._client, self._rival = Patient(self.api), Patient(self.api)
        self._strangers: Iterator[Person] = people(self.seed * 7 + self.number * _NUMBERS_APART, 0.3)
        self._orders = 0
        self._chain: list[int] = []

    @property
    def repeats(self) -> int:
        """Requests that had to be sent again."""
        return self._client.repeats + self._rival.repeats

    async def run(self, newcomers: int = 0) -> None:
        """Steps for as long as they are wanted, with so many new members to begin with."""
        try:
            for _ in range(newcomers):
                await self._welcome()
            while self.wanted():
                await self._step()
        finally:
            await self._client.close()
            await self._rival.close()

    async def _step(self) -> None:
        if self._dice.random() < 0.1:
            await self._welcome()
        while len(self.book.live) < _LEAST:
            await self._welcome()
        group = self._next_of_chain() if self._dice.random() < 0.3 else self._group()
        for _ in range(self._dice.choice((0, 0, 1, 2))):
            await self._sell(self._dice.choice(group))
        await self._merge(group)
        for act in self._dice.sample((self._pay, self._refund, self._sell_by_an_old_id, self._look), 2):
            await act()

    def _group(self) -> list[int]:
        """Any live accounts but the chain's last one, which must go on as it is."""
        free = [place for place in self.book.live if place not in self._chain[-1:]]
        return self._dice.sample(free, min(self._dice.choices(_SIZES, _SIZE_WEIGHTS)[0], len(free)))

    def _next_of_chain(self) -> list[int]:
        """A fresh account that takes over what the chain has come to; every id so far must lead to it at once (F10)."""
        last = self._chain[-1] if self._chain else self._dice.choice(self.book.live)
        fresh = self._dice.choice([place for place in self.book.live if place != last])
        self._chain = [*(self._chain or [last]), fresh]
        if len(self._chain) > self.depth:
            self.tally.chains += [
                (self.book.ids[old], self.book.ids[fresh], self.depth) for old in (self._chain[0], self._chain[-2])
            ]
            self._chain = []
        return [fresh, last]

    # --- merges ----------------------------------------------------------------------------------------------------

    async def _merge(self, group: Sequence[int]) -> None:
        """Plans and commits until it is done; others buy, pay and give back while it is under way."""
        held = sum(self.book.points[each] for each in group)
        points = self._dice.choice((0, 0, 25, -self._dice.randint(1, held) if held else 10))
        rival, busy = self._dice.random() < 0.05, self._dice.random() < 0.5
        run = await self._commit(group, points, rival)
        if busy:
            await self._sell(self._dice.choice(group))
            await self._dice.choice((self._pay, self._refund))()
        while not await self._completed(run):
            self.tally.done["planned again"] += 1
            run = await self._commit(group, points, rival)
        self.book.merge(group[0], group[1:], points)
        self.tally.done["merges"] += 1

    async def _commit(self, group: Sequence[int], points: int, rival: bool) -> dict[str, Any]:
        ids = [self.book.ids[each] for each in group]
        adjustment = {"points": points, "expires_on": "2099-12-31" if points > 0 else "", "description": "at random"}
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            begun = loop.time()
            try:
                wish = {"customer_ids": ids, "primary_id": ids[0], "adjustment": adjustment}
                plan = await self._client.post("/merges/plans", wish)
                self.tally.plans.append(loop.time() - begun)
                return await self._start({name: plan[name] for name in ("plan_id", "plan_hash")}, rival)
            except Refused as refused:
                if refused.reason not in _PLAN_AGAIN or loop.time() > deadline:
                    raise
                self.tally.done["planned again"] += 1
                await asyncio.sleep(0.1)

    async def _start(self, checked: dict[str, Any], rival: bool) -> dict[str, Any]:
        """Two at once who press the same button start one merge (F9); one of them may find an account changed that the other did not."""
        clients = (self._client, self._rival)[: 1 + rival]
        answers = await asyncio.gather(*(c.post("/merges", checked) for c in clients), return_exceptions=True)
        runs = [answer for answer in answers if not isinstance(answer, BaseException)]
        for answer in answers:
            if isinstance(answer, BaseException) and not (runs and _is_stale(answer)):
                raise answer
        assert len({run["merge_run_id"] for run in runs}) == 1, f"a plan became two merges: {runs}"
        return runs[0]

    async def _completed(self, run: dict[str, Any]) -> bool:
        pause = 0.05
        while run["finished_at"] is None:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_POLL_SECONDS, pause * 1.5)
            run = await self._client.get(f"/merges/{run['merge_run_id']}")
        if run["state"] == "refused":
            assert run["refusal"] == "stale_plan", run
            return False
        begin, end = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
        self.tally.merges.append((end - begin).total_seconds())
        return True

    # --- beside them -----------------------------------------------------------------------------------------------

    async def _welcome(self) -> None:
        """Somebody new becomes a member by an order (A4)."""
        who = next(self._strangers)
        order = await self._order({"contact": {"name": who.name, "phone": who.phone, "email": who.email}}, paid=True)
        place = self.book.add(order["customer_id"], 0)
        self._note(order, place, paid=True)

    async def _sell(self, account: int) -> None:
        paid = self._dice.random() < 0.6
        order = await self._order({"customer_id": self.book.ids[account]}, paid=paid)
        self._note(order, account, paid=paid)

    async def _sell_by_an_old_id(self) -> None:
        """What is bought by the id of a merged account is its survivor's (F10)."""
        await self._sell(self._dice.randrange(len(self.book.ids)))

    async def _order(self, buyer: dict[str, Any], *, paid: bool) -> dict[str, Any]:
        self._orders += 1
        line = {"title": "Tea", "quantity": 1, "unit_price_minor": self._dice.randint(100, 99_999)}
        reference = f"merges-{self.seed}-{self.number}-{self._orders}"
        order = {"paid": paid, "currency": "HKD", "lines": [line], "add_as_member": True, **buyer}
        placed = await self._client.post("/orders", {**order, "external_reference": reference})
        return placed | {"price": line["unit_price_minor"]}

    def _note(self, order: dict[str, Any], account: int, *, paid: bool) -> None:
        sale = Sale(order["order_id"], account, order["price"])
        self.book.sales.append(sale)
        self.book.money(sale, paid=sale.price if paid else 0)
        self.tally.done["orders"] += 1

    async def _pay(self) -> None:
        """One of the last unpaid orders, of a merged account perhaps (F7)."""
        if unpaid := [sale for sale in self.book.sales[-200:] if not sale.paid]:
            sale = self._dice.choice(unpaid)
            await self._client.post(f"/orders/{sale.order_id}/payment", {"method": "cash"})
            self.book.money(sale, paid=sale.price)
            self.tally.done["payments"] += 1

    async def _refund(self) -> None:
        """A part or the rest of what an order has brought in."""
        if paid := [sale for sale in self.book.sales[-200:] if sale.held]:
            sale = self._dice.choice(paid)
            cents = sale.held if self._dice.random() < 0.4 else self._dice.randint(1, sale.held)
            body = {"amount_minor": cents, "method": "cash", "reason": "at random"}
            await self._client.post(f"/orders/{sale.order_id}/refunds", body)
            self.book.money(sale, refunded=cents)
            self.tally.done["refunds"] += 1

    async def _look(self) -> None:
        """Any id leads to a live account at once (F10)."""
        place = self._dice.randrange(len(self.book.ids))
        found = await self._client.get(f"/customers/{self.book.ids[place]}")
        expected = self.book.ids[self.book.survivor[place]]
        assert found["customer_id"] == expected, (
            f"{self.book.ids[place]} leads to {found['customer_id']}, not {expected}"
        )
        self.tally.done["old ids read"] += 1
