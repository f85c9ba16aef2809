"""The pivot of a merge on a real PostgreSQL (F1-F11)."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.contact import Address
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.membership.domain import Reason, Status
from tests.integration.membership.people import HOME, Shop, buyer, order, settle, told

# A point an hour, a hundred of which expire together.
_HOURLY_LOTS = """WITH made AS (SELECT gen_random_uuid() AS id, now() + (1 + n / 100) * interval '1 day' AS expires_at
  FROM generate_series(0, 2999) AS n),
 lots AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
  SELECT CAST(:store AS uuid), CAST(:id AS uuid), id, 1, 1, expires_at, now() FROM made),
 balance AS (UPDATE customers SET points_balance = points_balance + 3000 WHERE store_id = :store AND customer_id = :id)
 INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at)
 SELECT CAST(:store AS uuid), CAST(:id AS uuid), id, id, 2, 1, '', 'test', now() FROM made RETURNING entry_id"""
PHONE, EMAIL = "+85294512053", "tai.man@example.com"
OFFICE = Address("Tai Man", "", ("1 Queen's Road",), "Central", "Hong Kong", "", "HK")


async def test_everything_of_the_merged_goes_to_the_primary(shop: Shop) -> None:
    """F3, F5, F6, F10, F11, N: profile, addresses, orders, points with their expiry; and the preview had said so (F8)."""
    primary = await shop.member(name="陳大文", shipping_address=HOME)
    merged = await shop.member(PHONE, EMAIL, "Chan Tai Man", shipping_address=OFFICE, language="en")
    await shop.award(primary, 10, "2098-12-31")
    await shop.award(merged, 40, "2097-12-31")
    await shop.hear(*told(order(primary, 10_050)), *told(order(merged, 20_099)))
    adjustment = {"points": 7, "expires_on": "2099-01-31", "description": "sorry"}
    plan = await shop.preview(primary, merged, **adjustment)
    balance = await shop.absorb(primary, merged, plan=plan.fingerprint, **adjustment)
    survivor = await shop.customer(merged)
    assert survivor.customer_id == primary
    assert balance == survivor.points_balance == plan.points_after == 10 + 40 + 100 + 200 + 7
    assert (survivor.net_spend, survivor.orders_count) == (30_149, 2)
    assert (survivor.name, survivor.language) == ("陳大文", "en")
    assert list(survivor.addresses) == list(plan.survivor.addresses) == [HOME, OFFICE]
    assert survivor.phone not in {"", PHONE}
    assert survivor.email == ""
    assert [account.customer_id for account in survivor.merged_accounts] == [merged]
    assert plan.warnings == ["different_names", "doubled_welcome"]
    assert {(r.kind, r.value) for r in plan.retired} == {("phone", PHONE), ("email", EMAIL)}
    lots = await shop.rows("SELECT remaining, expires_at FROM points_lots WHERE customer_id = :id", id=primary)
    assert sorted((lot.remaining, lot.expires_at) for lot in lots) == sorted(
        (lot.remaining, lot.expires_at) for lot in plan.ledgers[0].lots
    )
    assert [row.value for row in await shop.rows("SELECT value FROM identifiers WHERE state = 'retired'")] == [None] * 2
    [told_event] = await shop.events("members_absorbed")
    told_of = events_pb2.MembersAbsorbed.FromString(told_event.payload)
    assert (told_of.survivor_id, list(told_of.merged_ids), told_of.points_balance) == (
        str(primary),
        [str(merged)],
        balance,
    )
    await shop.audit()


async def test_thousands_of_lots_move_while_others_are_served(shop: Shop) -> None:
    """F11, H: an account that has bought every hour; the preview sums up by expiry what the merge moves lot by lot."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(merged, 5)
    made = {"id": merged, "store": shop.store_id}
    assert len(await shop.rows(_HOURLY_LOTS, **made)) == 3_000
    plan = await shop.preview(primary, merged, points=-30)
    assert len(plan.ledgers[0].lots) == 1 + 30
    pivot = asyncio.create_task(shop.absorb(primary, merged, plan=plan.fingerprint, points=-30))
    served = 0
    while not pivot.done():
        await shop.member()
        served += 1
    assert (await pivot, served > 1) == (5 + 3_000 - 30, True)
    lots = await shop.rows("SELECT remaining FROM points_lots WHERE customer_id = :id AND remaining > 0", id=primary)
    assert (len(lots), sum(lot.remaining for lot in lots)) == (1 + 3_000 - 30, 2_975)
    await shop.audit()


