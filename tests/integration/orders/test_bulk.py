"""One change made to many orders, on a real PostgreSQL: batches, refusals, races, tenants (E1, E7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.errors import Conflict, InvalidInput, NotFound
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries, store
from services.orders.commands import BulkWish, Context, RefundWish
from services.orders.commands import bulk as bulk_commands
from services.orders.domain import BulkRun, BulkState, Filter, Order, Status
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once


@pytest.fixture
async def worker(urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(connect(urls.worker, connections=4, name="test-work"))
    yield database
    await database.close()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of a few orders."""
    monkeypatch.setattr(bulk_commands, "BATCH", 4)


async def start(context: Context, who: ServiceClaims, wish: BulkWish, key: str = "") -> BulkRun:
    return await commands.start_bulk_run(context, who, once(who, key), wish)


def to(goal: Status, orders: Sequence[Order], **more: object) -> BulkWish:
    return replace(BulkWish([order.order_id for order in orders], None, goal, 1, "sale"), **more)  # type: ignore[arg-type]


async def run_to_its_end(context: Context, worker: Database, who: ServiceClaims, run: BulkRun) -> BulkRun:
    await commands.run_bulk(worker)
    return await queries.get_bulk_run(context.database, who, run.run_id)


async def refused(context: Context, who: ServiceClaims, run: BulkRun, size: int = 3) -> list[tuple[UUID, str]]:
    found, token = [], ""
    while True:
        page = await queries.list_refused(context.database, who, run.run_id, size, token)
        found += [(order.order_id, order.reason) for order in page.items]
        token = page.next_token
        if not token:
            return found


async def read(context: Context, who: ServiceClaims, order: Order) -> Order:
    return await queries.get_order(context.database, who, order.order_id)


async def refund(context: Context, who: ServiceClaims, order: Order, amount: int = 0) -> None:
    await commands.refund_order(context, who, once(who), order.order_id, RefundWish(amount, 1, "", ""))


async def events(context: Context, who: ServiceClaims, kind: str) -> int:
    async with context.database.transaction(who.store) as tx:
        found = await tx.scalar(text("SELECT count(*) FROM outbox WHERE type LIKE :kind"), {"kind": f"%{kind}%"})
    return int(found or 0)


@pytest.mark.usefixtures("small_batches")
async def test_those_that_can_go_on_and_the_others_are_named_with_their_reason(
    context: Context, worker: Database
) -> None:
    """E1: by ids, more than a batch of them; an unpaid one, one that is further, one that is nowhere."""
    who = claims(actor="staff:7")
    orders = [await create(context, who) for _ in range(9)]
    unpaid = await create(context, who, replace(DRAFT, paid=False))
    await commands.advance_order(context, who, once(who), orders[2].order_id, Status.COMPLETED, "")
    nowhere = replace(unpaid, order_id=new_id())
    run = await start(context, who, to(Status.SHIPPED, [orders[0], nowhere, *orders, unpaid]))
    assert (run.state, run.total) == (BulkState.QUEUED, 11)
    done = await run_to_its_end(context, worker, who, run)
    assert (done.state, done.done, done.refused) == (BulkState.DONE, 11, 3)
    assert await refused(context, who, run, size=1) == [
        (nowhere.order_id, "order_not_found"),
        (orders[2].order_id, "order_cannot_become"),
        (unpaid.order_id, "order_cannot_become"),
    ]
    changed = await read(context, who, orders[5])
    assert (changed.status, changed.history[-1].actor, changed.history[-1].note) == (Status.SHIPPED, "staff:7", "sale")
    assert await events(context, who, "status_changed") == 9
    await commands.run_bulk(worker)
    assert await events(context, who, "status_changed") == 9


async def test_all_that_fit_a_filter_are_refunded_whole(context: Context, worker: Database) -> None:
    """B5: what is left of those refunded in part; those refunded already are named. Later orders are not meant."""
    who = claims()
    orders = [await create(context, who) for _ in range(4)]
    await refund(context, who, orders[0], 1_000)
    asked = Filter(statuses=(Status.PAID,))
    assert await queries.count_orders(context.database, who, [], asked) == 4
    run = await start(context, who, BulkWish([], asked, Status.REFUNDED, 1, "", expected=4))
    later = await create(context, who)
    await refund(context, who, orders[1])
    done = await run_to_its_end(context, worker, who, run)
    assert (done.done, done.refused) == (4, 1)
    assert await refused(context, who, run) == [(orders[1].order_id, "nothing_to_refund")]
    for order in orders:
        now = await read(context, who, order)
        assert (now.status, now.refunded, sum(r.amount for r in now.refunds)) == (
            Status.REFUNDED,
            order.total,
            order.total,
        )
    assert (await read(context, who, later)).refunded == 0


