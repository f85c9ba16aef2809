"""Net spend, order by order, on a real PostgreSQL: after refunds and merges, page by page (B5)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.commands import Context, RefundWish
from services.orders.domain import Line, Order, SpentOrder
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


async def explained(context: Context, who: ServiceClaims, customer_id: UUID) -> tuple[int, list[SpentOrder]]:
    found: list[SpentOrder] = []
    token = ""
    while True:
        total, page = await queries.explain_spend(context.database, who, customer_id, 4, token)
        found += page.items
        token = page.next_token
        if not token:
            return total, found


async def buy(context: Context, who: ServiceClaims, customer_id: UUID, n: int, *, paid: bool = True) -> Order:
    lines = [Line("", "CD", 1, 1_000 + 37 * n)]
    at = BEGIN + timedelta(hours=n // 2)  # two at a time at the same moment
    return await create(context, who, replace(DRAFT, paid=paid, customer_id=customer_id, lines=lines, placed_at=at))


async def refund(context: Context, who: ServiceClaims, order: Order, amount: int) -> None:
    await commands.refund_order(context, who, once(who), order.order_id, RefundWish(amount, 1, "", ""))


async def merge(context: Context, who: ServiceClaims, merged: list[UUID], survivor: UUID) -> None:
    await commands.relink_orders(context, who, new_id(), merged, survivor)


async def test_sums_follow_payments_and_refunds_order_by_order(context: Context) -> None:
    """B5: to the cent, over pages; what is unpaid or cancelled does not count."""
    who, me, dice = claims(), new_id(), random.Random(11)
    orders = [await buy(context, who, me, n, paid=n % 4 > 0) for n in range(14)]
    for order in orders:
        if order.paid and dice.random() < 0.6:
            await refund(context, who, order, dice.choice((0, dice.randint(1, order.paid))))
    total, found = await explained(context, who, me)
    assert [each.number for each in found] == [each.number for each in reversed(orders) if each.paid]
    running = 0
    for each in reversed(found):
        running += each.paid - each.refunded
        assert each.running == running
    summary = await queries.summarise_customers(context.database, who, [me])
    assert total == running == summary[me][2]
    assert await explained(context, who, new_id()) == (0, [])


async def test_orders_that_a_merge_has_moved_name_the_account_they_were_placed_with(context: Context) -> None:
    """F5, F7: moved by the merge, by a payment or by membership's word afterwards; through two merges the first account is named."""
    who = claims()
    first, second, third = (new_id() for _ in range(3))
    moved = await buy(context, who, first, 0)
    unpaid = await buy(context, who, first, 2, paid=False)
    own = await buy(context, who, second, 4)
    await merge(context, who, [first], second)
    await commands.confirm_payment(context, who, once(who), unpaid.order_id, 1, "", 0)
    late = await buy(context, who, new_id(), 6)
    async with context.database.transaction(who.store) as tx:
        await commands.link_buyers(tx, who.store, [(late.order_id, first)])
    _, found = await explained(context, who, second)
    assert {each.order_id: each.moved_from for each in found} == {
        moved.order_id: first,
        unpaid.order_id: first,
        own.order_id: None,
        late.order_id: first,
    }
    await merge(context, who, [second], third)
    total, found = await explained(context, who, third)
    assert [each.moved_from for each in found] == [first, second, first, first]
    assert total == sum(each.paid for each in found)


@pytest.mark.parametrize("token", ["nonsense", "WyJ4IiwgInkiXQ=="])
async def test_a_page_that_is_none_is_refused(context: Context, token: str) -> None:
    with pytest.raises(InvalidInput, match="invalid_page_token"):
        await queries.explain_spend(context.database, claims(), new_id(), 10, token)
