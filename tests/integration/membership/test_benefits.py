"""Levels and points in orders: quoted, held, confirmed, spent, given back (B1, B2, B4, P)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.contact import Contact
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict, Unavailable
from services.common.ids import new_id
from services.membership import commands
from services.membership.clients import Others
from services.membership.domain import Benefits, HoldState, KnownBuyer, PointsSettings, Reason, Redemption, Status
from services.membership.queries.benefits import get_buyer, quote_benefits
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import Shop, buyer, order, settle, some_phone, told
from tests.integration.membership.ranks import Ranks, level
from tests.support.calls import once


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def others(script: Script) -> AsyncIterator[Others]:
    async with scripted_others(script) as known:
        yield known


async def reserve(
    shop: Shop, customer_id: UUID, points: int, due: int = 10_000, key: str = "", body: bytes = b""
) -> Redemption:
    use: Any = once(shop.who, key, body)
    return await commands.reserve_points(shop.context, shop.who, use, customer_id, points, due)


async def quote(shop: Shop, customer_id: UUID, amount: int) -> Benefits:
    return await quote_benefits(shop.context.database, shop.who, customer_id, amount)


async def identify(shop: Shop, customer_id: UUID, amount: int) -> tuple[KnownBuyer, int]:
    return await get_buyer(shop.context.database, shop.who, customer_id, amount)


async def balance(shop: Shop, customer_id: UUID) -> int:
    return (await shop.customer(customer_id)).points_balance


async def state_of(shop: Shop, held: Redemption) -> HoldState:
    [row] = await shop.rows("SELECT state FROM redemptions WHERE order_id = :id", id=held.order_id)
    return HoldState(row.state)


async def make_old(shop: Shop) -> None:
    await shop.rows("UPDATE redemptions SET reserved_at = reserved_at - interval '16 minutes' RETURNING 1")


def with_points(held: Redemption, customer_id: UUID, *, paid: bool = True, version: int = 1) -> orders_pb.Order:
    bought = order(customer_id, 9_000, order_id=held.order_id, paid=paid, version=version)
    bought.points_redeemed, bought.points_discount_minor = held.points, held.discount
    return bought


async def test_a_quote_tells_what_level_and_points_are_worth(shop: Shop) -> None:
    """B1, B2: the points for what the level leaves, by any id that the member ever had."""
    member, merged = await shop.member(), await shop.member()
    await Ranks(shop).save(level("Gold", 10_000, discount=15))
    await shop.hear(*told(order(member, 10_000)))
    await shop.award(member, 400)
    await shop.absorb(member, merged)
    expected = Benefits(member, "Gold", 15, 150, 500, 100, 500, 500)
    assert await quote(shop, member, 1_003) == expected
    assert await quote(shop, merged, 1_003) == expected
    small = await quote(shop, member, 100)
    assert (small.level_discount, small.usable, small.value) == (15, 85, 85)
    guest = await shop.enrol(buyer("", "", add_as_member=False))
    assert await quote(shop, guest.customer_id, 1_000) == Benefits(guest.customer_id)
    with pytest.raises(NotFound, match="customer_not_found"):
        await quote(shop.another(), member, 1_000)


async def test_an_order_takes_over_who_buys_and_what_the_level_takes_off(shop: Shop) -> None:
    """A4, B1, F10: in one step, by any id that the member ever had; whom nobody has asked for a discount gets none."""
    member, merged = await shop.member(), await shop.member()
    known = await shop.customer(member)
    await Ranks(shop).save(level("Gold", 10_000, discount=15))
    plain = KnownBuyer(member, Status.MEMBER, Contact(known.name, known.phone, known.email), "", 0)
    assert await identify(shop, member, 1_003) == (plain, 0)
    await shop.hear(*told(order(member, 10_000)))
    await shop.absorb(member, merged)
    gold = replace(plain, level_name="Gold", discount=15)
    for customer_id in (member, merged):
        assert await identify(shop, customer_id, 1_003) == (gold, 150)
    assert await identify(shop, member, 0) == (gold, 0)
    phone = some_phone()
    guest = await shop.enrol(buyer(phone, "", add_as_member=False))
    found, discount = await identify(shop, guest.customer_id, 1_000)
    assert (found.status, found.contact.phone, discount) == (Status.GUEST, phone, 0)
    with pytest.raises(NotFound, match="customer_not_found"):
        await identify(shop.another(), member, 1_000)
    with pytest.raises(InvalidInput, match="amount_minor"):
        await identify(shop, member, -1)


async def test_a_hold_takes_the_points_that_expire_first_and_is_one_for_one_key(shop: Shop) -> None:
    """B2, B4, E7: a repeat of the order's call gets the same order id; another request by that key is refused."""
    member = await shop.member()
    await shop.award(member, 100, "2099-12-31")
    await shop.award(member, 30, "2098-12-31")
    held = await reserve(shop, member, 50, key="order")
    assert (held.points, held.discount, await balance(shop, member)) == (50, 50, 80)
    remaining = await shop.rows("SELECT remaining FROM points_lots ORDER BY expires_at")
    assert [row.remaining for row in remaining] == [0, 80]
    assert (await reserve(shop, member, 50, key="order")).order_id == held.order_id
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await reserve(shop, member, 50, key="order", body=b"other")
    assert await balance(shop, member) == 80
    await shop.audit()


