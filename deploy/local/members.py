"""Fills a store with made-up customers, straight into the databases.

For measuring lists and searches among a million: through the API, which does for each of them what a real order needs, that
would take an hour, and what is measured afterwards is the same rows. What is written is what the services would have written
(identifiers, what customers are found by, points by lots, orders with one line each), so `make audit` holds; but no events, no
mails, no logins. A store that is used in earnest is filled by orders and imports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from deploy.local.people import Person, person
from deploy.local.state import RunningStack
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.common.ids import new_id
from services.membership.domain import search_text

_BATCH = 5_000
_MADE_UP = "made up"
_VALIDITY = timedelta(days=365)
_GUEST, _MEMBER, _EARNED, _PAID, _POS = 1, 2, 1, 2, 2
_COLUMNS: dict[str, tuple[str, ...]] = {
    "customers": (
        *(
            "store_id",
            "customer_id",
            "status",
            "name",
            "phone",
            "email",
            "birthday",
            "language",
            "source",
            "created_at",
        ),
        *("joined_at", "net_spend", "orders_count", "points_balance", "version", "level_id", "tags"),
    ),
    "customer_search": ("store_id", "customer_id", "member", "since", "haystack", "grams"),
    "identifiers": ("store_id", "kind", "digest", "value", "customer_id", "state"),
    "order_facts": (
        *("store_id", "order_id", "customer_id", "declared_customer_id", "created_member", "placed_at", "settled"),
        *("paid", "version"),
    ),
    "points_lots": ("store_id", "customer_id", "lot_id", "points", "remaining", "expires_at", "created_at"),
    "points_entries": (
        *("store_id", "customer_id", "entry_id", "lot_id", "reason", "points", "note", "order_id", "actor", "at"),
    ),
    "orders": (
        *("store_id", "order_id", "number", "customer_id", "status", "channel", "currency", "subtotal", "discount"),
        *("shipping", "total", "paid", "refunded", "contact_name", "contact_phone", "contact_email", "add_as_member"),
        *("note", "external_reference", "language", "placed_at", "paid_at", "version"),
    ),
    "order_lines": ("store_id", "order_id", "position", "sku", "title", "quantity", "unit_price", "discount"),
}
_OF_ORDERS = ("orders", "order_lines")
_THERE = "SELECT count(*) FROM customers WHERE store_id = $1 AND source = $2"
_TAKEN = """SELECT i.digest FROM identifiers i JOIN customers c USING (store_id, customer_id)
 WHERE i.store_id = $1 AND c.source <> $2"""
_NEXT_NUMBER = "SELECT COALESCE(max(next_number), 1) FROM order_numbers WHERE store_id = $1"
_COUNT_ON = """INSERT INTO order_numbers (store_id, next_number) VALUES ($1, $2)
 ON CONFLICT (store_id) DO UPDATE SET next_number = GREATEST(order_numbers.next_number, excluded.next_number)"""


@dataclass
class Rows:
    """What one batch comes to, by table."""

    store_id: UUID
    hasher: IdentifierHasher
    # (threshold, level), the lowest first.
    levels: Sequence[tuple[int, UUID]]
    currency: str
    now: datetime
    number: int
    tables: dict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})

    def add(self, who: Person, taken: frozenset[bytes]) -> None:
        """One customer with everything that belongs to it; whoever has the phone or e-mail of somebody real is left out."""
        customer_id, store = new_id(), self.store_id
        identifiers = [
            (store, kind, self.hasher.digest(kind, value), value, customer_id, "live")
            for kind, value in ((PHONE, who.phone), (EMAIL, who.email))
            if value
        ]
        if any(digest in taken for _, _, digest, *_ in identifiers):
            return
        points = sum(self._purchase(who, customer_id, bought.placed_at, bought.amount) for bought in who.purchases)
        spent = sum(bought.amount for bought in who.purchases)
        level = next((level for least, level in reversed(self.levels) if spent >= least), None) if who.member else None
        search = search_text(who.name, who.phone, who.email)
        self.tables["customers"].append(
            (
                *(store, customer_id, _MEMBER if who.member else _GUEST, who.name, who.phone, who.email, who.birthday),
                *("zh-Hant", _MADE_UP, who.since, who.since if who.member else None, spent, len(who.purchases)),
                *(points, 1, level, who.tags),
            )
        )
        self.tables["customer_search"].append(
            (store, customer_id, who.member, who.since, search.haystack, search.grams)
        )
        if who.member:
            self.tables["identifiers"] += identifiers

    def _purchase(self, who: Person, customer_id: UUID, placed_at: datetime, amount: int) -> int:
        """An order with its fact here; the points that it has earned and that are still good."""
        order_id, store = new_id(), self.store_id
        self.tables["order_facts"].append(
            (store, order_id, customer_id, customer_id, False, placed_at, True, amount, 1)
        )
        self.tables["orders"].append(
            (
                *(
                    store,
                    order_id,
                    self.number,
                    customer_id,
                    _PAID,
                    _POS,
                    self.currency,
                    amount,
                    0,
                    0,
                    amount,
                    amount,
                    0,
                ),
                # Without an e-mail on the order nobody expects a mail about it.
                *(who.name, who.phone, "", True, "", "", "zh-Hant", placed_at, placed_at, 1),
            )
        )
        self.tables["order_lines"].append((store, order_id, 1, "", "Made up", 1, amount, 0))
        self.number += 1
        expires_at, points = placed_at + _VALIDITY, amount // 100
        if not who.member or expires_at <= self.now:
            return 0
        lot_id = new_id()
        self.tables["points_lots"].append((store, customer_id, lot_id, points, points, expires_at, placed_at))
        entry = (new_id(), lot_id, _EARNED, points, "", order_id, "service:membership", placed_at)
        self.tables["points_entries"].append((store, customer_id, *entry))
        return points


class MemberLoader:
    """Adds customers to one store until it has as many made-up ones as are wished for."""

    def __init__(self, running: RunningStack, identifier_key: str, slug: str) -> None:
        self._urls = running.databases
        self._hasher = IdentifierHasher(identifier_key)
        self._slug = slug

    async def load(self, count: int, report: Callable[[int], None]) -> int:
        """How many were added. `report` gets the number that are there, now and then."""
        identity = await asyncpg.connect(self._urls["identity_merge"].admin)
        store = await identity.fetchrow("SELECT store_id, currency FROM stores WHERE slug = $1", self._slug)
        await identity.close()
        membership = await asyncpg.connect(self._urls["membership"].admin)
        orders = await asyncpg.connect(self._urls["orders"].admin)
        try:
            return await self._fill(membership, orders, (store["store_id"], store["currency"]), count, report)
        finally:
            await membership.close()
            await orders.close()

    async def _fill(
        self,
        membership: asyncpg.Connection,
        orders: asyncpg.Connection,
        store: tuple[UUID, str],
        count: int,
        report: Callable[[int], None],
    ) -> int:
        store_id, currency = store
        # Larger pending lists: an index on text takes a batch at a time instead of a row.
        await membership.execute("SET gin_pending_list_limit = '64MB'; SET synchronous_commit = off")
        await orders.execute("SET synchronous_commit = off")
        there = await membership.fetchval(_THERE, store_id, _MADE_UP)
        number = await orders.fetchval(_NEXT_NUMBER, store_id)
        taken = frozenset(row["digest"] for row in await membership.fetch(_TAKEN, store_id, _MADE_UP))
        levels = await _levels(membership, store_id)
        writing: asyncio.Task[None] | None = None
        for first in range(there, count, _BATCH):
            rows = Rows(store_id, self._hasher, levels, currency, datetime.now(UTC), number)
            # The next batch is made up while the one before is written.
            await asyncio.to_thread(_make_up, rows, range(first, min(first + _BATCH, count)), count, taken)
            number = rows.number
            if writing:
                await writing
            report(first)
            writing = asyncio.create_task(_write(membership, orders, rows))
        if writing:
            await writing
        await membership.execute("VACUUM ANALYZE")
        report(count)
        return int(max(0, count - there))


def _make_up(rows: Rows, numbers: range, of: int, taken: frozenset[bytes]) -> None:
    for number in numbers:
        rows.add(person(number, of, rows.now), taken)


async def _write(membership: asyncpg.Connection, orders: asyncpg.Connection, rows: Rows) -> None:
    """Orders first: an order whose customer is not there yet does no harm, a sum without its orders would."""
    async with orders.transaction(), membership.transaction():
        for table, columns in _COLUMNS.items():
            connection = orders if table in _OF_ORDERS else membership
            await connection.copy_records_to_table(table, records=rows.tables[table], columns=columns)
        await orders.execute(_COUNT_ON, rows.store_id, rows.number)


async def _levels(membership: asyncpg.Connection, store_id: UUID) -> list[tuple[int, UUID]]:
    """(threshold, level) of the store, the lowest first."""
    document = await membership.fetchval("SELECT levels FROM store_settings WHERE store_id = $1", store_id)
    levels: Mapping[str, Mapping[str, Any]] = orjson.loads(document or "{}")
    return sorted((int(rest["threshold"]), UUID(level)) for level, rest in levels.items())
