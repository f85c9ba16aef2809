"""Carts left unchecked, on a real PostgreSQL: found by the filter, gone once checked out or empty, moved by merges (C3, E4, F5)."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from uuid import UUID

from services.common import clock
from services.common.ids import new_id
from services.membership import commands, queries
from services.membership.domain import CartState, Filter, Wish
from tests.integration.membership.people import Shop


async def hear(shop: Shop, *news: CartState) -> None:
    async with shop.worker.database.transaction(shop.store_id) as tx:
        await commands.follow_carts(tx, shop.store_id, news)


async def found(shop: Shop) -> set[UUID]:
    """Members whom the filter finds."""
    page = await queries.list_customers(shop.context.database, shop.who, 0, "", Wish(Filter(cart_unchecked=True)))
    return {customer.customer_id for customer in page.page.items}


async def left(shop: Shop, customer_id: UUID) -> datetime | None:
    rows = await shop.rows("SELECT cart_since FROM customers WHERE customer_id = :id", id=customer_id)
    since: datetime | None = rows[0].cart_since
    return since


async def test_a_cart_is_unchecked_until_it_is_empty_or_checked_out_whatever_the_order_of_the_news(shop: Shop) -> None:
    """C3: every order in which three events can come."""
    now = clock.now()
    for order in itertools.permutations(range(3)):
        member, cart = await shop.member(), new_id()
        news = [CartState(cart, member, version + 2, now if version < 2 else None) for version in range(3)]
        for place in order:
            await hear(shop, news[place])
        assert await left(shop, member) is None
        await hear(shop, CartState(new_id(), member, 2, now))
        assert await left(shop, member) == now
    assert len(await found(shop)) == 6


async def test_only_what_was_left_within_seven_days_is_found(shop: Shop) -> None:
    """C3: of several carts the last counts; a cart of nobody known harms nobody."""
    now = clock.now()
    recent, old = await shop.member(), await shop.member()
    await hear(
        shop,
        CartState(new_id(), recent, 2, now - timedelta(days=30)),
        CartState(new_id(), recent, 2, now - timedelta(days=1)),
        CartState(new_id(), old, 2, now - timedelta(days=8)),
        CartState(new_id(), new_id(), 2, now),
    )
    assert await found(shop) == {recent}


async def test_a_merge_takes_the_mark_along_also_when_news_comes_at_that_moment(shop: Shop) -> None:
    """F5, F10: news that names a merged account is the survivor's."""
    now = clock.now()
    for late in (False, True):
        primary, merged, cart = await shop.member(), await shop.member(), new_id()
        await hear(shop, CartState(cart, merged, 2, now - timedelta(days=2)))
        news = hear(shop, CartState(cart, merged, 3, now))
        if late:
            await shop.absorb(primary, merged)
            await news
        else:
            await asyncio.gather(shop.absorb(primary, merged), news)
        assert await left(shop, primary) == now
        assert await left(shop, merged) is None
        await hear(shop, CartState(cart, merged, 4, None), CartState(new_id(), primary, 2, now))
        assert await left(shop, primary) == now
