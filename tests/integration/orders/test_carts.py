"""Carts on a real PostgreSQL: races of putting in, checking out and merging; tenancy; what is told of them (E4, F5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.state import DatabaseUrls
from onefold.membership.v1 import events_pb2 as membership
from onefold.orders.v1 import carts_pb2, events_pb2
from services.common import clock
from services.common.contact import Contact
from services.common.database import Database, connect
from services.common.errors import InvalidInput, OnefoldError, StateConflict, Unavailable, Violation
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.common.outbox import Waker
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.commands import Context, checking_out
from services.orders.consumers import on_member_deleted, on_member_erased
from services.orders.domain import (
    MOST_QUANTITY,
    CartRef,
    CartWish,
    Channel,
    Item,
    ItemDraft,
    Line,
    Order,
    ShownCart,
    token_hash,
)
from tests.integration.orders.others import Points, nobody, scripted_membership
from tests.integration.orders.people import DRAFT
from tests.integration.orders.test_commands import counted, create
from tests.support.calls import claims, once

TEA = ItemDraft("Oolong tea", "烏龍茶", "", 4_500, True, True)
GUEST = replace(DRAFT, paid=False, lines=(), channel=Channel.STOREFRONT, add_as_member=False)


def visitor() -> CartRef:
    return CartRef(token_hash=token_hash(str(new_id())))


async def add_item(context: Context, who: ServiceClaims, **change: Any) -> Item:
    return await commands.create_item(context, who, once(who), replace(TEA, **change))


async def put(
    context: Context,
    who: ServiceClaims,
    ref: CartRef,
    item: Item,
    quantity: int = 1,
    *,
    key: str = "",
    add: bool = True,
) -> ShownCart:
    return await commands.change_cart(context, who, once(who, key), ref, [CartWish(item.item_id, quantity, add)])


async def shown(context: Context, who: ServiceClaims, ref: CartRef) -> dict[str, int] | None:
    """Name → quantity; None when there is no open cart."""
    found = await queries.get_cart(context.database, who, ref)
    return {item.name_en: line.quantity for line, item in found.lines} if found else None


def seen(*lines: tuple[Item, int]) -> Any:
    return replace(
        GUEST, lines=tuple(Line("", "", quantity, item.unit_price, item_id=item.item_id) for item, quantity in lines)
    )


async def check_out(context: Context, who: ServiceClaims, ref: CartRef, draft: Any, key: str = "") -> Order:
    return await commands.check_out_cart(context, who, once(who, key), ref, draft)


async def outcome(attempt: Awaitable[Any]) -> str:
    try:
        done = await attempt
    except OnefoldError as refused:
        return refused.violations[0].reason if isinstance(refused, InvalidInput) else refused.reason
    except Replayed:
        return "replayed"
    return str(done.order_id) if isinstance(done, Order) else "done"


async def told(context: Context, who: ServiceClaims) -> list[events_pb2.CartChanged]:
    async with context.database.transaction(who.store) as tx:
        rows = await tx.execute(text("SELECT payload FROM outbox WHERE type = 'orders.cart_changed.v1' ORDER BY seq"))
        return [events_pb2.CartChanged.FromString(bytes(row.payload)) for row in rows]


async def test_thirty_clicks_put_in_thirty_and_a_double_click_one(context: Context) -> None:
    """E7: all of them the first of this visitor, into one cart."""
    who, mine = claims(), visitor()
    item = await add_item(context, who)
    await asyncio.gather(*(put(context, who, mine, item) for _ in range(30)))
    await asyncio.gather(*(outcome(put(context, who, mine, item, key="click")) for _ in range(10)))
    assert await shown(context, who, mine) == {"Oolong tea": 31}
    assert await counted(context, who, "carts") == 1
    assert await told(context, who) == [], "a visitor's cart is nobody's business"
    await put(context, who, mine, item, 0, add=False)
    assert await shown(context, who, mine) == {}


async def test_twenty_check_outs_at_once_make_one_order(context: Context) -> None:
    """E6, E7: whatever their keys; the price is the list's, the name the reader's. Afterwards the visitor begins anew."""
    who, mine = claims(), visitor()
    item = await add_item(context, who)
    cart = (await put(context, who, mine, item, 2)).cart
    ref = replace(mine, cart_id=cart.cart_id)
    answers = await asyncio.gather(*(outcome(check_out(context, who, ref, seen((item, 2)))) for _ in range(20)))
    assert len(set(answers)) == 1
    assert await counted(context, who, "orders") == 1
    order = await queries.get_order(context.database, who, UUID(answers[0]))
    assert (order.total, order.channel, order.contact.phone) == (9_000, Channel.STOREFRONT, "+85294512053")
    assert [(line.title, line.item_id) for line in order.lines] == [("烏龍茶", item.item_id)]
    assert await shown(context, who, mine) is None
    assert await outcome(put(context, who, ref, item)) == "cart_closed"
    assert (await put(context, who, mine, item)).cart.cart_id != cart.cart_id


async def test_the_same_key_answers_alike_and_another_body_under_it_is_refused(context: Context) -> None:
    """E7."""
    who, mine = claims(), visitor()
    item = await add_item(context, who)
    ref = replace(mine, cart_id=(await put(context, who, mine, item)).cart.cart_id)
    first = await outcome(check_out(context, who, ref, seen((item, 1)), key="k"))
    assert await outcome(check_out(context, who, ref, seen((item, 1)), key="k")) == "replayed"
    with pytest.raises(OnefoldError, match="idempotency_key_reused"):
        await commands.check_out_cart(context, who, once(who, "k", b"other"), ref, seen((item, 1)))
    assert await outcome(check_out(context, who, ref, seen((item, 7)), key="another")) == first


async def test_who_puts_in_while_the_order_is_made_finds_it_in_the_order_or_in_the_next_cart(context: Context) -> None:
    """Never lost, never sold unseen."""
    who = claims()
    item = await add_item(context, who)
    for _ in range(10):
        mine = visitor()
        await put(context, who, mine, item)
        bought, added = await asyncio.gather(
            outcome(check_out(context, who, mine, seen((item, 1)))), outcome(put(context, who, mine, item))
        )
        assert added == "done"
        if bought == "cart_changed":
            assert await shown(context, who, mine) == {"Oolong tea": 2}
        else:
            order = await queries.get_order(context.database, who, UUID(bought))
            assert [line.quantity for line in order.lines] == [1]
            assert await shown(context, who, mine) == {"Oolong tea": 1}


async def test_what_has_changed_since_it_was_seen_is_named_and_nothing_is_ordered(context: Context) -> None:
    who, mine = claims(), visitor()
    first, second = await add_item(context, who), await add_item(context, who, name_en="Tea pot")
    await put(context, who, mine, first)
    await put(context, who, mine, second)
    await commands.change_item(context, who, once(who), first.item_id, replace(TEA, unit_price=4_800), 0)
    await commands.change_item(context, who, once(who), second.item_id, replace(TEA, archived=True), 0)
    with pytest.raises(InvalidInput) as refused:
        await check_out(context, who, mine, seen((first, 1), (second, 1)))
    assert refused.value.violations == (
        Violation("lines[0].unit_price_minor", "price_changed", {"price": "4800"}),
        Violation("lines[1].item_id", "item_not_sold"),
    )
    now = await queries.get_cart(context.database, who, mine)
    assert now
    assert [(line.seen_price, item.unit_price, item.on_sale_online) for line, item in now.lines] == [
        (4_500, 4_800, True),
        (4_500, 4_500, False),
    ]
    assert now.subtotal == 4_800
    await put(context, who, mine, second, 0, add=False)
    assert await outcome(check_out(context, who, mine, seen((replace(first, unit_price=4_800), 1)))) not in (
        "",
        "price_changed",
    )
    assert await counted(context, who, "orders") == 1


async def test_a_visitors_cart_goes_into_the_members_at_log_in_once(context: Context) -> None:
    """F5, E7: quantities of one item add up; two tabs and one who still puts in."""
    who, theirs, member = claims(), visitor(), new_id()
    first, second = await add_item(context, who), await add_item(context, who, name_en="Tea pot")
    mine = CartRef(customer_id=member)
    await put(context, who, mine, first, 2)
    await put(context, who, theirs, first, 3)
    await put(context, who, theirs, second)
    await asyncio.gather(*(commands.claim_cart(context, who, theirs, member) for _ in range(10)))
    assert await shown(context, who, mine) == {"Oolong tea": 5, "Tea pot": 1}
    assert await shown(context, who, theirs) is None
    last = (await told(context, who))[-1]
    assert (last.customer_id, last.lines_count, last.state) == (str(member), 2, carts_pb2.CART_STATE_OPEN)
    claimed, _ = await asyncio.gather(
        commands.claim_cart(context, who, theirs, member), put(context, who, theirs, first)
    )
    assert claimed
    await commands.claim_cart(context, who, theirs, member)
    assert await shown(context, who, mine) == {"Oolong tea": 6, "Tea pot": 1}
    assert await commands.claim_cart(context, who, visitor(), new_id()) is None


async def test_carts_of_merged_accounts_go_into_the_survivors_also_while_they_are_filled(context: Context) -> None:
    """F5, F10, O: whoever still holds the merged id fills the survivor's."""
    who = claims()
    item = await add_item(context, who)
    for _ in range(5):
        merged, twin, survivor = new_id(), new_id(), new_id()
        await put(context, who, CartRef(customer_id=merged), item)
        await put(context, who, CartRef(customer_id=twin), item)
        await asyncio.gather(
            commands.relink_orders(context, who, new_id(), [merged, twin], survivor),
            *(put(context, who, CartRef(customer_id=owner), item) for owner in (merged, twin, survivor)),
        )
        await commands.relink_orders(context, who, new_id(), [merged, twin], survivor)
        for owner in (merged, twin, survivor):
            assert await shown(context, who, CartRef(customer_id=owner)) == {"Oolong tea": 5}
    async with context.database.transaction(who.store) as tx:
        rows = await tx.execute(text("SELECT customer_id FROM carts WHERE state = 1"))
        assert len({row.customer_id for row in rows}) == 5