async def test_what_has_changed_since_it_was_seen_is_not_begun(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E7: nothing chosen, too much chosen, another number than was seen; the same key starts one run."""
    who = claims()
    orders = [await create(context, who) for _ in range(3)]
    everything = BulkWish([], Filter(), Status.PROCESSING, 0, "")
    with pytest.raises(Conflict, match="selection_changed"):
        await start(context, who, replace(everything, expected=4))
    monkeypatch.setattr(bulk_commands, "MOST_ORDERS", 2)
    with pytest.raises(InvalidInput, match="too_many_orders"):
        await start(context, who, everything)
    monkeypatch.undo()
    with pytest.raises(InvalidInput, match="no_orders_chosen"):
        await start(context, who, to(Status.SHIPPED, []))
    with pytest.raises(InvalidInput) as faults:
        await start(context, who, replace(to(Status.CANCELLED, orders), note="x" * 501))
    assert {v.reason for v in faults.value.violations} == {"too_long", "unknown_value"}
    await start(context, who, everything, key="once")
    with pytest.raises(Replayed):
        await start(context, who, everything, key="once")
    assert len((await queries.list_bulk_runs(context.database, who, 10, "")).items) == 1


@pytest.mark.usefixtures("small_batches")
async def test_two_workers_and_staff_at_the_same_orders_change_each_once(context: Context, worker: Database) -> None:
    """O, E1: two runs, two workers, and refunds by hand at the same time: no money twice, every order accounted for."""
    who = claims()
    orders = [await create(context, who) for _ in range(12)]
    runs = [await start(context, who, to(Status.REFUNDED, chosen)) for chosen in (orders, orders[::-1])]
    by_hand = [refund(context, who, order) for order in orders[::3]]
    await asyncio.gather(commands.run_bulk(worker), commands.run_bulk(worker), *by_hand, return_exceptions=True)
    await commands.run_bulk(worker)
    done = [await queries.get_bulk_run(context.database, who, run.run_id) for run in runs]
    assert [run.state for run in done] == [BulkState.DONE] * 2
    for order in orders:
        now = await read(context, who, order)
        assert (now.refunded, len(now.refunds)) == (order.total, 1)
    assert await events(context, who, "refunded") == 12
    assert sum(run.done - run.refused for run in done) <= 12


async def test_one_order_with_a_defect_does_not_hold_up_the_others(
    context: Context, worker: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L: what fails by a defect of ours is named, and the run comes to its end."""
    who = claims()
    orders = [await create(context, who) for _ in range(3)]
    load = store.load

    async def broken(tx: object, store_id: UUID, order_id: UUID, **more: bool) -> Order | None:
        if order_id == orders[1].order_id:
            raise RuntimeError("a defect")
        return await load(tx, store_id, order_id, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "load", broken)
    run = await start(context, who, to(Status.SHIPPED, orders))
    done = await run_to_its_end(context, worker, who, run)
    assert (done.state, done.refused) == (BulkState.DONE, 1)
    assert await refused(context, who, run) == [(orders[1].order_id, "internal")]


async def test_another_store_sees_no_run_and_changes_no_order(context: Context, worker: Database) -> None:
    """S: ids of another store are ids of nothing."""
    mine, theirs = claims(), claims()
    order = await create(context, mine)
    run = await start(context, theirs, to(Status.REFUNDED, [order]))
    await commands.run_bulk(worker)
    assert await refused(context, theirs, run) == [(order.order_id, "order_not_found")]
    assert (await read(context, mine, order)).refunded == 0
    for look in (queries.get_bulk_run(context.database, mine, run.run_id), refused(context, mine, run)):
        with pytest.raises(NotFound, match="bulk_run_not_found"):
            await look
    assert (await queries.list_bulk_runs(context.database, mine, 10, "")).items == []
