"""Merges of accounts with thousands of orders each, while the store goes on selling (F4, F5, F13).

The accounts are real members; their orders, and the points of those that are younger than a year, are written
straight into the databases, as the services would have written them, so `make audit` holds. Orders of other buyers come at an even
pace, first alone, then beside previews and merges; what is compared is how long those of each time took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from deploy.local.demo import SLUG
from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS, RunningStack
from tests.bench import generator
from tests.bench.job import Job, Outcome, percentiles
from tests.bench.people import Person, id_at
from tests.history.shop import Shop

ACCOUNTS = 5
# A tenth of what a machine of two cores takes, where no queue is of their own making; dense enough for a 99th percentile.
PER_SECOND, CLIENTS = 20.0, 8
BUYERS = 100
_POLL_SECONDS = 0.1
_USUAL_SECONDS = 15.0
# The generator sells until the merges are surely over; what it sold later is left out.
_SECONDS_EACH = 20.0
# Ids in the order of time, as those of orders are, and the same in both databases.
_MADE = f"""FROM (SELECT {id_at("placed_at", "c::text || n")} AS order_id, c AS customer_id, number, amount, placed_at
 FROM (SELECT c, n, $2::bigint + (c_no - 1) * $4 + n AS number, 5000 + (n * 7919 % 55000) AS amount,
   $5::timestamptz - n * interval '730 days' / $4 AS placed_at
  FROM unnest($3::uuid[]) WITH ORDINALITY AS a(c, c_no), generate_series(0, $4::int - 1) AS n) AS planned) AS made"""
_ORDERS = f"""WITH orders AS (INSERT INTO orders (store_id, order_id, number, customer_id, status, channel, currency, subtotal,
  discount, shipping, total, paid, refunded, contact_name, contact_phone, contact_email, add_as_member, note, external_reference,
  language, placed_at, paid_at, version)
 SELECT $1, order_id, number, customer_id, 2, 2, 'HKD', amount, 0, 0, amount, amount, 0, '陳大文',
  '+8526' || lpad((number % 10000000)::text, 7, '0'), '', true, '', '', 'en', placed_at, placed_at, 1 {_MADE} RETURNING order_id, total)
 INSERT INTO order_lines (store_id, order_id, position, sku, title, quantity, unit_price, discount)
 SELECT $1, order_id, 1, '', 'Made up', 1, total, 0 FROM orders"""
_NUMBERS = """INSERT INTO order_numbers (store_id, next_number) VALUES ($1, 1 + $2::bigint)
 ON CONFLICT (store_id) DO UPDATE SET next_number = order_numbers.next_number + $2 RETURNING next_number - $2"""
_FACTS = f"""INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at, settled, paid,
  version)
 SELECT $1, order_id, customer_id, customer_id, false, placed_at, true, amount, 1 {_MADE}"""
# A point for a dollar, good for a year; of older orders nothing is left. Lot and entry bear the order's id, which is theirs alone.
_LOTS = """WITH made AS (SELECT order_id, customer_id, paid / 100 AS points, placed_at FROM order_facts
  WHERE store_id = $1 AND customer_id = ANY($2) AND placed_at > now() - interval '365 days' AND created_member = false),
 lots AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
  SELECT $1, customer_id, order_id, points, points, date_trunc('day', placed_at) + interval '366 days', placed_at FROM made)
 INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, order_id, actor, at)
 SELECT $1, customer_id, order_id, order_id, 1, points, '', order_id, 'service:membership', placed_at FROM made"""
_SUMS = """UPDATE customers c SET net_spend = f.spend, orders_count = f.orders, version = version + 1,
 points_balance = (SELECT sum(remaining) FROM points_lots l WHERE l.store_id = $1 AND l.customer_id = c.customer_id)
 FROM (SELECT customer_id, sum(paid - refunded) AS spend, count(*) AS orders FROM order_facts WHERE store_id = $1 AND settled
  AND customer_id = ANY($2) GROUP BY customer_id) AS f WHERE c.store_id = $1 AND c.customer_id = f.customer_id"""


_FILLED = {
    "orders": "orders, order_lines, order_texts",
    "membership": "customers, order_facts, points_lots, points_entries, standings",
}
# What a merge cannot do without, as one statement of each database: the other accounts' orders, facts and lots become the first's.
_MOVES = {
    "orders": ("UPDATE orders SET customer_id = $2 WHERE store_id = $1 AND customer_id = ANY($3)",),
    "membership": (
        "UPDATE order_facts SET customer_id = $2 WHERE store_id = $1 AND customer_id = ANY($3)",
        "UPDATE points_lots SET customer_id = $2 WHERE store_id = $1 AND customer_id = ANY($3)",
    ),
}


async def moved_at_once(running: RunningStack, accounts: Sequence[str]) -> float:
    """Milliseconds in which the databases move everything of these accounts to the first, by one UPDATE of each table, then undone."""
    primary, *others = (UUID(account) for account in accounts)
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    took = 0.0
    for context, statements in _MOVES.items():
        connection = await asyncpg.connect(running.databases[context].admin)
        transaction = connection.transaction()
        await transaction.start()
        began = time.perf_counter()
        for statement in statements:
            await connection.execute(statement, store_id, primary, others, timeout=600)
        took += (time.perf_counter() - began) * 1e3
        await transaction.rollback()
        await connection.close()
    return took


async def fill(running: RunningStack, accounts: Sequence[str], each: int) -> None:
    """Gives each of the demo store's accounts so many paid orders of the last two years."""
    ids = [UUID(account) for account in accounts]
    by_context = {name: await asyncpg.connect(running.databases[name].admin) for name in CONTEXTS[:3]}
    store_id = await by_context["identity_merge"].fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    orders, membership = by_context["orders"], by_context["membership"]
    first = await orders.fetchval(_NUMBERS, store_id, each * len(ids))
    at = datetime.now(UTC)
    await orders.execute(_ORDERS, store_id, first, ids, each, at, timeout=600)
    async with membership.transaction():
        await membership.execute(_FACTS, store_id, 0, ids, each, at, timeout=600)
        await membership.execute(_LOTS, store_id, ids, timeout=600)
        await membership.execute(_SUMS, store_id, ids, timeout=600)
    for connection in by_context.values():
        await connection.close()


