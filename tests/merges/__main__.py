"""`python -m tests.merges [--merges 10000] [--seed N]`: on a stack of its own in .merges/, which it loads with the CDNOW orders first."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time

import asyncpg
from rich.console import Console

from deploy.audit.__main__ import audit, show
from deploy.local import cdnow
from deploy.local.demo import DemoStore
from deploy.local.loader import Loader, Progress
from deploy.local.process import ROOT
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS, DataFolder, RunningStack
from tests.bench.client import Api
from tests.bench.job import percentiles
from tests.bench.settle import Rest
from tests.merges.faults import Faults, planned
from tests.merges.soak import Soak

FOLDER = ROOT / ".merges"
console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)
_SETTLE_SECONDS = 300
_MEMBERS = "SELECT phone, customer_id::text, net_spend FROM customers WHERE status = 2 AND phone = ANY($1)"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.merges", description=__doc__)
    parser.add_argument("--merges", type=int, default=10_000, help="how many (default 10,000); 0 only loads")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="what the last run printed")
    parser.add_argument("--orders", type=int, default=cdnow.ORDERS_COUNT, help="of CDNOW (default all)")
    parser.add_argument(
        "--lanes", type=int, default=8, help="clients at once (default 8); another number is another plan"
    )
    parser.add_argument("--depth", type=int, default=50, help="of chains (default 50)")
    parser.add_argument("--every", type=int, default=80, help="merges between two faults (default 80); 0: no faults")
    parser.add_argument("--loaded", action="store_true", help="go on with the data of the last run, if it only loaded")
    parser.add_argument("--keep", action="store_true", help=f"keep the data in {FOLDER.name}/")
    return parser.parse_args()


def _load(running: RunningStack, orders: int) -> str:
    """Loads what is not there yet; the API key."""
    demo = DemoStore(running)
    demo.ensure_store()
    key, begun = demo.ensure_api_key(), time.monotonic()
    progress = Progress(running.data / "cdnow.json")
    there = progress.count
    Loader(running.gateway_url, key, progress).load(orders, 7_200, lambda: None)
    Rest(running).events(600)
    console.print(f"{progress.count - there:,} CDNOW orders loaded in {time.monotonic() - begun:.0f} s")
    return key


async def _members(running: RunningStack, orders: int) -> list[tuple[str, int]]:
    """(id, net spend) of the customers of the history, in the order of their numbers there."""
    customers = list(dict.fromkeys(purchase.customer for purchase in cdnow.purchases()[:orders]))
    membership = await asyncpg.connect(running.databases["membership"].admin)
    phones = [cdnow.phone_of(customer) for customer in customers]
    found = {row["phone"]: (row["customer_id"], row["net_spend"]) for row in await membership.fetch(_MEMBERS, phones)}
    await membership.close()
    return [found[phone] for phone in phones if phone in found]


async def _say(soak: Soak) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(30)
        done = soak.tally.done["merges"]
        console.print(f"{done:,} merges, {done / (time.monotonic() - begun):.1f} a second")


async def _run(stack: Stack, soak: Soak, orders: int, every: int) -> tuple[Faults, float]:
    members = await _members(stack.running, orders)
    console.print(
        f"seed {soak.seed}: {soak.merges:,} merges of {len(members):,} members and newcomers, {soak.lanes} at once"
    )
    soak.share_out(members)
    saying, begun = asyncio.create_task(_say(soak)), time.monotonic()
    try:
        faults = await soak.run(stack, planned(soak.seed, every))
    finally:
        saying.cancel()
    return faults, time.monotonic() - begun


def _report(soak: Soak, faults: Faults, seconds: float) -> None:
    done = soak.tally.done
    console.print(f"{done['merges']:,} merges in {seconds:.0f} s, {done['merges'] / seconds:.1f} a second")
    for name, times in (
        ("plan, as a client sees it", soak.tally.plans),
        ("merge, from commit to end", soak.tally.merges),
    ):
        figures = percentiles([each * 1e3 for each in times])
        console.print(
            f"{name}: " + ", ".join(f"{rank} {figures[rank]:,.0f} ms" for rank in ("p50", "p95", "p99", "max"))
        )
    console.print(
        "besides: " + ", ".join(f"{count:,} {what}" for what, count in sorted(done.items()) if what != "merges")
    )
    console.print(f"requests sent again: {sum(lane.repeats for lane in soak.all):,}")
    console.print(
        "faults: " + (", ".join(f"{count} × {what}" for what, count in sorted(faults.counts.items())) or "none")
    )


def _judge(stack: Stack, soak: Soak) -> bool:
    """Whether everything is as it must be, once it has come to rest by itself."""
    databases = stack.settings.databases
    urls = {context: databases[context].admin for context in CONTEXTS}
    waiting, verdicts, states = asyncio.run(audit(urls, _SETTLE_SECONDS))
    wrong = asyncio.run(soak.differences(databases))
    lost = asyncio.run(soak.lost_chains())
    console.print(
        f"chains {soak.depth} deep: {len(soak.tally.chains) // 2}, of which ids do not lead to the end at once: {len(lost)}"
    )
    console.print(f"differences between the databases and what was done: {len(wrong)}")
    for each in (*wrong[:10], *lost[:10]):
        console.print(f"  {each}", style="red")
    show(console, waiting, verdicts, states)
    return not wrong and not lost and not waiting and all(verdict.holds for verdict in verdicts)


def main() -> int:
    """Exit status 0: all merges done, every invariant holds, and the databases are what was done, to the cent."""
    arguments = _arguments()
    if not arguments.loaded:
        DataFolder(FOLDER).remove()
    with Stack(FOLDER) as stack:
        key = _load(stack.running, arguments.orders)
        soak = Soak(
            Api(stack.running.gateway_url, key),
            arguments.seed,
            arguments.merges,
            arguments.lanes,
            arguments.depth,
        )
        holds = True
        if arguments.merges:
            faults, seconds = asyncio.run(_run(stack, soak, arguments.orders, arguments.every))
            _report(soak, faults, seconds)
            holds = _judge(stack, soak)
    if arguments.merges and holds and not arguments.keep:
        DataFolder(FOLDER).remove()
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
