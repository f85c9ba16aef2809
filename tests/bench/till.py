"""`python -m tests.bench.till`: how fast the till finds a member by a part of the phone (C8, H2), in a store filled by `make members`.

As a cashier types: the last digits, the first, or some in between, of members at random; each a request of the till's page over one
connection, one after the other. Figures in milliseconds at the REST edge, and of the statement itself as the service's role sends it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import asyncpg
import httpx
from rich.console import Console
from rich.table import Table

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
from tests.bench.directory import percentile
from tests.support.forms import csrf_token

_SAMPLE = """SELECT phone FROM customers TABLESAMPLE SYSTEM (0.2)
 WHERE store_id = $1 AND status = 2 AND phone LIKE '+852%' LIMIT 2000"""
_MEMBERS = "SELECT count(*) FROM standings WHERE store_id = $1 AND member"
_NATIONAL = 8
_WARM = 100


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


def _log_in(running: RunningStack, arguments: argparse.Namespace) -> httpx.Client:
    http = httpx.Client(base_url=running.gateway_url, timeout=30, trust_env=False)
    token = csrf_token(http.get("/console/login").text)
    password = arguments.password or DemoStore(running).password
    form = {"csrf_token": token, "store": arguments.store, "email": arguments.email, "password": password}
    http.post("/console/login", data=form)
    if SESSION_COOKIE not in http.cookies:
        raise DataFolderError(f"nobody can log in to the store {arguments.store} so")
    return http


async def _known(running: RunningStack, slug: str) -> tuple[UUID, list[str], int]:
    """The store, phones of some members, and how many members there are."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", slug)
    await identity.close()
    admin = await asyncpg.connect(running.databases["membership"].admin)
    phones = [row["phone"] for row in await admin.fetch(_SAMPLE, store_id)]
    members = await admin.fetchval(_MEMBERS, store_id)
    await admin.close()
    return store_id, phones, members


async def _measure(running: RunningStack, arguments: argparse.Namespace) -> None:
    store_id, phones, members = await _known(running, arguments.store)
    dice = random.Random(7)
    database = Database(connect(running.databases["membership"].app, connections=1, name="bench"))
    columns = ("typed", *(f"{place} {share}" for place in ("REST", "database") for share in ("p50", "p95", "p99")))
    table = Table(*columns, title=f"{members:,} members, milliseconds", box=None)
    with closing(_log_in(running, arguments)) as http:
        for length in (4, 6, 8):
            for where in ("last", "first", "any") if length < _NATIONAL else ("all",):
                queries = [_typed(phones, dice, length, where) for _ in range(arguments.count)]
                # Some beforehand, so that it is the searching that is measured and not the disk.
                _at_edge(http, [_typed(phones, dice, length, where) for _ in range(_WARM)])
                both = (_at_edge(http, queries), await _at_database(database, store_id, queries))
                figures = [f"{percentile(took, share):.1f}" for took in both for share in (0.5, 0.95, 0.99)]
                table.add_row(f"{where} {length} digits", *figures)
    await database.close()
    Console(width=100).print(table)


def main() -> int:
    """Exit code 1 when no stack runs."""
    parser = argparse.ArgumentParser(prog="tests.bench.till", description=__doc__)
    parser.add_argument("--store", default=SLUG, help="short name of the store (default: the demo store)")
    parser.add_argument("--email", default=OWNER_EMAIL, help="of somebody who sells there")
    parser.add_argument("--password", default="", help="theirs, unless it is the demo store's owner")
    parser.add_argument("--count", type=int, default=200, help="examples of each (default 200)")
    arguments = parser.parse_args()
    try:
        asyncio.run(_measure(RunningStack.load(), arguments))
    except DataFolderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
