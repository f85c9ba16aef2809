"""`python -m deploy.audit [--settle SECONDS]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console
from rich.table import Table

from deploy.audit import accounts, events, isolation, log, messages, people
from deploy.audit.joins import Databases
from deploy.audit.verdict import Verdict
from deploy.local.state import CONTEXTS, DataFolderError, RunningStack

CHECKS: Sequence[Callable[[Databases], Awaitable[Verdict]]] = (
    accounts.check_points,
    accounts.check_transfers,
    accounts.check_redemptions,
    accounts.check_owners,
    accounts.check_pointers,
    accounts.check_guests,
    accounts.check_retired,
    accounts.check_unique,
    accounts.check_net_spend,
    accounts.check_levels,
    people.check_gone,
    people.check_gone_logins,
    people.check_forgotten,
    messages.check_order_mails,
    messages.check_resends,
    messages.check_confirmations,
    events.check_ends,
    isolation.check_walls,
    log.check_chain,
    log.check_witness,
    log.check_noted,
    events.check_events,
)


def database_urls() -> dict[str, str]:
    """From the environment where it names them all, else from the local stack. Raises DataFolderError."""
    named = {context: os.environ.get(f"ONEFOLD_{context.upper()}_DATABASE_URL", "") for context in CONTEXTS}
    if all(named.values()):
        return named
    return {context: urls.admin for context, urls in RunningStack.load().databases.items()}


async def settle(databases: Databases, seconds: float) -> dict[str, int]:
    """Waits until nothing is on its way; returns what still is when the time is over.

    Twice in a row, for the databases are looked at one after the other: what went from one that is still to be looked at to one that
    has been looked at is seen the second time.
    """
    deadline = time.monotonic() + seconds
    waiting, quiet = await events.pending(databases), 0
    # What is waited for is in other processes' databases, where no asyncio event reaches.
    while time.monotonic() < deadline:
        quiet = 0 if waiting else quiet + 1
        if quiet == 2:
            break
        await asyncio.sleep(0.5 if waiting else 0.05)
        waiting = await events.pending(databases)
    return waiting


async def audit(urls: dict[str, str], settle_seconds: float) -> tuple[dict[str, int], list[Verdict], dict[str, int]]:
    """(what is still on its way, the verdicts, messages by state)."""
    async with Databases.open(urls) as databases:
        waiting = await settle(databases, settle_seconds)
        return waiting, [await check(databases) for check in CHECKS], await messages.message_states(databases)


def show(console: Console, waiting: dict[str, int], verdicts: Sequence[Verdict], states: dict[str, int]) -> None:
    """Prints the result as a table, and whatever needs a person's eye below it."""
    table = Table("", "invariant", "checked", "broken", "verdict", title="Onefold audit", title_justify="left")
    for verdict in verdicts:
        word = "[green]holds[/]" if verdict.holds else "[red]BROKEN[/]"
        table.add_row(verdict.letter, verdict.sentence, f"{verdict.checked:,}", f"{verdict.broken:,}", word)
    console.print(table)
    for verdict in verdicts:
        for example in verdict.examples:
            console.print(f"  {verdict.letter}: {example}", style="red", highlight=False)
    console.print("messages: " + (", ".join(f"{count:,} {state}" for state, count in sorted(states.items())) or "none"))
    for words, count in waiting.items():
        console.print(f"still on its way: {words}: {count:,}", style="yellow")


def main() -> int:
    """Exit status: 0 all hold, 1 something is broken, 2 the system did not come to rest."""
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__)
    parser.add_argument(
        "--settle", type=float, default=60, metavar="SECONDS", help="how long to wait for quiet (default 60)"
    )
    arguments = parser.parse_args()
    try:
        urls = database_urls()
    except DataFolderError as error:
        sys.stderr.write(f"audit: {error}\n")
        return 2
    waiting, verdicts, states = asyncio.run(audit(urls, arguments.settle))
    show(Console(), waiting, verdicts, states)
    if not all(verdict.holds for verdict in verdicts):
        return 1
    return 2 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
