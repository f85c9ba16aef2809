"""The rule for one member and the statements for all members say the same (B1, B6)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.common.ids import new_id
from services.common.paging import PageRequest
from services.membership import store
from services.membership.domain import Basis, Cause, Lapse, Level, LevelRules, Spend, Standing, judge
from tests.integration.membership.people import Shop

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
YEAR_AGO = datetime(2025, 11, 24, 3, 0, tzinfo=UTC)
TIMEZONE = "Asia/Hong_Kong"
MEMBERS = 150


def some_rules(pick: random.Random, basis: Basis, known: list[UUID]) -> LevelRules:
    """Up to four levels, some of them of known ids."""
    thresholds = sorted(pick.sample([0, 100, 200, 300, 400, 500], pick.randint(0, 4)))
    ids = pick.sample(known, len(thresholds))
    return LevelRules(
        basis,
        [
            Level(
                ids[n],
                f"L{n}",
                threshold,
                validity_months=pick.choice((0, 0, 1, 12)),
                lapse=pick.choice(list(Lapse)),
            )
            for n, threshold in enumerate(thresholds)
        ],
    )


def some_time(pick: random.Random) -> datetime | None:
    return pick.choice((None, None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)))


async def fill(shop: Shop, pick: random.Random, known: list[UUID]) -> dict[UUID, tuple[Standing, Spend, Spend]]:
    """Members in any state, with up to three orders at either side of a year ago; (standing, lifetime, rolling) of each."""
    made = {}
    for _ in range(MEMBERS):
        customer_id = new_id()
        standing = Standing(pick.choice([None, *known]), some_time(pick), some_time(pick), some_time(pick))
        placed = [YEAR_AGO + timedelta(seconds=pick.choice((-60, 0, 1, 3_600))) for _ in range(pick.randint(0, 3))]
        orders = [(at, pick.choice((100, 150, 250)), pick.choice((0, 50))) for at in placed]
        window = [(at, paid - back) for at, paid, back in orders if at > YEAR_AGO]
        lifetime = Spend(sum(paid - back for _, paid, back in orders))
        rolling = Spend(sum(net for _, net in window), min((at for at, _ in window), default=None))
        made[customer_id] = (standing, lifetime, rolling)
        await shop.rows(
            "INSERT INTO customers (store_id, customer_id, status, name, phone, email, language, source, created_at, joined_at,"
            " version, net_spend, level_id, level_until, level_pinned_until, level_due_at)"
            " VALUES (:store, :id, 2, 'N', '', '', '', 'order', now(), now(), 1, :net, :level, :until, :pin, :due) RETURNING 1",
            store=shop.store_id,
            id=customer_id,
            net=lifetime.amount,
            level=standing.level_id,
            until=standing.until,
            pin=standing.pinned_until,
            due=standing.due_at,
        )
        absorbed = await _absorbed(shop, customer_id) if pick.random() < 0.3 else customer_id
        for at, paid, back in orders:
            await shop.rows(
                "INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at, settled,"
                " paid, refunded, version) VALUES (:store, :order, :id, :id, false, :at, true, :paid, :back, 1) RETURNING 1",
                store=shop.store_id,
                order=new_id(),
                id=pick.choice((customer_id, absorbed)),
                at=at,
                paid=paid,
                back=back,
            )
    return made


async def _absorbed(shop: Shop, survivor_id: UUID) -> UUID:
    """An account that has been merged into the member."""
    absorbed = new_id()
    await shop.rows(
        "INSERT INTO customers (store_id, customer_id, status, name, phone, email, language, source, created_at, joined_at,"
        " version, survivor_id, merged_at)"
        " VALUES (:store, :id, 3, 'N', '', '', '', 'order', now(), now(), 2, :survivor, now()) RETURNING 1",
        store=shop.store_id,
        id=absorbed,
        survivor=survivor_id,
    )
    return absorbed


async def standings(shop: Shop) -> dict[UUID, Standing]:
    rows = await shop.rows(
        "SELECT customer_id, level_id, level_until, level_pinned_until, level_due_at FROM customers WHERE status = 2"
    )
    return {r.customer_id: Standing(r.level_id, r.level_until, r.level_pinned_until, r.level_due_at) for r in rows}


async def nobody_looks(_done: int, _total: int) -> None:
    """How far it is, is of no interest here."""


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("seed", range(4))
async def test_the_statement_for_many_is_the_rule_for_one(shop: Shop, basis: Basis, seed: int) -> None:
    """B1, B3, B6: levels, validity, pins and what is due next, at the very edges of time; counted, named and written alike."""
    pick = random.Random(seed)
    known = [new_id() for _ in range(5)]
    before, rules = (some_rules(pick, basis, known) for _ in range(2))
    members = await fill(shop, pick, known)
    judging = store.Judging(rules, before, NOW, TIMEZONE)
    expected = {
        customer_id: judge(standing, rolling if basis is Basis.ROLLING_YEAR else lifetime, rules, NOW, TIMEZONE)
        for customer_id, (standing, lifetime, rolling) in members.items()
    }
    moving = {i for i, after in expected.items() if after.level_id != members[i][0].level_id}
    async with shop.context.database.transaction(shop.store_id) as tx:
        counted = await store.count_moves(tx, shop.store_id, judging)
        named = [await name_all(tx, shop.store_id, judging, down) for down in (False, True)]
    assert sum(step.members for step in counted) == len(moving) == len(named[0]) + len(named[1])
    assert {customer_id for moves in named for customer_id, *_ in moves} == moving
    async with shop.context.database.transaction(shop.store_id) as tx:
        if seed % 2:
            assert await store.move_everybody(tx, shop.store_id, judging, "staff:test", nobody_looks) == counted
        else:
            ids = sorted(members)
            await store.move_members(tx, shop.store_id, judging, ids[: MEMBERS // 2], Cause.SPEND, "test")
            await store.move_members(tx, shop.store_id, judging, ids[MEMBERS // 2 :], Cause.SPEND, "test")
    assert await standings(shop) == expected
    written = await shop.rows("SELECT customer_id, from_level_id, to_level_id FROM level_changes")
    assert {(r.customer_id, r.from_level_id, r.to_level_id) for r in written} == {
        (i, members[i][0].level_id, expected[i].level_id) for i in moving
    }


async def name_all(tx: Any, store_id: UUID, judging: store.Judging, down: bool) -> list[Any]:
    return await store.name_moves(tx, store_id, judging, down, PageRequest(1_000))
