"""The CDNOW history with three levels: what membership makes of it, against what the data file says (B1, B5).

Enrolment and orders' events are fed to a membership database of its own, as the bus would bring them, without the other services.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from uuid import UUID, uuid5

from rich.console import Console
from sqlalchemy import text

from deploy.local import cdnow
from deploy.local.state import DatabaseUrls
from services.common.contact import Address, Contact
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.common.ids import NIL
from services.common.tokens import ServiceClaims
from services.membership import commands
from services.membership.domain import Buyer, Level, LevelRules, OrderState
from services.membership.queries import levels as queries
from tests.support.calls import claims, once
from tests.support.stack import postgres_servers

# Cents: about the upper half, tenth and hundredth of the customers.
LEVELS = (("Bronze", 5_000), ("Silver", 20_000), ("Gold", 100_000))
_BATCH = 100
_MEMBERS = text(
    """SELECT c.phone, c.net_spend, c.orders_count, COALESCE(s.levels -> c.level_id::text ->> 'name', '') AS level
 FROM customers c LEFT JOIN store_settings s USING (store_id) WHERE c.status = 2"""
)


def news(purchases: Sequence[cdnow.Purchase]) -> Iterator[tuple[OrderState, Buyer]]:
    """What the events of the orders say; ids follow from the file, so that a second run says the same."""
    for purchase in purchases:
        order_id, customer_id = uuid5(NIL, purchase.key), uuid5(NIL, f"customer {purchase.customer}")
        at = purchase.placed_at
        contact = Contact(f"{purchase.customer}", cdnow.phone_of(purchase.customer))
        yield (
            OrderState(order_id, customer_id, 1, purchase.value_minor, 0, at, at),
            Buyer(order_id, customer_id, False, contact, True, True, "", Address(), at),
        )


def expected(purchases: Sequence[cdnow.Purchase]) -> dict[str, tuple[int, int, str]]:
    """Phone → (net spend, orders, level), from the file alone."""
    thresholds = [threshold for _, threshold in LEVELS]
    totals = cdnow.expected_totals(purchase.index for purchase in purchases)
    names = ["", *(name for name, _ in LEVELS)]
    return {
        phone: (each.value_minor, each.orders, names[bisect_right(thresholds, each.value_minor)])
        for phone, each in totals.by_phone.items()
    }


async def follow(context: commands.Context, who: ServiceClaims, purchases: Sequence[cdnow.Purchase]) -> None:
    """Saves the levels, then lets all orders come in, a batch of events at a time."""
    asked = LevelRules(levels=[Level(NIL, name, threshold) for name, threshold in LEVELS])
    seen = await queries.simulate_rules(context.database, who, asked, False, 0, "")
    await commands.save_rules(context, who, once(who), asked, seen.hash)
    await commands.run_level_saves(context)
    coming = news(purchases)
    while batch := list(islice(coming, _BATCH)):
        async with context.database.transaction(who.store) as tx:
            await commands.follow_orders(context, tx, who.store, batch)


async def found(context: commands.Context, store_id: UUID) -> dict[str, tuple[int, int, str]]:
    """Phone → (net spend, orders, level), as membership has them."""
    async with context.database.transaction(store_id) as tx:
        return {row.phone: (row.net_spend, row.orders_count, row.level) for row in await tx.execute(_MEMBERS)}


async def compare(urls: DatabaseUrls, purchases: Sequence[cdnow.Purchase]) -> tuple[int, int]:
    """(members, how many of them differ from the file)."""
    database = Database(connect(urls.worker, connections=8, name="history"))
    context = commands.Context(database, IdentifierHasher("history " * 4), lambda: None)
    who = claims()
    await follow(context, who, purchases)
    truth, belief = expected(purchases), await found(context, who.store)
    await database.close()
    return len(truth), sum(truth.get(phone) != belief.get(phone) for phone in truth.keys() | belief.keys())


def check_levels(console: Console) -> bool:
    """The whole history on a database server of its own; whether every member has the level and net spend of the file."""
    begun = time.monotonic()
    with postgres_servers() as servers:
        urls = servers.fresh_database("membership")
        members, wrong = asyncio.run(compare(urls, cdnow.purchases()))
    console.print(
        f"levels: {len(cdnow.purchases()):,} orders of {members:,} members in {time.monotonic() - begun:.0f} s;"
        f" members whose level or net spend differs from the file: {wrong}"
    )
    return not wrong