async def test_old_ids_lead_to_the_last_survivor_in_one_hop(shop: Shop) -> None:
    """F10: A→B and B→C; reading and writing A acts on C."""
    a, b, c = await shop.member(), await shop.member(), await shop.member()
    await shop.absorb(b, a)
    await shop.absorb(c, b)
    assert (await shop.customer(a)).customer_id == c
    assert {account.customer_id for account in (await shop.customer(c)).merged_accounts} == {a, b}
    await shop.award(a, 25)
    assert (await shop.customer(c)).points_balance == 25
    assert (await shop.enrol(buyer(customer_id=a, new_customer=False))).customer_id == c
    await shop.audit()


async def test_a_chain_of_fifty_merges_is_one_hop_from_either_end(shop: Shop) -> None:
    """F10: however old the id, its pointer names the account that lives, and finding that takes the same statements."""
    chain = [await shop.member() for _ in range(51)]
    for merged, primary in itertools.pairwise(chain):
        await shop.absorb(primary, merged)
    pointers = await shop.rows(
        "SELECT DISTINCT survivor_id FROM customers WHERE status = :merged", merged=Status.MERGED
    )
    assert [row.survivor_id for row in pointers] == [chain[-1]]
    taken = [await statements(shop, customer_id) for customer_id in (chain[49], chain[0])]
    assert taken[0] == taken[1]
    await shop.award(chain[0], 25)
    assert (await shop.customer(chain[25])).points_balance == 25
    assert len((await shop.customer(chain[0])).merged_accounts) == 50
    await shop.audit()


async def statements(shop: Shop, customer_id: UUID) -> int:
    """How many it takes to read a customer."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engine = shop.context.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await shop.customer(customer_id)
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


async def test_the_same_run_is_done_once(shop: Shop) -> None:
    """F9: ten calls at once, and one much later, answer alike."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(merged, 40)
    run, plan = new_id(), (await shop.preview(primary, merged)).fingerprint
    answers = await settle(*(shop.absorb(primary, merged, run=run, plan=plan) for _ in range(10)))
    await shop.award(primary, 1)
    assert [*answers, await shop.absorb(primary, merged, run=run, plan=plan)] == [40] * 11
    assert len(await shop.events("members_absorbed")) == 1
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await shop.absorb(merged, primary, run=run, plan=plan)
    await shop.audit()


async def test_of_two_opposite_merges_one_wins(shop: Shop) -> None:
    """F9, fault 7: A→B beside B→A, many times: no cycle, no deadlock, no point lost."""
    for _ in range(15):
        a, b = await shop.member(), await shop.member()
        await shop.award(a, 10)
        plans = [(await shop.preview(a, b)).fingerprint, (await shop.preview(b, a)).fingerprint]
        results = await settle(shop.absorb(a, b, plan=plans[0]), shop.absorb(b, a, plan=plans[1]))
        assert sorted(str(r) for r in results if not isinstance(r, Exception)) == ["10"]
        assert {r.reason for r in results if isinstance(r, (StateConflict, Conflict))} == {"already_merged"}
    await shop.audit()


async def test_overlapping_merges_do_not_block_each_other(shop: Shop) -> None:
    """F9, fault 8: {A,B,C} beside {C,D,E}; C is merged once."""
    a, b, c, d, e = [await shop.member() for _ in range(5)]
    await shop.award(c, 33)
    plans = [(await shop.preview(a, b, c)).fingerprint, (await shop.preview(e, d, c)).fingerprint]
    results = await settle(shop.absorb(a, b, c, plan=plans[0]), shop.absorb(e, d, c, plan=plans[1]))
    assert len([r for r in results if isinstance(r, StateConflict)]) == 1
    assert len(await shop.rows("SELECT 1 FROM customers WHERE status = :merged", merged=Status.MERGED)) == 2
    await shop.audit()


async def test_a_plan_goes_stale_when_an_account_changes(shop: Shop) -> None:
    """F8, fault 10: points, profile by another merge, another adjustment; nothing moves."""
    primary, merged = await shop.member(), await shop.member()
    plan = (await shop.preview(primary, merged)).fingerprint
    await shop.award(merged, 5)
    before = await shop.state()
    with pytest.raises(Conflict, match="stale_plan"):
        await shop.absorb(primary, merged, plan=plan)
    plan = (await shop.preview(primary, merged)).fingerprint
    with pytest.raises(Conflict, match="stale_plan"):
        await shop.absorb(primary, merged, plan=plan, points=1, expires_on="2099-01-01")
    assert await shop.state() == before
    # Net spend is no part of the plan: an unpaid order in between does not spoil it.
    await shop.hear(*told(order(merged, 500, paid=False)))
    await shop.absorb(primary, merged, plan=plan)


