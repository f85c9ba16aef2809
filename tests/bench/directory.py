"""`python -m tests.bench.directory`: how fast customers are found in a store that `make members` has filled.

Measures each kind of search, filter and order on the running stack, twice: the statement itself, as the service's role sends it,
and the whole way from the REST edge. First pages of 25, one after the other; figures in milliseconds, and the indexes' sizes.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

from deploy.local.demo import SLUG, DemoStore
from deploy.local.state import DataFolderError, RunningStack
from services.common import clock
from services.common.database import Database, connect
from services.common.paging import PageRequest
from services.membership import store
from services.membership.domain import Filter, Kind, Sort, Wish, read_query, recent_since

_SIZES = """SELECT relname, pg_relation_size(oid) >> 20 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'i'
 AND (relname LIKE 'customer%' OR relname LIKE 'standings%') ORDER BY 2 DESC"""
_SAMPLE = """SELECT name, phone, email, customer_id FROM customers TABLESAMPLE SYSTEM (0.2)
 WHERE store_id = $1 AND status = 2 LIMIT 2000"""
_MEMBERS = "SELECT count(*) FROM standings WHERE store_id = $1 AND member"
_LEVELS = "SELECT jsonb_object_keys(levels)::uuid FROM store_settings WHERE store_id = $1"
_EDGE_WORDS = {Sort.NEWEST: "newest", **{sort: sort.name.lower() for sort in Sort}}


@dataclass
class Case:
    """One kind of question, in several examples."""

    name: str
    wishes: Sequence[Wish]
    database: list[float] = field(default_factory=list)
    edge: list[float] = field(default_factory=list)


def _cases(people: Sequence[asyncpg.Record], levels: Sequence[UUID], dice: random.Random, count: int) -> list[Case]:
    chinese = [row["name"] for row in people if row["name"][:1] > "\u2e80"]
    latin = [row["name"].lower().replace(" ", "") for row in people if row["name"][:1] < "\u2e80"]
    phones = [row["phone"] for row in people if row["phone"]]
    emails = [row["email"] for row in people if row["email"]]
    letters = "abcdefghijklmnopqrstuvwxyz"

    def cut(texts: Sequence[str], length: int) -> str:
        text = dice.choice([each for each in texts if len(each) >= length])
        start = dice.randrange(len(text) - length + 1)
        return text[start : start + length]

    def searches(name: str, make: Any) -> Case:
        return Case(name, [Wish(Filter(query=make(), kind=Kind.MEMBERS)) for _ in range(count)])

    def filtered(name: str, *filters: dict[str, Any], sort: Sort = Sort.NEWEST) -> Case:
        asked = [Filter(**{"kind": Kind.MEMBERS} | each) for each in filters]
        return Case(name, [Wish(each, sort) for each in asked * max(1, count // len(asked))])

    ranges = ((0, 5_000), (50_000, 60_000), (10**6, 10**9), (200_000, 10**9))
    spans = [{"net_spend_from": low, "net_spend_to": high} for low, high in ranges]
    return [
        searches("exact phone", lambda: dice.choice(phones)),
        searches("exact e-mail", lambda: dice.choice(emails)),
        searches("1 Chinese character", lambda: cut(chinese, 1)),
        searches("2 Chinese characters", lambda: cut(chinese, 2)),
        searches(
            "3 Chinese characters", lambda: cut([c for c in chinese if c[:3] > "\u2e80" and c[2:3] > "\u2e80"], 3)
        ),
        searches("2 Latin letters of a name", lambda: cut(latin, 2)),
        searches("2 Latin letters at random", lambda: dice.choice(letters) + dice.choice(letters)),
        searches("3 Latin letters of a name", lambda: cut(latin, 3)),
        searches("3 Latin letters at random", lambda: "".join(dice.choices(letters, k=3))),
        searches("4 Latin letters of a name", lambda: cut(latin, 4)),
        searches("6 Latin letters of a name", lambda: cut(latin, 6)),
        searches("2 digits of a phone", lambda: cut([p[4:] for p in phones], 2)),
        searches("4 digits of a phone", lambda: cut([p[4:] for p in phones], 4)),
        searches("6 digits of a phone", lambda: cut([p[4:] for p in phones], 6)),
        filtered("registered within 7 days", {"registered_recently": True}),
        filtered("unchecked cart", {"cart_unchecked": True}),
        *(filtered(f"level {n + 1} of {len(levels)}", {"level_ids": (level,)}) for n, level in enumerate(levels)),
        filtered("no level", {"without_level": True}),
        filtered("net spend range", *spans),
        filtered("birthday month", *({"birthday_month": month} for month in range(1, 13))),
        *(
            filtered(f"tag {tag}", {"tags": (tag,)})
            for tag in ("newsletter", "vip", "wholesale", "試飲", "staff", "nobody")
        ),
        filtered("guests who can be invited", {"kind": Kind.INVITABLE}),
        *(filtered(f"sorted: {_EDGE_WORDS[sort]}", {}, sort=sort) for sort in Sort),
        filtered(
            "month and net spend, most points first",
            {"birthday_month": 3, "net_spend_from": 50_000},
            sort=Sort.POINTS_HIGH,
        ),
        filtered(
            "大 and tag vip, highest net spend first", {"query": "大", "tags": ("vip",)}, sort=Sort.NET_SPEND_HIGH
        ),
        filtered("level and tag, by name", {"level_ids": tuple(levels[:1]), "tags": ("vip",)}, sort=Sort.NAME),
    ]


async def _at_database(case: Case, database: Database, store_id: UUID, recent: datetime) -> None:
    for wish in case.wishes:
        ways = read_query(wish.filter.query, "HK")
        async with database.transaction(store_id) as tx:
            began = time.perf_counter()
            found: Sequence[Any] = () if ways else await store.find(tx, wish, None, PageRequest(), recent)
            for way in ways:
                found = found or await store.find(tx, wish, way, PageRequest(), recent)
            case.database.append((time.perf_counter() - began) * 1e3)


def _at_edge(case: Case, http: httpx.Client) -> None:
    for wish in case.wishes:
        asked = wish.filter
        parameters: dict[str, Any] = {
            "query": asked.query,
            "members_only": asked.kind is Kind.MEMBERS,
            "invitable": asked.kind is Kind.INVITABLE,
            "level_id": [str(level) for level in asked.level_ids],
            "without_level": asked.without_level,
            "registered_recently": asked.registered_recently,
            "cart_unchecked": asked.cart_unchecked,
            "birthday_month": asked.birthday_month,
            "tag": list(asked.tags),
            "sort": _EDGE_WORDS[wish.sort],
            **({} if asked.net_spend_from is None else {"net_spend_from_minor": asked.net_spend_from}),
            **({} if asked.net_spend_to is None else {"net_spend_to_minor": asked.net_spend_to}),
        }
        began = time.perf_counter()
        http.get("/customers", params=parameters).raise_for_status()
        case.edge.append((time.perf_counter() - began) * 1e3)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def _known(running: RunningStack, slug: str) -> dict[str, Any]:
    """What the store holds, from the databases."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", slug)
    await identity.close()
    admin = await asyncpg.connect(running.databases["membership"].admin)
    try:
        return {
            "store_id": store_id,
            "people": await admin.fetch(_SAMPLE, store_id),
            "members": await admin.fetchval(_MEMBERS, store_id),
            "levels": [row[0] for row in await admin.fetch(_LEVELS, store_id)],
            "sizes": await admin.fetch(_SIZES),
        }
    finally:
        await admin.close()