async def test_a_merge_shows_beforehand_what_becomes_of_carts_and_which_orders_are_under_way(context: Context) -> None:
    """F4, F8: by the function that moves them; what a cart has no room for is named, and is what is missing afterwards."""
    who = claims()
    tea, pot = await add_item(context, who), await add_item(context, who, name_en="Tea pot")
    survivor, merged, empty = new_id(), new_id(), new_id()
    await put(context, who, CartRef(customer_id=merged), tea, 990)
    await put(context, who, CartRef(customer_id=merged), pot)
    await create(context, who, replace(DRAFT, customer_id=survivor))
    alone = await queries.preview_relink(context.database, who, survivor, [merged, empty])
    await put(context, who, CartRef(customer_id=survivor), tea, 30)
    both = await queries.preview_relink(context.database, who, survivor, [merged, empty])
    assert {line.item_id: line.quantity for line in alone.cart} == {tea.item_id: 990, pot.item_id: 1}
    assert {line.item_id: line.quantity for line in both.cart} == {tea.item_id: MOST_QUANTITY, pot.item_id: 1}
    assert [(line.item_id, line.quantity) for line in both.left_out] == [(tea.item_id, 21)]
    assert (both.under_way, alone.left_out) == ({survivor: 1}, [])
    assert await shown(context, who, CartRef(customer_id=merged)) == {"Oolong tea": 990, "Tea pot": 1}
    await commands.relink_orders(context, who, new_id(), [merged, empty], survivor)
    assert await shown(context, who, CartRef(customer_id=empty)) == {"Oolong tea": MOST_QUANTITY, "Tea pot": 1}


