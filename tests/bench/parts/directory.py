"""How fast customers are found (C2, C3, C11): each kind of search, filter and order, by the statement itself, as the service's role
sends it, and the whole way from the REST edge. First pages of 25, one after the other.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from deploy.local.demo import SLUG
from deploy.local.state import RunningStack
from services.common import clock
from services.common.database import Database, connect
from services.common.paging import PageRequest
from services.membership import store
from services.membership.domain import Filter, Kind, Sort, Wish, read_query, recent_since
from tests.bench.job import percentiles
from tests.bench.record import Floor
from tests.bench.site import Site

GOAL = {"must_be": "at most", "value": 50.0}
_TOO_LATE, _RECKONED_SECONDS = 504, 300.0
HOP, _HOPS = "empty HTTP hop, one client", 200

_SIZES = """SELECT relname, pg_relation_size(oid) >> 20 FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'i'
 AND (relname LIKE 'customer%' OR relname LIKE 'standings%') ORDER BY 2 DESC"""
SAMPLE = """SELECT name, phone, email, customer_id FROM customers
 TABLESAMPLE SYSTEM (LEAST(100, 4e5 / greatest(1, (SELECT reltuples FROM pg_class WHERE relname = 'customers'))))
 WHERE store_id = $1 AND status = 2 AND source = 'made up' LIMIT 2000"""
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


def empty_hop(site: Site) -> Floor:
    """What the edge takes for nothing, one request after the other by the same client, the median."""
    took = []
    with httpx.Client(base_url=site.running.gateway_url, timeout=30, trust_env=False) as http:
        for _ in range(_HOPS):
            began = time.perf_counter()
            http.get("/healthz").raise_for_status()
            took.append((time.perf_counter() - began) * 1e3)
    latency = percentiles(took)
    return site.floor(HOP, latency["p50"], "ms", latency)


async def _known(running: RunningStack) -> dict[str, Any]:
    """What the store holds, from the databases."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    admin = await asyncpg.connect(running.databases["membership"].admin)
    try:
        return {
            "store_id": store_id,
            "people": await admin.fetch(SAMPLE, store_id),
            "levels": [row[0] for row in await admin.fetch(_LEVELS, store_id)],
            "sizes": await admin.fetch(_SIZES),
        }
    finally:
        await admin.close()


async def _measure(site: Site, known: dict[str, Any], hop: Floor) -> None:
    database = Database(connect(site.running.databases["membership"].app, connections=1, name="bench"))
    recent = recent_since(clock.now(), "Asia/Hong_Kong")
    headers = {"Authorization": f"Bearer {site.api_key}"}
    url = f"{site.running.gateway_url}/api/v1"
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as http:
        for case in _cases(known["people"], known["levels"], random.Random(5), site.pace.searches):
            site.say(f"search: {case.name}")
            # Once over, so that it is the searching that is measured and not the disk.
            await _at_database(case, database, known["store_id"], recent)
            case.database.clear()
            with site.watched() as watched:
                await _at_database(case, database, known["store_id"], recent)
                await asyncio.to_thread(_at_edge, case, http)
            _note(site, case, hop, watched)
    await database.close()


def _note(site: Site, case: Case, hop: Floor, watched: dict[str, float]) -> None:
    edge, database = percentiles(case.edge), percentiles(case.database)
    name = f"{case.name}: the statement and an empty HTTP hop, medians"
    floor = site.floor(name, round(database["p50"] + hop.value, 2), "ms", database)
    detail = {"database p50": database["p50"], "database p95": database["p95"]}
    values = {
        "part": "search",
        "name": case.name,
        "unit": "ms",
        "value": edge["p95"],
        "better": "lower",
        "clients": 1,
        "goal": GOAL,
    }
    site.figure(values | watched | {"detail": detail}, took=edge, floor=floor)


def measure(site: Site) -> None:
    """The whole part."""
    known = asyncio.run(_known(site.running))
    for name, mib in known["sizes"]:
        values = {"part": "search", "name": f"index {name}", "unit": "MiB", "value": float(mib), "better": "lower"}
        site.figure(values)
    _reckoned(site)
    asyncio.run(_measure(site, known, empty_hop(site)))


def _reckoned(site: Site) -> None:
    """Until the store's figures (C1) are there, which the first list of a large store waits for after it was filled at once."""
    site.say("search: the figures of the store")
    headers, url = {"Authorization": f"Bearer {site.api_key}"}, f"{site.running.gateway_url}/api/v1/overview"
    began = time.perf_counter()
    while httpx.get(url, headers=headers, timeout=30, trust_env=False).status_code == _TOO_LATE:
        if time.perf_counter() > began + _RECKONED_SECONDS:
            raise TimeoutError("the store's figures were not reckoned")
        time.sleep(0.2)
    took = (time.perf_counter() - began) * 1e3
    values = {
        "part": "search",
        "name": "figures of the store, reckoned anew if need be",
        "unit": "ms",
        "better": "lower",
    }
    site.figure(values | {"value": round(took, 1), "clients": 1})
