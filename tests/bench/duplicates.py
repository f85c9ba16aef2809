"""`make duplicates`: how right suggestions of likely duplicates are, and what a scan of a large store takes (F12).

Precision and recall are those of what would be suggested, on sets whose truth is known: FEBRL 1 to 3, made by others, and a made-up store
of Hong Kong and Taiwan. The scan is that of a running stack: members are read from the services, compared, and pairs written, in the
process that `work` starts for it; its memory is the largest resident set that was seen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import psutil
from rich.console import Console
from rich.table import Table

from deploy.local.demo import SLUG, DemoStore
from deploy.local.members import MemberLoader
from deploy.local.process import ROOT
from deploy.local.stack import Stack
from deploy.local.state import DataFolder, RunningStack
from services.identity_merge.commands.likeness import Linking
from services.identity_merge.domain.duplicates import LEAST
from tests.history.shop import Shop
from tests.support.doubles import Doubles, doubles
from tests.support.febrl import febrl

FOLDER = ROOT / ".bench"
RESULTS = ROOT / "bench-results"
SETS: dict[str, Callable[[], Doubles]] = {
    **{f"FEBRL {number}": lambda number=number: febrl(number) for number in (1, 2, 3)},  # type: ignore[misc]
    "Hong Kong and Taiwan, 5,000": lambda: doubles(5_000, seed=1),
    "Hong Kong and Taiwan, 100,000": lambda: doubles(100_000, seed=1),
}
_MIB = 1024 * 1024
# Two members in five have an address; a few live where others do.
_ADDRESSES = """INSERT INTO addresses (store_id, customer_id, digest, content, created_at)
 SELECT store_id, customer_id, sha256(customer_id::text::bytea), jsonb_build_object('recipient', name, 'phone', phone,
  'lines', jsonb_build_array('彌敦道 ' || n % 700 || ' 號', n % 40 || ' 樓 ' || chr(65 + n % 8) || ' 室'), 'district', '旺角',
  'city', '九龍', 'postal_code', '', 'country', 'HK'), created_at
 FROM (SELECT *, abs(hashtext(customer_id::text)) AS n FROM customers WHERE store_id = $1 AND status = 2) AS made WHERE n % 5 < 2
 ON CONFLICT DO NOTHING"""


def judge(of: Doubles) -> dict[str, Any]:
    """Precision, recall, and how long it took."""
    places = {member.customer_id: place for place, member in enumerate(of.members)}
    began, truth = time.perf_counter(), of.pairs
    with Linking() as linking:
        for first in range(0, len(of.members), 1_000):
            linking.add(of.members[first : first + 1_000])
        found = {
            tuple(sorted((places[one.customer_id], places[other.customer_id])))
            for batch in linking.pairs(LEAST)
            for one, other, _ in batch
        }
    right = len(found & truth)
    return {
        "members": len(of.members),
        "pairs": len(truth),
        "suggested": len(found),
        "precision": round(right / len(found), 4),
        "recall": round(right / len(truth), 4),
        "seconds": round(time.perf_counter() - began, 1),
    }


def scan(running: RunningStack, shop: Shop) -> dict[str, Any]:
    """A scan from asking for it to its end: seconds, MiB, pairs."""
    began, largest = time.perf_counter(), 0
    shop.post("/duplicates/scan", {})
    while (state := shop.get("/duplicates/scan"))["state"] != "done":
        largest = max([largest, *(_memory(process) for process in psutil.process_iter(["cmdline"]))])
        time.sleep(0.1)
    return {
        "members": state["members_total"],
        "seconds": round(time.perf_counter() - began, 1),
        "largest_mib": round(largest / _MIB),
        "suggested": state["suggested_count"],
    }


def _memory(process: psutil.Process) -> int:
    if (process.info["cmdline"] or [])[-2:] != ["services.identity_merge.main", "scan"]:
        return 0
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


async def _settle(running: RunningStack) -> None:
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    membership = await asyncpg.connect(running.databases["membership"].admin)
    await membership.execute(_ADDRESSES, store_id, timeout=300)
    await membership.close()


def measure(members: int) -> dict[str, Any]:
    """A scan of a store of so many, on a stack of its own."""
    DataFolder(FOLDER).remove()
    with Stack(FOLDER) as stack:
        demo = DemoStore(stack.running)
        demo.ensure_store()
        loader = MemberLoader(stack.running, DataFolder(FOLDER).secret("identifier_key"), SLUG)
        asyncio.run(loader.load(members, lambda _: None))
        asyncio.run(_settle(stack.running))
        found = scan(stack.running, Shop(stack.running.gateway_url, demo.ensure_api_key()))
    DataFolder(FOLDER).remove()
    return found


def main() -> int:
    """Prints both, and keeps them."""
    parser = argparse.ArgumentParser(prog="tests.bench.duplicates", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--members", type=int, default=100_000, help="of the store that is scanned (default 100,000); 0: none"
    )
    members, console = parser.parse_args().members, Console()
    told: dict[str, Any] = {name: judge(make()) for name, make in SETS.items()}
    table = Table("Set", "Members", "Pairs", "Suggested", "Precision", "Recall", "Seconds")
    for name, row in told.items():
        table.add_row(name, *map(str, row.values()))
    console.print(table)
    if members:
        told["scan"] = measure(members)
        console.print(told["scan"])
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    (RESULTS / f"duplicates-{stamp}.json").write_text(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