async def test_a_members_cart_is_told_of_and_its_order_is_the_members(context: Context) -> None:
    """E4: whoever the request says buys."""
    who, member = claims(), new_id()
    mine = CartRef(customer_id=member)
    item = await add_item(context, who)
    await put(context, who, mine, item)
    order = await check_out(
        context, who, mine, replace(seen((item, 1)), customer_id=new_id(), contact=Contact("陳大文"))
    )
    assert order.customer_id == member
    news = await told(context, who)
    assert [(each.state, each.lines_count) for each in news] == [(1, 1), (2, 1)]


@pytest.mark.parametrize("gone", ["erased", "deleted"])
async def test_the_cart_of_somebody_who_is_gone_ends(context: Context, gone: str) -> None:
    """C9, C12, D."""
    who, member, other = claims(), new_id(), new_id()
    item = await add_item(context, who)
    for owner in (member, other):
        await put(context, who, CartRef(customer_id=owner), item)
    message: Any = membership.MemberDeleted(customer_id=str(member))
    if gone == "erased":
        message = membership.MemberErased(customer_id=str(member))
        message.erased_at.FromDatetime(clock.now())
    handler = on_member_erased if gone == "erased" else on_member_deleted
    for _ in range(2):
        async with context.database.transaction(who.store) as tx:
            await handler(tx, who.store, [Delivered(new_id(), who.store, "", 1, message, "")])
    assert await shown(context, who, CartRef(customer_id=member)) is None
    assert await shown(context, who, CartRef(customer_id=other)) == {"Oolong tea": 1}
    last = (await told(context, who))[-1]
    assert (last.state, last.lines_count) == (carts_pb2.CART_STATE_ENDED, 0)