async def tidy(running: RunningStack) -> None:
    """Removes what was undone, has the planner know what there is, and writes all of it to the disk: none of that is a merge's load.

    Pages are changed for the first time since a checkpoint then, as those of old orders usually are.
    """
    for context, tables in _FILLED.items():
        connection = await asyncpg.connect(running.databases[context].admin)
        await connection.execute(f"VACUUM ANALYZE {tables}", timeout=3_600)
        await connection.execute("CHECKPOINT", timeout=3_600)
        await connection.close()


@dataclass
class Times:
    """Seconds from the commit until the old logins were dead, and until all was done; and when that was, for the orders beside it."""

    previews: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    previewing: list[tuple[float, float]] = field(default_factory=list)
    merging: list[tuple[float, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LargeMerges:
    """Merges groups of accounts while others buy."""

    running: RunningStack
    api_key: str
    buyers: Sequence[Person]
    previews: int = 20
    usual_seconds: float = _USUAL_SECONDS

    def measure(self, groups: Sequence[Sequence[str]], each: int) -> dict[str, Any]:
        """Fills the groups, then sells, previews and merges. Raises GeneratorFailed, Refused."""
        run_sync(fill(self.running, [account for group in groups for account in group], each))
        at_once = run_sync(moved_at_once(self.running, groups[0]))
        run_sync(tidy(self.running))
        usual = generator.run(self._job(self.usual_seconds))
        times = Times()
        selling = generator.run(
            self._job(5.0 + _SECONDS_EACH * len(groups)), during=lambda: self._merge_all(groups, times)
        )
        beside = {
            "previews": percentiles(_within(selling, times.previewing)),
            "merges": percentiles(_within(selling, times.merging)),
        }
        return {
            "accounts": len(groups[0]),
            "orders_each": each,
            "at_once_ms": at_once,
            "preview": percentiles([seconds * 1e3 for seconds in times.previews]),
            "logins_dead": percentiles([seconds * 1e3 for seconds in times.logins]),
            "done": percentiles([seconds * 1e3 for seconds in times.done]),
            "orders_usual": percentiles(usual.latencies["order"]),
            "orders_beside": beside,
            "faults": usual.faults + selling.faults,
            "first_error": usual.first_error or selling.first_error,
        }

    def _job(self, seconds: float) -> Job:
        return Job(
            flow="even pace",
            gateway_url=self.running.gateway_url,
            api_key=self.api_key,
            clients=CLIENTS,
            seconds=seconds,
            most=int(seconds * PER_SECOND) + CLIENTS,
            per_second=PER_SECOND,
            people=self.buyers,
        )

    def _merge_all(self, groups: Sequence[Sequence[str]], times: Times) -> None:
        time.sleep(2.0)  # the generator's first orders
        shop = Shop(self.running.gateway_url, self.api_key)
        for group in groups:
            self._merge(shop, group, times)

    def _merge(self, shop: Shop, group: Sequence[str], times: Times) -> None:
        begun = time.perf_counter()
        for _ in range(self.previews):
            before = time.perf_counter()
            plan = shop.post("/merges/plans", {"customer_ids": list(group), "primary_id": group[0]})
            times.previews.append(time.perf_counter() - before)
        committed = time.perf_counter()
        times.previewing.append((begun, committed))
        run = shop.post("/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]})
        dead = 0.0
        while run["state"] not in ("completed", "refused"):
            time.sleep(_POLL_SECONDS)
            run = shop.get(f"/merges/{run['merge_run_id']}")
            if not dead and run["state"] in ("logins_retired", "completed"):
                dead = time.perf_counter()
        if run["state"] == "refused":
            raise RuntimeError(f"a merge was refused: {run['refusal']}")
        times.merging.append((committed, time.perf_counter()))
        times.logins.append(dead - committed)
        times.done.append(times.merging[-1][1] - committed)


def _within(selling: Outcome, spans: Sequence[tuple[float, float]]) -> list[float]:
    """How long those orders took that were due in one of the spans (seconds of the clock that all processes share)."""
    pairs = zip(selling.latencies["due"], selling.latencies["order"], strict=True)
    return [took for due, took in pairs if any(begin <= due / 1e3 <= end for begin, end in spans)]


def accounts_and_buyers(run: Callable[[Job], Outcome], job: Job, groups: int) -> tuple[list[list[str]], list[Person]]:
    """Members made by orders: groups to be merged, and those who go on buying."""
    people = run(replace(job, flow="new members", clients=4, seconds=60.0, most=groups * ACCOUNTS + BUYERS)).people
    ids = [person.customer_id for person in people[: groups * ACCOUNTS]]
    return [ids[n : n + ACCOUNTS] for n in range(0, len(ids), ACCOUNTS)], people[groups * ACCOUNTS :]
