"""How fast the till finds a member by a part of the phone (C8, H2).

As a cashier types: the last digits, the first, or some in between, of members at random; each a request of the till's page over one
connection, one after the other; and the statement itself as the service's role sends it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import asyncpg
import httpx

from deploy.local.demo import OWNER_EMAIL, SLUG, DemoStore
from deploy.local.state import DataFolderError, RunningStack
from gateway.auth import SESSION_COOKIE
from gateway.pos.members import FOUND_AT_ONCE
from services.common import clock
from services.common.database import Database, connect
from services.common.paging import PageRequest
from services.common.searching import read_query
from services.membership import store
from services.membership.domain import Filter, Kind, Wish, recent_since
from tests.bench.job import percentiles
from tests.bench.parts.directory import GOAL, SAMPLE, empty_hop
from tests.bench.record import Floor
from tests.bench.site import Site
from tests.support.forms import csrf_token

_NATIONAL = 8


def _typed(phones: Sequence[str], dice: random.Random, length: int, where: str) -> str:
    digits = dice.choice(phones)[-_NATIONAL:]
    start = {"first": 0, "last": _NATIONAL - length}.get(where, dice.randint(0, _NATIONAL - length))
    return digits[start : start + length]


async def _at_database(database: Database, store_id: UUID, queries: Sequence[str]) -> list[float]:
    recent, took = recent_since(clock.now(), "Asia/Hong_Kong"), []
    for query in queries:
        wish = Wish(Filter(query=query, kind=Kind.MEMBERS))
        async with database.transaction(store_id) as tx:
            began = time.perf_counter()
            for way in read_query(query, "HK"):
                if await store.find(tx, wish, way, PageRequest(FOUND_AT_ONCE), recent):
                    break
            took.append((time.perf_counter() - began) * 1e3)
    return took


def _at_edge(http: httpx.Client, queries: Sequence[str]) -> list[float]:
    took = []
    for query in queries:
        began = time.perf_counter()
        http.get("/pos/data/members", params={"q": query}).raise_for_status()
        took.append((time.perf_counter() - began) * 1e3)
    return took


def _log_in(site: Site) -> httpx.Client:
    http = httpx.Client(base_url=site.running.gateway_url, timeout=30, trust_env=False)
    token = csrf_token(http.get("/console/login").text)
    form = {"csrf_token": token, "store": SLUG, "email": OWNER_EMAIL, "password": DemoStore(site.running).password}
    http.post("/console/login", data=form)
    if SESSION_COOKIE not in http.cookies:
        raise DataFolderError("the demo store's owner cannot log in")
    return http


async def _known(running: RunningStack) -> tuple[UUID, list[str]]:
    """The store, and phones of some members."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    admin = await asyncpg.connect(running.databases["membership"].admin)
    phones = [row["phone"] for row in await admin.fetch(SAMPLE, store_id) if row["phone"].startswith("+852")]
    await admin.close()
    return store_id, phones


def measure(site: Site) -> None:
    """The whole part."""
    asyncio.run(_measure(site, empty_hop(site)))


async def _measure(site: Site, hop: Floor) -> None:
    store_id, phones = await _known(site.running)
    dice, count = random.Random(7), site.pace.typed
    database = Database(connect(site.running.databases["membership"].app, connections=1, name="bench"))
    with closing(_log_in(site)) as http:
        for length in (4, 6, 8):
            for where in ("last", "first", "any") if length < _NATIONAL else ("all",):
                name = f"{where} {length} digits of a phone"
                site.say(f"till: {name}")
                queries = [_typed(phones, dice, length, where) for _ in range(count)]
                # Some beforehand, so that it is the searching that is measured and not the disk.
                _at_edge(http, [_typed(phones, dice, length, where) for _ in range(count)])
                with site.watched() as watched:
                    edge = percentiles(_at_edge(http, queries))
                    alone = percentiles(await _at_database(database, store_id, queries))
                title = f"till: {name}: the statement and an empty HTTP hop, medians"
                floor = site.floor(title, round(alone["p50"] + hop.value, 2), "ms", alone)
                values = {
                    "part": "pos",
                    "name": name,
                    "unit": "ms",
                    "value": edge["p95"],
                    "better": "lower",
                    "clients": 1,
                    "goal": GOAL,
                }
                detail = {"database p50": alone["p50"], "database p95": alone["p95"]}
                site.figure(values | watched | {"detail": detail}, took=edge, floor=floor)
    await database.close()