async def test_what_cannot_be_taken_is_refused_and_nothing_is_held(shop: Shop) -> None:
    """B2."""
    member = await shop.member()
    guest = (await shop.enrol(buyer("", "", add_as_member=False))).customer_id
    for customer_id, error, reason in (
        (member, StateConflict, "points_insufficient"),
        (guest, StateConflict, "not_a_member"),
        (new_id(), NotFound, "customer_not_found"),
    ):
        with pytest.raises(error, match=reason):
            await reserve(shop, customer_id, 10)
    await shop.award(member, 100)
    await commands.save_points_settings(shop.context, shop.who, once(shop.who), PointsSettings(redeem_per_unit=0))
    with pytest.raises(StateConflict, match="points_not_redeemable"):
        await reserve(shop, member, 10)
    assert await balance(shop, member) == 100
    assert not await shop.rows("SELECT 1 FROM redemptions")


@pytest.mark.parametrize(("calls", "points"), [(2, 60), (50, 51)])
async def test_tills_that_redeem_more_than_is_held_at_once_have_one_winner(shop: Shop, calls: int, points: int) -> None:
    """P, fault 11."""
    member = await shop.member()
    await shop.award(member, 100)
    results = await settle(*(reserve(shop, member, points) for _ in range(calls)))
    assert [r.reason for r in results if isinstance(r, StateConflict)] == ["points_insufficient"] * (calls - 1)
    assert await balance(shop, member) == 100 - points
    await shop.audit()


async def test_orders_confirm_and_spend_what_they_hold_in_any_order_of_news(shop: Shop) -> None:
    """B2: older news takes nothing back."""
    member = await shop.member()
    await shop.award(member, 100)
    paid_later, born_paid = await reserve(shop, member, 10), await reserve(shop, member, 10)
    await shop.hear(*told(with_points(paid_later, member, paid=False)), *told(with_points(born_paid, member)))
    assert [await state_of(shop, held) for held in (paid_later, born_paid)] == [HoldState.CONFIRMED, HoldState.SPENT]
    await shop.hear(*told(with_points(paid_later, member, version=2)))
    await shop.hear(*told(with_points(paid_later, member, paid=False)))
    assert await state_of(shop, paid_later) is HoldState.SPENT


async def test_a_hold_without_an_order_goes_back_after_a_while_and_once(
    shop: Shop, others: Others, script: Script
) -> None:
    """B4: with the expiry that the points had; one whose order stands is confirmed; while orders is away nothing happens."""
    member = await shop.member()
    await shop.award(member, 100, "2098-12-31")
    orphan, placed, young = [await reserve(shop, member, points) for points in (40, 30, 20)]
    await commands.settle_holds(shop.worker, others)
    assert await balance(shop, member) == 10
    await shop.rows(
        "UPDATE redemptions SET reserved_at = reserved_at - interval '16 minutes' WHERE order_id <> :id RETURNING 1",
        id=young.order_id,
    )
    script.orders[str(orphan.order_id)] = Unavailable("service_unavailable")
    script.orders[str(placed.order_id)] = with_points(placed, member)
    await commands.settle_holds(shop.worker, others)
    assert await balance(shop, member) == 10
    del script.orders[str(orphan.order_id)]
    await settle(*(commands.settle_holds(shop.worker, others) for _ in range(3)))
    states = [await state_of(shop, held) for held in (orphan, placed, young)]
    assert states == [HoldState.RETURNED, HoldState.SPENT, HoldState.HELD]
    assert await balance(shop, member) == 50
    [lot] = await shop.rows("SELECT points, expires_at FROM points_lots WHERE points = 40")
    assert lot.expires_at.year == 2098
    await shop.audit()


async def test_a_repeat_after_the_points_went_back_takes_them_anew(shop: Shop, others: Others) -> None:
    """E7: under another order id, so that no order stands on points that are not held; a repeat before that keeps them."""
    member = await shop.member()
    await shop.award(member, 100)
    first = await reserve(shop, member, 60, key="order")
    await make_old(shop)
    assert (await reserve(shop, member, 60, key="order")).order_id == first.order_id
    await commands.settle_holds(shop.worker, others)
    assert await state_of(shop, first) is HoldState.HELD
    await make_old(shop)
    await commands.settle_holds(shop.worker, others)
    again = await reserve(shop, member, 60, key="order")
    assert again.order_id != first.order_id
    assert await balance(shop, member) == 40
    await shop.audit()


async def test_a_hold_goes_with_a_merge(shop: Shop, others: Others) -> None:
    """F10, F11: points that come back go to the account that stays, and so does what an order spends."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(merged, 100)
    orphan, placed = await reserve(shop, merged, 30, key="till"), await reserve(shop, merged, 20)
    await shop.absorb(primary, merged)
    assert (await reserve(shop, primary, 30, key="till")).order_id == orphan.order_id
    await shop.hear(*told(with_points(placed, merged)))
    await make_old(shop)
    await commands.settle_holds(shop.worker, others)
    # 100 - 20 spent, and 90 that the order has earned.
    assert await balance(shop, primary) == 170
    owners = await shop.rows("SELECT DISTINCT customer_id FROM redemptions")
    assert [row.customer_id for row in owners] == [primary]
    [back] = await shop.rows("SELECT customer_id FROM points_entries WHERE reason = :r", r=Reason.RETURNED)
    assert back.customer_id == primary
    await shop.audit()


async def test_points_held_while_the_member_is_merged_are_neither_lost_nor_doubled(shop: Shop, others: Others) -> None:
    """P, fault 11: holds, returns and a merge at once."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(merged, 1_000)
    for _ in range(5):
        await reserve(shop, merged, 50)
    await make_old(shop)
    await settle(
        *(reserve(shop, merged, 50) for _ in range(10)),
        shop.absorb(primary, merged),
        commands.settle_holds(shop.worker, others),
    )
    await make_old(shop)
    await commands.settle_holds(shop.worker, others)
    assert await balance(shop, merged) == 1_000
    await shop.audit()