async def test_points_that_expire_after_the_preview_make_it_stale(shop: Shop) -> None:
    """F8, P: though nobody has touched the account."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(merged, 5)
    plan = (await shop.preview(primary, merged)).fingerprint
    await shop.rows("UPDATE points_lots SET expires_at = :past RETURNING 1", past=clock.now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="stale_plan"):
        await shop.absorb(primary, merged, plan=plan)
    assert await shop.absorb(primary, merged) == 0
    entries = await shop.rows("SELECT reason FROM points_entries ORDER BY entry_id")
    assert [row.reason for row in entries] == [Reason.AWARDED, Reason.EXPIRED]
    await shop.audit()


async def test_a_deduction_may_use_points_of_any_account(shop: Shop) -> None:
    """F2, F11, B4: the first to expire first, whoever brought it."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(primary, 50, "2099-12-31")
    await shop.award(merged, 30, "2098-12-31")
    assert await shop.absorb(primary, merged, points=-40) == 40
    lots = await shop.rows("SELECT remaining FROM points_lots WHERE customer_id = :id ORDER BY expires_at", id=primary)
    assert [lot.remaining for lot in lots] == [0, 40]
    await shop.audit()


async def test_what_cannot_be_merged_is_refused_with_its_reason(shop: Shop) -> None:
    """F1, F2: in the preview and at the pivot alike, and nothing is written."""
    a, b, stranger = await shop.member(), await shop.member(), await shop.another().member()
    guest = (await shop.enrol(buyer(trusted=False))).customer_id
    gone = await shop.member()
    await shop.absorb(a, gone)
    before = await shop.state()
    cases: list[tuple[type[Exception], str, tuple[object, ...], dict[str, object]]] = [
        (InvalidInput, "merged_ids: too_few_accounts", (a,), {}),
        (InvalidInput, "merged_ids: too_many_accounts", (a, *(new_id() for _ in range(5))), {}),
        (InvalidInput, "merged_ids: repeated_account", (a, b, b), {}),
        (InvalidInput, "merged_ids: repeated_account", (a, a), {}),
        (NotFound, "customer_not_found", (a, new_id()), {}),
        (NotFound, "customer_not_found", (a, stranger), {}),
        (StateConflict, "not_a_member", (a, guest), {}),
        (StateConflict, "already_merged", (a, gone), {}),
        (StateConflict, "already_merged", (gone, a), {}),
        (StateConflict, "points_insufficient", (a, b), {"points": -1}),
        (InvalidInput, "adjustment.expires_on: expiry_required", (a, b), {"points": 1}),
        (InvalidInput, "adjustment.expires_on: expiry_in_past", (a, b), {"points": 1, "expires_on": "2020-01-01"}),
        (InvalidInput, "adjustment.expires_on: expiry_not_allowed", (a, b), {"points": -1, "expires_on": "2099-01-01"}),
    ]
    for kind, message, accounts, adjustment in cases:
        for ask in (shop.preview(*accounts, **adjustment), shop.absorb(*accounts, plan=b"any", **adjustment)):  # type: ignore[arg-type]
            with pytest.raises(kind, match=message):
                await ask
    assert await shop.state() == before


async def test_merging_beside_points_keeps_the_ledger_whole(shop: Shop) -> None:
    """P, fault 11: awards and deductions by old and new ids while the merge runs."""
    for _ in range(10):
        primary, merged = await shop.member(), await shop.member()
        await shop.award(merged, 100)
        plan = (await shop.preview(primary, merged)).fingerprint
        await settle(
            shop.award(merged, -30),
            shop.absorb(primary, merged, plan=plan),
            shop.award(merged, 5),
            shop.award(primary, -60),
            shop.hear(*told(order(merged, 1_000))),
        )
        await shop.audit()


async def test_merging_beside_enrolment_and_payment_leaves_each_order_a_live_owner(shop: Shop) -> None:
    """O, N, faults 9 and 12: orders of the merged account are placed and paid while it is being merged."""
    for _ in range(10):
        primary, merged = await shop.member(), await shop.member()
        plan = (await shop.preview(primary, merged)).fingerprint
        # Too small to earn a point, so that they do not spoil the plan.
        unpaid = [order(merged, 50, paid=False) for _ in range(4)]
        await shop.hear(*(event for one in unpaid for event in told(one)))
        paid = [order(merged, 50, order_id=UUID(one.order_id), version=2) for one in unpaid]
        await asyncio.gather(
            shop.hear(*told(paid[0]), *told(paid[1])),
            shop.enrol(buyer(customer_id=merged, new_customer=False)),
            shop.absorb(primary, merged, plan=plan),
            shop.hear(*told(paid[2])),
            shop.enrol(buyer(customer_id=merged, new_customer=False)),
            shop.hear(*told(paid[3])),
        )
        assert (await shop.customer(merged)).net_spend == 200
        await shop.audit()
