"""`python -m tests.bench.orders --fill 1000000`: how fast orders are listed, filtered and searched in a large store.

On the running stack, whose demo store gets made-up orders straight into the database of orders, which no other service has heard of: use
a stack of its own. First pages of 25 from the REST edge, one after the other; figures in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from typing import Any

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

from deploy.local.demo import SLUG, DemoStore
from deploy.local.state import DataFolderError, RunningStack

_FILL = """INSERT INTO orders (store_id, order_id, number, customer_id, status, channel, currency, subtotal, discount, shipping, total,
  paid, refunded, contact_name, contact_phone, contact_email, add_as_member, note, external_reference, language, placed_at, version)
 SELECT $1, gen_random_uuid(), $2 + n, md5('customer ' || n % ($4::int / 4 + 1))::uuid, status, 1 + n % 4, 'HKD', total, 0, 0, total,
  CASE WHEN status IN (1, 6) THEN 0 ELSE total END,
  CASE WHEN status = 8 THEN total WHEN status > 1 AND status < 6 AND n % 50 = 0 THEN total / 2 ELSE 0 END,
  CASE WHEN n % 2 = 0 THEN substr('陳李張黃何吳林劉王周', 1 + n / 2 % 10, 1) || substr('大小文志家美嘉麗國明', 1 + n / 20 % 10, 1)
    || substr('文明強豪玲儀輝芬華傑', 1 + n / 200 % 10, 1)
   ELSE initcap(substr(translate(md5(n::text), '0123456789', 'ghijklmnop'), 1, 6)) || ' '
    || (ARRAY['Chan', 'Lee', 'Wong', 'Ho', 'Lam'])[1 + n % 5] END,
  '+8526' || lpad((n::bigint * 7919 % 10000000)::text, 7, '0'), 'p' || n || '@mail.example', true, '', '', 'en',
  now() - n * interval '90 seconds', 1
 FROM (SELECT n, 500 + n * 104729::bigint % 400000 AS total,
   (ARRAY[5, 5, 5, 5, 4, 4, 3, 2, 2, 1, 6, 8])[1 + (n * 31 % 12)::int] AS status FROM generate_series($3::int, $3::int + 99999) AS n
   WHERE n < $4) AS made ON CONFLICT DO NOTHING"""
_FIRST_NUMBER = 10_000_000


async def fill(running: RunningStack, count: int) -> None:
    """Makes orders of about a quarter as many customers, over the last years."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    admin = await asyncpg.connect(running.databases["orders"].admin, timeout=60)
    for begin in range(0, count, 100_000):
        await admin.execute(_FILL, store_id, _FIRST_NUMBER, begin, count, timeout=600)
    await admin.execute("VACUUM ANALYZE orders", timeout=600)
    await admin.close()


def cases(dice: random.Random, count: int) -> dict[str, list[dict[str, Any]]]:
    """Name → examples of a query."""

    def many(make: Any) -> list[dict[str, Any]]:
        return [make() for _ in range(count)]

    def digits(length: int) -> str:
        return "".join(dice.choices("0123456789", k=length))

    first, given, last = "陳李張黃何吳林劉王周", "大小文志家美嘉麗國明", "文明強豪玲儀輝芬華傑"
    return {
        "all": many(dict),
        "one status": [{"status": word} for word in ("unpaid", "paid", "shipped", "completed", "refunded")],
        "three statuses, one channel": many(lambda: {"status": ["paid", "shipped", "unpaid"], "channel": "pos"}),
        "partly refunded": many(lambda: {"status": "partly_refunded"}),
        "a month": many(lambda: {"placed_from": f"2025-{dice.randint(1, 9):02}-01", "placed_to": "2025-10-31"}),
        "narrow total": many(
            lambda: {"total_from_minor": (low := dice.randint(500, 400_000)), "total_to_minor": low + 50}
        ),
        "wide total and status": many(lambda: {"total_from_minor": 200_000, "status": "paid"}),
        "number": many(lambda: {"query": f"#{_FIRST_NUMBER + dice.randrange(100_000)}"}),
        "1 Chinese character": many(lambda: {"query": dice.choice(first)}),
        "2 Chinese characters": many(lambda: {"query": dice.choice(first) + dice.choice(given)}),
        "3 Chinese characters": many(lambda: {"query": dice.choice(first) + dice.choice(given) + dice.choice(last)}),
        "3 Latin letters": many(lambda: {"query": "".join(dice.choices("abcdefghijklmnop", k=3))}),
        "6 Latin letters": many(lambda: {"query": "".join(dice.choices("abcdefghijklmnop", k=6))}),
        "4 digits": many(lambda: {"query": digits(4)}),
        "6 digits": many(lambda: {"query": digits(6)}),
        "e-mail": many(lambda: {"query": f"p{dice.randrange(100_000)}@mail.example"}),
        "2 Chinese characters, paid, a month": many(
            lambda: {"query": dice.choice(first) + dice.choice(given), "status": "paid", "placed_from": "2025-06-01"}
        ),
    }


def measure(running: RunningStack, count: int) -> dict[str, list[float]]:
    """Name → milliseconds of each; a first round of each is not counted, so that it is the finding that is measured and not the disk."""
    headers = {"Authorization": f"Bearer {DemoStore(running).ensure_api_key()}"}
    took: dict[str, list[float]] = {}
    with httpx.Client(base_url=f"{running.gateway_url}/api/v1", headers=headers, timeout=30, trust_env=False) as http:
        for name, queries in cases(random.Random(7), count).items():
            for counted in (False, True):
                for query in queries:
                    began = time.perf_counter()
                    http.get("/orders", params=query).raise_for_status()
                    if counted:
                        took.setdefault(name, []).append((time.perf_counter() - began) * 1e3)
    return took


def main() -> int:
    """Exit code 1 when no stack runs."""
    parser = argparse.ArgumentParser(prog="tests.bench.orders", description=__doc__)
    parser.add_argument("--fill", type=int, default=0, help="make so many orders first")
    parser.add_argument("--count", type=int, default=20, help="examples of each (default 20)")
    arguments = parser.parse_args()
    try:
        running = RunningStack.load()
    except DataFolderError as error:
        print(error, file=sys.stderr)
        return 1
    asyncio.run(fill(running, arguments.fill))
    table = Table("first page", "REST p50", "p95", title="orders, milliseconds", box=None)
    for name, times in measure(running, arguments.count).items():
        times.sort()
        table.add_row(name, *(f"{times[min(len(times) - 1, int(len(times) * share))]:.1f}" for share in (0.5, 0.95)))
    Console(width=100).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
