"""Lanes and faults together, and what must be true of the databases afterwards, to the cent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from deploy.local.state import DatabaseUrls
from tests.bench.client import Api
from tests.merges.book import Book, Sale
from tests.merges.client import Patient
from tests.merges.faults import Fault, Faults, Processes
from tests.merges.lane import Lane, Tally

_CUSTOMERS = "SELECT customer_id::text, survivor_id::text, net_spend FROM customers WHERE customer_id = ANY($1::uuid[])"
_POINTERS = "SELECT merged_id::text, survivor_id::text FROM survivors WHERE merged_id = ANY($1::uuid[])"
_ORDERS = """SELECT order_id::text, customer_id::text, paid, refunded, external_reference FROM orders
 WHERE external_reference LIKE 'merges-' || $1 || '-%'"""


@dataclass
class Soak:
    """So many merges by so many lanes, with chains `depth` deep."""

    api: Api
    seed: int
    merges: int
    lanes: int = 8
    depth: int = 50
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.all = [
            Lane(number, self.seed, self.api, self.tally, self.depth, self._another(number))
            for number in range(self.lanes)
        ]

    def _another(self, number: int) -> Callable[[], bool]:
        """Each lane has its share, so that the seed alone decides who does what."""
        left = iter(range(number, self.merges, self.lanes))
        return lambda: next(left, None) is not None

    def share_out(self, members: Sequence[tuple[str, int]]) -> None:
        """Gives the lanes the store's members: (id, net spend), in an order that is the same each time."""
        for place, (customer_id, net) in enumerate(members):
            self.all[place % self.lanes].book.add(customer_id, net)

    async def run(self, stack: Processes, breaks: Iterator[Fault], newcomers: int = 0) -> Faults:
        """All merges; each lane begins with so many new members. Raises whatever went wrong in a lane."""
        over = False
        faults = Faults(stack, breaks, lambda: self.tally.done["merges"], lambda: over)
        breaking = asyncio.create_task(asyncio.to_thread(faults.run))
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self.all:
                    group.create_task(lane.run(newcomers))
        finally:
            over = True
            await breaking
        return faults

    async def differences(self, urls: Mapping[str, DatabaseUrls]) -> list[str]:
        """Where the databases, come to rest, are not what the lanes have reckoned; empty when all is as it must be."""
        membership = await asyncpg.connect(urls["membership"].admin)
        orders = await asyncpg.connect(urls["orders"].admin)
        try:
            return [*await self._customers(membership), *await self._pointers(orders), *await self._sales(orders)]
        finally:
            await membership.close()
            await orders.close()

    async def lost_chains(self) -> list[str]:
        """Old ids of chains whose end is not what the API answers; later merges may have carried the end itself on (F10)."""
        client, lost = Patient(self.api), []
        for old, end, depth in self.tally.chains:
            found, expected = await client.get(f"/customers/{old}"), await client.get(f"/customers/{end}")
            if found["customer_id"] != expected["customer_id"]:
                lost.append(
                    f"{old}, {depth} merges back, leads to {found['customer_id']}, not {expected['customer_id']}"
                )
        await client.close()
        return lost

    async def _customers(self, membership: asyncpg.Connection) -> list[str]:
        """Net spend of the live (N), and one hop from each merged account to its survivor (F10)."""
        wrong = []
        for lane in self.all:
            book = lane.book
            found = {row["customer_id"]: row for row in await membership.fetch(_CUSTOMERS, book.ids)}
            for place, customer_id in enumerate(book.ids):
                lives = book.survivor[place] == place
                expected = (None, book.net[place]) if lives else (book.ids[book.survivor[place]], 0)
                row = found.get(customer_id, {"survivor_id": "nobody", "net_spend": 0})
                if (row["survivor_id"], row["net_spend"]) != expected:
                    wrong.append(f"customer {customer_id}: {tuple(row.values())}, expected {expected}")
        return wrong

    async def _pointers(self, orders: asyncpg.Connection) -> list[str]:
        wrong = []
        for lane in self.all:
            book = lane.book
            found = dict(await orders.fetch(_POINTERS, book.ids))
            for place, leads in enumerate(book.survivor):
                expected = None if leads == place else book.ids[leads]
                if found.get(book.ids[place]) != expected:
                    wrong.append(
                        f"orders of {book.ids[place]} lead to {found.get(book.ids[place])}, expected {expected}"
                    )
        return wrong

    async def _sales(self, orders: asyncpg.Connection) -> list[str]:
        """Each order once, its money, and whose it is: the survivor's, or while unpaid perhaps still a merged account's (O, F7)."""
        found = {row["order_id"]: row for row in await orders.fetch(_ORDERS, str(self.seed))}
        wrong = []
        for lane in self.all:
            for sale in lane.book.sales:
                row = found.pop(sale.order_id, None)
                if row is None or not _as_sold(lane.book, sale, row):
                    wrong.append(f"order {sale.order_id}: {row and tuple(row.values())}, expected {sale}")
        return [*wrong, *(f"order {order_id} was placed by nobody" for order_id in found)]


def _as_sold(book: Book, sale: Sale, row: asyncpg.Record) -> bool:
    owner, has = book.survivor[sale.account], book.place_of(row["customer_id"])
    mine = has == owner or (has is not None and book.survivor[has] == owner and not sale.paid)
    return mine and (row["paid"], row["refunded"]) == (sale.paid, sale.refunded)
