"""What a merge makes of levels and birthday gifts (B1, F8, F11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onefold.membership.v1 import events_pb2, levels_pb2
from services.common import clock
from services.common.errors import Conflict
from services.membership.domain import Basis, Cause
from tests.integration.membership.people import Shop, order, refund, told
from tests.integration.membership.ranks import AT_ONCE, GOLD, SILVER, Ranks, level


@pytest.fixture
def ranks(shop: Shop) -> Ranks:
    return Ranks(shop)


async def test_the_survivor_has_the_level_of_all_that_was_spent(shop: Shop, ranks: Ranks) -> None:
    """F8: it is in the preview, nobody's, for all have earned it together, and is what comes to pass; history and event say so."""
    await ranks.save(SILVER, GOLD)
    primary, merged = await shop.member(), await shop.member()
    await shop.hear(*told(order(primary, 300_000)), *told(order(merged, 250_000)))
    preview = await shop.preview(primary, merged)
    assert [(f.value, f.from_customer_id) for f in preview.fields if f.field == "level"] == [("Gold 金", None)]
    await shop.absorb(primary, merged, plan=preview.fingerprint)
    assert await ranks.of(merged) == "Gold 金"
    [last, *_] = await ranks.history(primary)
    assert (last.from_name, last.to_name, last.cause, last.actor) == ("Silver", "Gold 金", Cause.MERGE, "staff:test")
    [event] = [events_pb2.LevelChanged.FromString(row.payload) for row in await shop.events("level_changed")][-1:]
    assert (event.customer_id, event.cause) == (str(primary), levels_pb2.LEVEL_CAUSE_MERGE)
    [gone] = await shop.rows("SELECT level_id, level_due_at FROM customers WHERE customer_id = :id", id=merged)
    assert (gone.level_id, gone.level_due_at) == (None, None)


async def test_a_level_that_a_merged_account_has_is_said_to_be_its(shop: Shop, ranks: Ranks) -> None:
    """F8."""
    await ranks.save(SILVER, GOLD)
    primary, merged = await shop.member(), await shop.member()
    await shop.hear(*told(order(merged, 600_000)))
    preview = await shop.preview(primary, merged)
    assert [(f.value, f.from_customer_id) for f in preview.fields if f.field == "level"] == [("Gold 金", merged)]


async def test_the_primarys_own_level_and_pin_stay(shop: Shop, ranks: Ranks) -> None:
    """F8: by hand above what was spent, pinned below it, and none at all."""
    await ranks.save(SILVER, level("Gold", 500_000, lapse=AT_ONCE))
    day = (clock.now() + timedelta(days=10)).date().isoformat()
    lucky, held, plain, *others = [await shop.member() for _ in range(6)]
    await ranks.give(lucky, "Gold")
    await ranks.give(held, "Silver", "a test", day)
    await shop.hear(*told(order(others[0], 100_000)), *told(order(others[1], 900_000)))
    for primary, other, expected in zip((lucky, held, plain), others, ("Gold", "Silver", ""), strict=True):
        preview = await shop.preview(primary, other)
        assert [f.value for f in preview.fields if f.field == "level"] == [expected] * bool(expected)
        await shop.absorb(primary, other, plan=preview.fingerprint)
        assert await ranks.of(primary) == expected
    assert (await shop.customer(held)).level_pinned_until is not None
    assert len(await ranks.history(held)) == 1


async def test_an_order_that_changes_the_survivors_level_makes_the_plan_stale(shop: Shop, ranks: Ranks) -> None:
    """F8: one that changes nothing does not."""
    await ranks.save(SILVER)
    guestly, other = await shop.member(), await shop.member()
    await shop.hear(*told(order(other, 90_000)))
    plan = (await shop.preview(guestly, other)).fingerprint
    unpaid = order(other, 5_000, paid=False)
    await shop.hear(*told(unpaid))
    assert (await shop.preview(guestly, other)).fingerprint == plan
    await shop.rows("UPDATE customers SET net_spend = net_spend + 10000 WHERE customer_id = :id RETURNING 1", id=other)
    with pytest.raises(Conflict, match="stale_plan"):
        await shop.absorb(guestly, other, plan=plan)


async def test_the_rolling_year_of_all_accounts_counts(shop: Shop, ranks: Ranks) -> None:
    """B1, F5, F8: and the survivor is due when the oldest of their orders is a year old; what is refunded of a merged account's order
    counts no more, even after another merge."""
    await ranks.save(level("Active", 1_000, lapse=AT_ONCE), basis=Basis.ROLLING_YEAR)
    primary, merged = await shop.member(), await shop.member()
    long_ago, lately = clock.now() - timedelta(days=400), clock.now() - timedelta(days=100)
    theirs = order(merged, 600, paid_at=lately)
    await shop.hear(*told(order(primary, 5_000, paid_at=long_ago)), *told(order(primary, 400)), *told(theirs))
    await shop.absorb(primary, merged)
    assert await ranks.of(primary) == "Active"
    [row] = await shop.rows("SELECT level_due_at FROM customers WHERE customer_id = :id", id=primary)
    assert row.level_due_at - lately > timedelta(days=364)
    assert row.level_due_at - lately < timedelta(days=367)
    last = await shop.member()
    await shop.absorb(last, primary)
    assert await ranks.of(last) == "Active"
    await shop.hear(refund(theirs, 1, 2))
    assert await ranks.of(last) == ""
    assert (await shop.customer(last)).net_spend == 5_999
    await shop.audit()


async def test_gifts_of_one_year_are_flagged_and_go_along(shop: Shop) -> None:
    """F11: a doubled birthday gift is never dropped in silence; whoever had this year's has had it."""
    primary, first, second = [await shop.member() for _ in range(3)]
    years: dict[Any, tuple[int, ...]] = {primary: (2025,), first: (2025, 2026), second: (2026,)}
    for customer_id, given in years.items():
        for year in given:
            await shop.rows(
                "INSERT INTO birthday_gifts VALUES (:store, :id, :year, :id) RETURNING 1",
                store=shop.store_id,
                id=customer_id,
                year=year,
            )
    assert "doubled_gift" not in (await shop.preview(primary, second)).warnings
    assert "doubled_gift" in (await shop.preview(primary, first, second)).warnings
    await shop.absorb(primary, first, second)
    gifts = await shop.rows("SELECT year FROM birthday_gifts WHERE customer_id = :id ORDER BY year", id=primary)
    assert [row.year for row in gifts] == [2025, 2026]
