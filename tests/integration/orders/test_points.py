"""Orders that points pay for in part (B2, E6, E7). The points themselves: tests/integration/membership/test_benefits.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.errors import InvalidInput, StateConflict, Unavailable, Violation
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.outbox import Waker
from services.orders import commands
from tests.integration.orders.others import Points, nobody, scripted_membership
from tests.integration.orders.people import DRAFT, create
from tests.integration.orders.test_commands import counted
from tests.support.calls import claims

# 115.00 less 10 %, of which points pay 2.50.
WITH_POINTS = replace(DRAFT, customer_id=new_id(), level_discount=1_150, level_name="金", points_redeemed=250)


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
async def context(service_database: Callable[[str], DatabaseUrls], points: Points) -> AsyncIterator[commands.Context]:
    database = Database(connect(service_database("orders").app, connections=16, name="test"))
    async with scripted_membership(points) as membership:
        yield commands.Context(database, commands.Numbers(database), Waker(database), membership)
    await database.close()


async def test_points_pay_for_a_part_of_the_order_that_they_are_held_for(
    context: commands.Context, points: Points
) -> None:
    """B1, B2: membership names the order; the total adds up; without points it is not asked."""
    who = claims()
    order = await create(context, who, WITH_POINTS, key="k")
    assert order.order_id == points.holds["k"]
    assert (order.level_discount, order.points_redeemed, order.points_discount) == (1_150, 250, 250)
    assert (order.subtotal, order.total, order.paid) == (11_500, 10_100, 10_100)
    assert points.asked[0].due_minor == 10_350
    await create(context, who, replace(WITH_POINTS, points_redeemed=0))
    assert len(points.asked) == 1


async def test_a_repeat_asks_for_nothing_and_twenty_at_once_write_one_order(
    context: commands.Context, points: Points
) -> None:
    """E7, fault 2."""
    who = claims()

    async def click() -> str:
        try:
            await create(context, who, WITH_POINTS, key="click")
        except Replayed:
            return "replayed"
        return "written"

    answers = await asyncio.gather(*(click() for _ in range(20)))
    assert sorted(answers) == ["replayed"] * 19 + ["written"]
    assert (await counted(context, who, "orders"), len(points.holds)) == (1, 1)
    asked = len(points.asked)
    assert await click() == "replayed"
    assert len(points.asked) == asked


async def test_what_membership_refuses_is_the_orders_refusal_and_nothing_is_written(
    context: commands.Context, points: Points
) -> None:
    """B2, E6: the field is that of the order; the order goes through without points by the same key."""
    who = claims()
    points.refusal = InvalidInput(Violation("points", "points_above_due", {"largest": "9"}))
    with pytest.raises(InvalidInput) as refusal:
        await create(context, who, WITH_POINTS, key="k")
    assert refusal.value.violations == (Violation("points_redeemed", "points_above_due", {"largest": "9"}),)
    points.refusal = StateConflict("points_insufficient", balance="1", points="250")
    with pytest.raises(StateConflict, match="points_insufficient"):
        await create(context, who, WITH_POINTS, key="k")
    away = replace(context, membership=nobody())
    with pytest.raises(Unavailable, match="points_unavailable"):
        await create(away, who, WITH_POINTS, key="k")
    assert [await counted(context, who, t) for t in ("orders", "outbox", "idempotency_keys")] == [0] * 3
    await create(away, who, replace(WITH_POINTS, points_redeemed=0), key="k")


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"points_redeemed": -1}, "points_redeemed", "negative_points"),
        ({"customer_id": None}, "customer_id", "customer_not_chosen"),
        ({"level_discount": 11_501}, "level_discount_minor", "discount_too_large"),
    ],
)
async def test_a_draft_that_cannot_stand_holds_no_points(
    context: commands.Context, points: Points, change: dict[str, int], field: str, reason: str
) -> None:
    """B2: every rule is looked at before membership is asked."""
    with pytest.raises(InvalidInput) as refusal:
        await create(context, claims(), replace(WITH_POINTS, **change))  # type: ignore[arg-type]
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert not points.asked