async def _measure(running: RunningStack, api_key: str, known: dict[str, Any], count: int) -> list[Case]:
    cases = _cases(known["people"], known["levels"], random.Random(5), count)
    database = Database(connect(running.databases["membership"].app, connections=1, name="bench"))
    recent = recent_since(clock.now(), "Asia/Hong_Kong")
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=f"{running.gateway_url}/api/v1", headers=headers, timeout=30, trust_env=False) as http:
        for case in cases:
            # Once over, so that it is the searching that is measured and not the disk.
            await _at_database(case, database, known["store_id"], recent)
            case.database.clear()
            await _at_database(case, database, known["store_id"], recent)
            await asyncio.to_thread(_at_edge, case, http)
    await database.close()
    return cases


def _show(cases: Sequence[Case], sizes: Sequence[asyncpg.Record], members: int) -> None:
    console = Console(width=120)
    table = Table(
        "first page", "database p50", "p95", "REST p50", "p95", title=f"{members:,} members, milliseconds", box=None
    )
    for case in cases:
        figures = [f"{percentile(times, share):.1f}" for times in (case.database, case.edge) for share in (0.5, 0.95)]
        table.add_row(case.name, *figures)
    console.print(table)
    console.print("indexes, MiB: " + ", ".join(f"{name} {mib}" for name, mib in sizes))


def main() -> int:
    """Exit code 1 when no stack runs."""
    parser = argparse.ArgumentParser(prog="tests.bench.directory", description=__doc__)
    parser.add_argument("--store", default=SLUG, help="short name of the store (default: the demo store)")
    parser.add_argument("--api-key", default="", help="a key of that store, unless it is the demo store")
    parser.add_argument("--count", type=int, default=40, help="examples of each (default 40)")
    arguments = parser.parse_args()
    try:
        running = RunningStack.load()
        api_key = arguments.api_key or DemoStore(running).ensure_api_key()
    except DataFolderError as error:
        print(error, file=sys.stderr)
        return 1
    known = asyncio.run(_known(running, arguments.store))
    _show(asyncio.run(_measure(running, api_key, known, arguments.count)), known["sizes"], known["members"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
