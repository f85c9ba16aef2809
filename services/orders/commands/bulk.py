"""Many orders at once: which are meant is written down, then the worker changes them in batches (E1).

An order's change, what became of it in the run, and the events are one transaction: whoever dies, each order is changed at most once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.contact import clean_text
from services.common.database import Database, is_transient
from services.common.errors import Conflict, InvalidInput, OnefoldError, Violations
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.commands.progressing import LONGEST_REASON, RefundWish, Step, give_back, go_on
from services.orders.domain import (
    BY_HAND,
    GOALS,
    MOST_ORDERS,
    BulkRun,
    Filter,
    PaymentMethod,
    Status,
    read_search,
)

# A batch is what is lost when a process dies, what a person sees the count rise by, and how many orders others wait for.
BATCH = 50
_RUNS_AT_ONCE = 20
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BulkWish:
    """What is to become of which orders: of those named, or of all that fit `asked`. `expected` is how many a person saw; 0: nobody."""

    order_ids: Sequence[UUID]
    asked: Filter | None
    goal: int
    method: int
    note: str
    expected: int = 0


async def start_bulk_run(context: Context, claims: ServiceClaims, once: Once[BulkRun], wish: BulkWish) -> BulkRun:
    """Queues a run; the worker does it (`run_bulk`).

    Raises InvalidInput (no_orders_chosen, too_many_orders, …), Conflict (selection_changed), Replayed.
    """
    found = Violations()
    note = found.gather(lambda: clean_text(wish.note, "note", LONGEST_REASON), "")
    if wish.goal not in GOALS:
        found.add("goal", "unknown_value")
    if wish.goal == Status.REFUNDED and wish.method not in BY_HAND:
        found.add("method", "unknown_value")
    found.check()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        ids = await _chosen(tx, claims, wish)
        method = wish.method if wish.goal == Status.REFUNDED else 0
        run = BulkRun(new_id(), Status(wish.goal), method, note, len(ids), claims.actor, clock.now())
        await store.add_bulk_run(tx, claims.store, run, ids)
        await outbox.add(tx, claims.store, [_noted(run)])
        await once.finish(tx, run)
    context.waker.wake()
    return run


def _noted(run: BulkRun) -> Event:
    """One entry for the whole run; what it did to each order stands in that order's history."""
    changes = [
        audit.change("status", "", run.goal),
        audit.change("orders", "", run.total),
        audit.change("method", "", PaymentMethod(run.method) if run.method else ""),
        audit.hidden("note", "", run.note),
    ]
    return events.noted(run.requested_by, "orders.bulk_started", "bulk_run", run.run_id, changes)


async def _chosen(tx: AsyncConnection, claims: ServiceClaims, wish: BulkWish) -> Sequence[UUID]:
    if wish.asked is None:
        ids = list(dict.fromkeys(wish.order_ids))
    else:
        ids = await store.find_ids(tx, wish.asked, read_search(wish.asked.query, claims.region), MOST_ORDERS + 1)
    if not ids:
        raise InvalidInput.of("selection", "no_orders_chosen")
    if len(ids) > MOST_ORDERS:
        raise InvalidInput.of("selection", "too_many_orders", largest=f"{MOST_ORDERS:,}")
    if wish.expected and len(ids) != wish.expected:
        raise Conflict("selection_changed", count=str(len(ids)))
    return ids


async def run_bulk(database: Database) -> None:
    """Goes on with every run that is not at its end, in every store, batch by batch in turn. Any number of workers may do so at once."""
    goes_on = True
    while goes_on:
        async with database.across_stores() as tx:
            runs = await store.bulk_runs_under_way(tx, _RUNS_AT_ONCE)
        goes_on = False
        for store_id, run_id in runs:
            if await _go_on(database, store_id, run_id):
                crash.point("orders.bulk.after_commit")
                goes_on = True


async def _go_on(database: Database, store_id: UUID, run_id: UUID) -> bool:
    """The next batch; False when nothing is left, or another worker has the run.

    An order that fails by a defect of ours must not hold up the others, nor the worker: then orders go one by one.
    """
    try:
        return await _batch(database, store_id, run_id, BATCH)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("bulk_batch_failed")
    try:
        return await _batch(database, store_id, run_id, 1)
    except Exception as error:
        if is_transient(error):
            raise
        return await _batch(database, store_id, run_id, 1, refusal="internal")


async def _batch(database: Database, store_id: UUID, run_id: UUID, most: int, refusal: str = "") -> bool:
    async with database.transaction(store_id) as tx:
        run = await store.take_bulk_run(tx, store_id, run_id)
        if run is None:
            return False
        told: list[Event] = []
        outcomes: dict[UUID, str] = {}
        # Whoever locks several orders takes them in this order.
        for order_id in sorted(await store.next_bulk_orders(tx, store_id, run_id, most)):
            outcomes[order_id] = refusal or await _change(tx, store_id, run, order_id, told)
        await outbox.add(tx, store_id, told)
        await store.note_bulk_outcomes(tx, store_id, run_id, outcomes, clock.now())
        crash.point("orders.bulk.before_commit")
    return bool(outcomes)


async def _change(tx: AsyncConnection, store_id: UUID, run: BulkRun, order_id: UUID, told: list[Event]) -> str:
    """Why the order stays as it is; empty when it does not."""
    order = await store.load(tx, store_id, order_id, lock=True)
    if order is None:
        return "order_not_found"
    try:
        if run.goal is Status.REFUNDED:
            # What a provider took, it gives back itself.
            wish = RefundWish(0, 0 if order.online_payment else run.method, "", run.note)
            told.append(await give_back(tx, store_id, order, wish, run.requested_by))
        else:
            told.append(await go_on(tx, store_id, order, Step(run.goal, note=run.note), run.requested_by))
    except InvalidInput as error:
        return error.violations[0].reason
    except OnefoldError as error:
        return error.reason
    return ""