async def test_no_store_and_no_stranger_opens_anothers_cart(context: Context) -> None:
    """S, fault 30: in the same words as for one that nobody has."""
    mine, theirs, owner = claims(), claims(), visitor()
    item = await add_item(context, mine)
    cart = (await put(context, mine, owner, item)).cart
    foreign = await add_item(context, theirs)
    for who, ref in (
        (theirs, CartRef(cart.cart_id)),
        (theirs, replace(owner, cart_id=cart.cart_id)),
        (mine, replace(visitor(), cart_id=cart.cart_id)),
        (mine, CartRef(cart.cart_id, customer_id=new_id())),
        (mine, CartRef(new_id())),
    ):
        assert await outcome(queries.get_cart(context.database, who, ref)) == "cart_not_found"
        assert await outcome(put(context, who, ref, item)) == "cart_not_found"
        assert await outcome(check_out(context, who, ref, seen((item, 1)))) == "cart_not_found"
        assert await outcome(commands.claim_cart(context, who, ref, new_id())) == "cart_not_found"
    assert await outcome(put(context, mine, owner, foreign)) == "unknown_item"
    assert await shown(context, mine, owner) == {"Oolong tea": 1}


async def test_points_are_taken_before_and_without_membership_the_cart_stays(context: Context) -> None:
    """B2, E6."""
    who, member, points = claims(), new_id(), Points()
    mine = CartRef(customer_id=member)
    item = await add_item(context, who)
    await put(context, who, mine, item)
    draft = replace(seen((item, 1)), points_redeemed=250)
    with pytest.raises(Unavailable, match="points_unavailable"):
        await check_out(context, who, mine, draft)
    assert await shown(context, who, mine) == {"Oolong tea": 1}
    async with scripted_membership(points) as reached:
        order = await check_out(replace(context, membership=reached), who, mine, draft, key="k")
    assert (order.order_id, order.total, points.asked[0].customer_id) == (points.holds["k"], 4_250, str(member))


async def test_a_visitor_orders_only_so_often(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each order sends a mail to an address that somebody has typed."""
    monkeypatch.setattr(checking_out, "MOST_CHECKOUTS", 2)
    who, mine = claims(), visitor()
    item = await add_item(context, who)
    for _ in range(2):
        await put(context, who, mine, item)
        await check_out(context, who, mine, seen((item, 1)))
    await put(context, who, mine, item)
    with pytest.raises(StateConflict, match="too_many_checkouts"):
        await check_out(context, who, mine, seen((item, 1)))


async def test_carts_that_visitors_have_left_for_good_are_forgotten(
    service_database: Callable[[str], DatabaseUrls],
) -> None:
    """Of all stores; members' stay."""
    urls = service_database("orders")
    database = Database(connect(urls.app, connections=4, name="test"))
    worker = Database(connect(urls.worker, connections=2, name="test-work"))
    context = Context(database, commands.Numbers(database), Waker(database), nobody())
    who, old, fresh, member = claims(), visitor(), visitor(), CartRef(customer_id=new_id())
    item = await add_item(context, who)
    for ref in (old, fresh, member):
        await put(context, who, ref, item)
    async with database.transaction(who.store) as tx:
        await tx.execute(
            text("UPDATE carts SET changed_at = :at WHERE token_hash IS DISTINCT FROM :fresh"),
            {"at": clock.now() - timedelta(days=91), "fresh": fresh.token_hash},
        )
    assert [await commands.drop_stale_carts(worker) for _ in range(2)] == [1, 0]
    assert [await shown(context, who, ref) for ref in (old, fresh, member)] == [None, *[{"Oolong tea": 1}] * 2]
    await database.close()
    await worker.close()
