"""`python -m tests.history [--merges 200] [--refunds 2000] [--seed N]`, against the stack that `make up` runs and `make load` filled."""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import sys
import time
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import track

from deploy.audit.__main__ import audit, database_urls, show
from deploy.local import cdnow
from deploy.local.demo import DemoStore
from deploy.local.loader import Progress
from deploy.local.state import RunningStack
from tests.history.levels import check_levels
from tests.history.refunds import PAID, check_explained, refund_many
from tests.history.shop import Refused, Shop, Trade

console = Console()
_SOLD = "SELECT count(*), coalesce(sum(paid), 0) FROM orders WHERE external_reference LIKE 'cdnow-%'"
_BY_PHONE = "SELECT phone, net_spend, orders_count FROM customers WHERE status = 2 AND phone = ANY($1)"


async def ask(context: str, query: str, *args: object) -> list[Any]:
    """Rows from a context's database, seen whole."""
    connection = await asyncpg.connect(database_urls()[context])
    try:
        return list(await connection.fetch(query, *args))
    finally:
        await connection.close()


def check_totals(running: RunningStack, *, merged: bool) -> bool:
    """Whether what was paid in the store is what the data file says, to the cent; before merges and refunds also member by member."""
    expected = cdnow.expected_totals(Progress(running.data / "cdnow.json").done)
    count, value = asyncio.run(ask("orders", _SOLD))[0]
    console.print(
        f"CDNOW: {count:,} orders, HK${value / 100:,.2f}; the file says {expected.orders:,}, HK${expected.value_minor / 100:,.2f}"
    )
    holds = (count, value) == (expected.orders, expected.value_minor)
    if not merged:
        rows = {
            row["phone"]: (row["net_spend"], row["orders_count"])
            for row in asyncio.run(ask("membership", _BY_PHONE, list(expected.by_phone)))
        }
        wrong = [
            phone
            for phone, totals in expected.by_phone.items()
            if rows.get(phone) != (totals.value_minor, totals.orders)
        ]
        console.print(f"members whose net spend differs from the file: {len(wrong)} of {len(expected.by_phone):,}")
        holds = holds and not wrong
    return holds


def merge(shop: Shop, ids: list[str], points: int) -> tuple[str, float, int]:
    """Plans and commits until it is done; (state, seconds from commit to end, times planned anew)."""
    adjustment = {"points": points, "expires_on": "2099-12-31" if points > 0 else "", "description": "history"}
    replanned = 0
    while True:
        try:
            plan = shop.post("/merges/plans", {"customer_ids": ids, "primary_id": ids[0], "adjustment": adjustment})
            begun = time.monotonic()
            run = shop.post("/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]})
        except Refused as refused:
            if refused.reason != "stale_plan":  # orders keep coming, so points change under our hands
                raise
            replanned += 1
            continue
        while run["state"] not in ("completed", "refused"):
            time.sleep(0.02)
            run = shop.get(f"/merges/{run['merge_run_id']}")
        if run["state"] == "completed":
            return run["state"], time.monotonic() - begun, replanned
        replanned += 1


def merge_many(running: RunningStack, merges: int, seed: int) -> bool:
    """Merges groups of 2 to 5 while two threads keep selling to all of them; whether all ended well."""
    pick = random.Random(seed)
    key = DemoStore(running).ensure_api_key()
    shop = Shop(running.gateway_url, key)
    members = shop.members(5 * merges)
    trades = [Trade(Shop(running.gateway_url, key), members, random.Random(seed + n)) for n in (1, 2)]
    for trade in trades:
        trade.start()
    pick.shuffle(members)
    left = iter(members)
    took, replanned = [], 0
    for _ in track(range(merges), description="merging", console=console):
        group = [next(left)["customer_id"] for _ in range(pick.randint(2, 5))]
        _, seconds, again = merge(shop, group, pick.choice((0, 0, 100)))
        took.append(seconds)
        replanned += again
    for trade in trades:
        trade.enough.set()
        trade.join(60)
        if trade.error:
            raise trade.error
    took.sort()
    console.print(
        f"{merges} merges; commit to completed: median {took[len(took) // 2] * 1e3:.0f} ms, slowest {took[-1] * 1e3:.0f} ms;"
        f" planned anew {replanned} times; {sum(t.orders for t in trades):,} orders came in meanwhile"
    )
    return True


def refund(running: RunningStack, refunds: int, seed: int) -> list[str]:
    """Gives money back for so many orders; whose they were, once every event is counted."""
    orders = asyncio.run(ask("orders", PAID, str(seed), refunds))
    begun = time.monotonic()
    count, cents = refund_many(running, orders, seed)
    console.print(
        f"{count:,} refunds of {len(orders):,} orders, HK${cents / 100:,.2f} in {time.monotonic() - begun:.0f} s"
    )
    return list(dict.fromkeys(str(order["customer_id"]) for order in orders))


def main() -> int:
    """Exit status 0: every total agrees and every invariant holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument("--merges", type=int, default=200)
    parser.add_argument("--refunds", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    arguments = parser.parse_args()
    running = RunningStack.load()
    console.print(f"seed {arguments.seed}")
    merged_before = bool(asyncio.run(ask("identity_merge", "SELECT 1 FROM merge_runs LIMIT 1")))
    agrees = check_totals(running, merged=merged_before)
    merge_many(running, arguments.merges, arguments.seed)
    agrees = check_totals(running, merged=True) and agrees
    agrees = check_levels(console) and agrees
    customers = refund(running, arguments.refunds, arguments.seed)
    waiting, verdicts, states = asyncio.run(audit(database_urls(), 120))
    agrees = check_explained(running, customers, console) and agrees
    show(console, waiting, verdicts, states)
    return 0 if agrees and not waiting and all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
