"""How fast orders are listed, filtered and searched: first pages of 25 from the REST edge, one after the other."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import httpx

from deploy.local.state import RunningStack
from tests.bench.job import percentiles
from tests.bench.parts.directory import GOAL, empty_hop
from tests.bench.site import Site

_SAMPLE = """SELECT contact_name AS name, contact_phone AS phone, number FROM orders
 TABLESAMPLE SYSTEM (LEAST(100, 4e5 / greatest(1, (SELECT reltuples FROM pg_class WHERE relname = 'orders')))) LIMIT 2000"""
_DEAREST, _BAND = 300_000, 100


async def _sample(running: RunningStack) -> list[asyncpg.Record]:
    orders = await asyncpg.connect(running.databases["orders"].admin)
    found = await orders.fetch(_SAMPLE)
    await orders.close()
    return list(found)


def _cases(sample: Sequence[asyncpg.Record], dice: random.Random, count: int) -> dict[str, list[dict[str, Any]]]:
    chinese = [row["name"] for row in sample if row["name"][:1] > "\u2e80"]
    latin = [row["name"] for row in sample if row["name"].isascii() and row["name"]]
    phones = [row["phone"][-8:] for row in sample if row["phone"]]
    numbers = [row["number"] for row in sample]

    def many(make: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        return [make() for _ in range(count)]

    def band() -> dict[str, Any]:
        least = dice.randint(1_000, _DEAREST)
        return {"total_from_minor": least, "total_to_minor": least + _BAND}

    def word() -> str:
        return str(dice.choice(chinese))[:2]

    return {
        "all": many(dict),
        "one status": many(lambda: {"status": dice.choice(("unpaid", "paid", "shipped", "completed", "refunded"))}),
        "three statuses, one channel": many(lambda: {"status": ["paid", "shipped", "unpaid"], "channel": "pos"}),
        "partly refunded": many(lambda: {"status": "partly_refunded"}),
        "a month": many(
            lambda: {"placed_from": f"2025-{(month := dice.randint(1, 9)):02}-01", "placed_to": f"2025-{month:02}-28"}
        ),
        "narrow total": many(band),
        "wide total and status": many(lambda: {"total_from_minor": 200_000, "status": "paid"}),
        "number": many(lambda: {"query": f"#{dice.choice(numbers)}"}),
        "1 Chinese character": many(lambda: {"query": word()[:1]}),
        "2 Chinese characters": many(lambda: {"query": word()}),
        "3 Chinese characters": many(lambda: {"query": str(dice.choice(chinese))[:3]}),
        "3 Latin letters": many(lambda: {"query": str(dice.choice(latin)).replace(" ", "")[:3]}),
        "6 Latin letters": many(lambda: {"query": str(dice.choice(latin)).replace(" ", "")[:6]}),
        "4 digits": many(lambda: {"query": str(dice.choice(phones))[-4:]}),
        "6 digits": many(lambda: {"query": str(dice.choice(phones))[-6:]}),
        "2 Chinese characters, paid, a month": many(
            lambda: {"query": word(), "status": "paid", "placed_from": "2025-06-01"}
        ),
    }


def measure(site: Site) -> None:
    """The whole part; a first round of each is not counted, so that it is the finding that is measured and not the disk."""
    hop = empty_hop(site)
    cases = _cases(asyncio.run(_sample(site.running)), random.Random(7), max(5, site.pace.searches // 2))
    headers = {"Authorization": f"Bearer {site.api_key}"}
    url = f"{site.running.gateway_url}/api/v1"
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        for name, queries in cases.items():
            site.say(f"orders: {name}")
            _asked(http, queries)
            with site.watched() as watched:
                took = percentiles(_asked(http, queries))
            values = {
                "part": "search",
                "name": f"orders: {name}",
                "unit": "ms",
                "value": took["p95"],
                "better": "lower",
            }
            site.figure(values | watched | {"clients": 1, "goal": GOAL}, took=took, floor=hop)


def _asked(http: httpx.Client, queries: Sequence[dict[str, Any]]) -> list[float]:
    took = []
    for query in queries:
        began = time.perf_counter()
        http.get("/orders", params=query).raise_for_status()
        took.append((time.perf_counter() - began) * 1e3)
    return took
