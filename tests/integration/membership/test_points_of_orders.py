"""What orders, refunds, birthdays and time do to points (B2, B4, P)."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from onefold.membership.v1 import events_pb2
from onefold.membership.v1 import service_pb2 as pb
from services.common import clock
from services.common.errors import Conflict, InvalidInput, StateConflict
from services.membership import commands, queries
from services.membership.commands.gifts import birthdays_on
from services.membership.domain import PointsSettings, Reason, Rounding
from services.membership.queries import levels as level_queries
from tests.integration.membership.people import Shop, order, refund, settle, told
from tests.integration.membership.ranks import Ranks, level
from tests.support.calls import once


async def redeem(shop: Shop, customer_id: UUID, points: int) -> UUID:
    """Takes points; the id of the order that they are for."""
    use: Any = once(shop.who)
    held = await commands.reserve_points(shop.context, shop.who, use, customer_id, points, 10_000)
    return held.order_id


async def balance(shop: Shop, customer_id: UUID) -> int:
    return (await shop.customer(customer_id)).points_balance


async def entries(shop: Shop, customer_id: UUID) -> list[Any]:
    """The ledger, newest first."""
    return list((await queries.list_entries(shop.context.database, shop.who, 100, "", customer_id)).page.items)


async def save_settings(shop: Shop, **changes: Any) -> PointsSettings:
    settings = PointsSettings(**changes)
    return await commands.save_points_settings(shop.context, shop.who, once(shop.who), settings)


async def test_orders_earn_by_the_stores_settings(shop: Shop) -> None:
    """B2: rounded as the store wants; what was earned before stays as it was."""
    member = await shop.member()
    await shop.hear(*told(order(member, 12_399)))
    saved = await save_settings(shop, earn_per_unit=3, redeem_per_unit=50, validity_months=6, rounding=Rounding.UP)
    assert saved.version == 1
    assert await level_queries.get_points_settings(shop.context.database, shop.who) == saved
    await shop.hear(*told(order(member, 12_399)))
    assert [entry.points for entry in await entries(shop, member)] == [372, 123]
    [later, earlier] = await shop.rows("SELECT expires_at FROM points_lots ORDER BY points DESC")
    assert later.expires_at < earlier.expires_at


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"earn_per_unit": -1}, "earn_per_unit", "out_of_range"),
        ({"redeem_per_unit": 10_001}, "redeem_per_unit", "out_of_range"),
        ({"validity_months": 0}, "validity_months", "out_of_range"),
        ({"rounding": 4}, "rounding", "unknown_value"),
    ],
)
async def test_wrong_settings_name_the_field(shop: Shop, change: dict[str, int], field: str, reason: str) -> None:
    """B2: and nothing is written."""
    with pytest.raises(InvalidInput) as refusal:
        await save_settings(shop, **change)
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert (await level_queries.get_points_settings(shop.context.database, shop.who)).version == 0


async def test_settings_that_somebody_else_has_changed_are_not_overwritten(shop: Shop) -> None:
    """B2."""
    results = await settle(*(save_settings(shop, earn_per_unit=n) for n in range(3)))
    assert [r.reason for r in results if isinstance(r, Conflict)] == ["stale_version"] * 2
    with pytest.raises(Conflict, match="stale_version"):
        await save_settings(shop)


async def test_a_refund_takes_back_what_the_order_earned_in_proportion_and_once(shop: Shop) -> None:
    """B4: each state of the order as often as it likes, in any order; the events say what moved."""
    member = await shop.member()
    bought = order(member, 10_000)
    await shop.hear(*told(bought), *told(order(member, 5_000)))
    steps = [refund(bought, 2_500, 2), refund(bought, 9_999, 3), refund(bought, 10_000, 4)]
    for event, expected in zip(steps, (125, 51, 50), strict=True):
        await shop.hear(event)
        assert await balance(shop, member) == expected
    again = steps * 2
    random.Random(4).shuffle(again)
    await shop.hear(*again)
    assert await balance(shop, member) == 50
    assert (await shop.customer(member)).net_spend == 5_000
    posted = [events_pb2.PointsPosted.FromString(row.payload) for row in await shop.events("points_posted")]
    reversed_ = [p for p in posted if p.reason == pb.POINTS_REASON_REVERSED]
    assert [(p.points, p.order_id) for p in reversed_] == [
        (-25, bought.order_id),
        (-74, bought.order_id),
        (-1, bought.order_id),
    ]
    await shop.audit()


async def test_an_order_that_is_first_heard_of_when_it_is_refunded_leaves_nothing(shop: Shop) -> None:
    """B4, rule 3: the payment's event comes late, and is older news by then."""
    member = await shop.member()
    bought = order(member, 10_000)
    await shop.hear(refund(bought, 10_000, 3))
    await shop.hear(*told(bought))
    assert await balance(shop, member) == 0
    assert [(e.reason, e.points) for e in await entries(shop, member)] == [
        (Reason.REVERSED, -100),
        (Reason.EARNED, 100),
    ]
    await shop.audit()


async def test_what_is_spent_cannot_be_taken_back_and_is_noted(shop: Shop) -> None:
    """B4, P: never below zero; what was missing is not taken later either."""
    member = await shop.member()
    bought = order(member, 10_000)
    await shop.hear(*told(bought))
    await redeem(shop, member, 70)
    await shop.hear(refund(bought, 10_000, 2))
    assert await balance(shop, member) == 0
    [last, *_] = await entries(shop, member)
    assert (last.reason, last.points, last.shortfall, last.balance_after) == (Reason.REVERSED, -30, 70, 0)
    await shop.award(member, 500)
    await shop.hear(refund(bought, 10_000, 3))
    assert await balance(shop, member) == 500
    nothing_left = order(member, 1_000)
    await shop.hear(*told(nothing_left))
    await redeem(shop, member, 510)
    await shop.hear(refund(nothing_left, 1_000, 2))
    [last, *_] = await entries(shop, member)
    assert (last.points, last.shortfall) == (0, 10)
    await shop.audit()


async def test_a_refund_gives_back_what_the_order_redeemed_with_its_expiry(shop: Shop) -> None:
    """B4: in proportion and once; the points that are good longest come first."""
    member = await shop.member()
    await save_settings(shop, earn_per_unit=0)
    await shop.award(member, 100, "2098-12-31")
    await shop.award(member, 100, "2099-12-31")
    bought = order(member, 10_000, order_id=await redeem(shop, member, 150))
    assert await balance(shop, member) == 50
    await shop.hear(*told(bought))
    await shop.hear(refund(bought, 5_000, 2))
    await shop.hear(refund(bought, 5_000, 3))
    assert await balance(shop, member) == 125
    await shop.hear(refund(bought, 10_000, 4))
    assert await balance(shop, member) == 200
    returned = [e for e in reversed(await entries(shop, member)) if e.reason is Reason.RETURNED]
    assert [(e.points, e.expires_at.year) for e in returned] == [(50, 2099), (25, 2098), (75, 2098)]
    await shop.audit()


async def test_redeemed_points_that_have_expired_meanwhile_come_back_as_good_as_new(shop: Shop) -> None:
    """B4."""
    member = await shop.member()
    await save_settings(shop, earn_per_unit=0)
    await shop.award(member, 100, "2098-12-31")
    bought = order(member, 10_000, order_id=await redeem(shop, member, 100))
    await shop.rows("UPDATE points_lots SET expires_at = now() - interval '1 day' RETURNING 1")
    await shop.hear(*told(bought))
    await shop.hear(refund(bought, 10_000, 2))
    assert await balance(shop, member) == 100
    [last, *_] = await entries(shop, member)
    assert last.expires_at > clock.now() + timedelta(days=360)


async def test_a_refund_after_a_merge_finds_the_points_in_the_account_that_stays(shop: Shop) -> None:
    """B4, F5, F11: what the order earned is taken from the lot that it became."""
    primary, merged = await shop.member(), await shop.member()
    await shop.award(primary, 40, (clock.now() + timedelta(days=5)).date().isoformat())
    await shop.award(merged, 30, "2099-12-31")
    bought = order(merged, 10_000, order_id=await redeem(shop, merged, 30))
    await shop.hear(*told(bought))
    await shop.absorb(primary, merged)
    await shop.hear(refund(bought, 10_000, 2))
    assert await balance(shop, primary) == 70
    remaining = await shop.rows(
        "SELECT remaining FROM points_lots WHERE customer_id = :id AND remaining > 0", id=primary
    )
    assert sorted(row.remaining for row in remaining) == [30, 40]
    await shop.audit()


async def test_points_that_expired_are_not_taken_a_second_time(shop: Shop) -> None:
    """B4: an order refunded after its points have run out."""
    member = await shop.member()
    bought = order(member, 10_000)
    await shop.hear(*told(bought))
    await shop.award(member, 50)
    await shop.rows("UPDATE points_lots SET expires_at = now() - interval '1 day' WHERE points = 100 RETURNING 1")
    await commands.expire_points(shop.worker)
    await shop.hear(refund(bought, 10_000, 2))
    assert await balance(shop, member) == 50


async def test_redeeming_and_deducting_at_once_never_goes_below_zero(shop: Shop) -> None:
    """P, fault 11: twenty calls for 10 of 95 points."""
    member = await shop.member()
    await shop.award(member, 60)
    await shop.award(member, 35, "2098-01-01")
    calls = [redeem(shop, member, 10) if n % 2 else shop.award(member, -10) for n in range(20)]
    refused = [r for r in await settle(*calls) if isinstance(r, StateConflict)]
    assert [r.reason for r in refused] == ["points_insufficient"] * 11
    assert await balance(shop, member) == 5
    await shop.audit()


async def test_refunds_redemptions_and_merges_at_once_lose_no_point(shop: Shop) -> None:
    """P, fault 11: whoever is first, the sums agree and nothing is below zero."""
    members = [await shop.member() for _ in range(4)]
    orders = [order(members[n % 4], 10_000) for n in range(12)]
    await shop.hear(*(event for one in orders for event in told(one)))

    async def buy_with_points(member: UUID) -> None:
        bought = order(member, 1_000, order_id=await redeem(shop, member, 60))
        await shop.hear(*told(bought), refund(bought, 1_000, 2))

    await asyncio.gather(
        *(shop.hear(*(refund(one, 10_000, 2) for one in orders[n::3])) for n in range(3)),
        settle(*(buy_with_points(members[n % 4]) for n in range(8))),
        settle(shop.absorb(members[0], members[1])),
        settle(shop.absorb(members[2], members[3])),
    )
    await shop.hear(*(refund(one, 10_000, 3) for one in orders))
    assert (await shop.customer(members[0])).net_spend == 0
    await shop.audit()


@pytest.mark.parametrize("points", [0, -5, 10**10])
async def test_a_wrong_redemption_names_the_field(shop: Shop, points: int) -> None:
    """B2."""
    with pytest.raises(InvalidInput, match="points: out_of_range"):
        await redeem(shop, await shop.member(), points)


async def test_each_line_of_the_ledger_shows_the_balance_after_it(shop: Shop) -> None:
    """B4: over pages, and the lot that it touched."""
    member = await shop.member()
    for points in (50, 30, -20, 10, -60):
        await shop.award(member, points)
    read, token = [], ""
    while True:
        statement = await queries.list_entries(shop.context.database, shop.who, 2, token, member)
        read += statement.page.items
        token = statement.page.next_token
        if not token:
            break
    changes = [entry.points for entry in reversed(read)]
    sums = [sum(changes[: n + 1]) for n in range(len(changes))]
    assert [entry.balance_after for entry in reversed(read)] == sums
    assert sums[-1] == statement.balance == 10
    lots = {row.lot_id for row in await shop.rows("SELECT lot_id FROM points_lots")}
    assert {entry.lot_id for entry in read} <= lots


async def test_points_that_run_out_soon_are_listed_with_totals(shop: Shop) -> None:
    """B2: within 30 days, by expiry and customer; another store's are not among them."""
    first, second = [await shop.member(name=name) for name in ("陳大文", "李小明")]
    days = [(clock.now() + timedelta(days=n)).date().isoformat() for n in (3, 20, 45)]
    for customer_id, points, day in (
        (first, 10, days[1]),
        (second, 20, days[0]),
        (second, 5, days[0]),
        (first, 7, days[2]),
    ):
        await shop.award(customer_id, points, day)
    await shop.award(first, -4)
    listed: list[Any] = []
    token = ""
    for _ in range(2):
        found = await level_queries.list_expiring(shop.context.database, shop.who, 1, token)
        listed += found.page.items
        if not token:
            assert (found.points, found.customers) == (31, 2)
        token = found.page.next_token
    assert token == ""
    assert [(item.customer_id, item.name, item.points) for item in listed] == [
        (second, "李小明", 25),
        (first, "陳大文", 6),
    ]
    other = await level_queries.list_expiring(shop.context.database, shop.another().who, 0, "")
    assert (other.page.items, other.points, other.customers) == ([], 0, 0)
    with pytest.raises(InvalidInput, match="invalid_page_token"):
        await level_queries.list_expiring(shop.context.database, shop.who, 0, "W10=")


@pytest.mark.parametrize(
    ("day", "births"),
    [
        (date(2027, 2, 28), [(2, 28), (2, 29)]),
        (date(2028, 2, 28), [(2, 28)]),
        (date(2028, 2, 29), [(2, 29)]),
        (date(2027, 3, 1), [(3, 1)]),
    ],
)
def test_births_of_leap_days_are_celebrated_every_year(day: date, births: list[tuple[int, int]]) -> None:
    """B1."""
    assert birthdays_on(day) == births


async def test_birthday_points_are_given_once_a_year_on_the_stores_day(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B1: to members of levels that have them, however often the loop comes by; days that were missed are made up for."""
    ranks = Ranks(shop)
    members = [await shop.member() for _ in range(4)]
    for customer_id, born in zip(members, ("1990-03-09", "1990-03-09", "1992-02-29", "1990-03-12"), strict=True):
        await shop.rows(
            "UPDATE customers SET birthday = :day WHERE customer_id = :id RETURNING 1",
            day=date.fromisoformat(born),
            id=customer_id,
        )

    def at(text: str) -> None:
        monkeypatch.setattr(clock, "now", lambda: datetime.fromisoformat(text).replace(tzinfo=UTC))

    at("2027-02-27T15:00:00")
    await ranks.save(level("Basic", 100), level("Gold", 10_000, birthday_points=88))
    await shop.hear(*(e for i in (members[0], members[2], members[3]) for e in told(order(i, 10_000))))
    await shop.hear(*told(order(members[1], 100)))

    async def gifts() -> list[int]:
        await commands.give_birthday_points(shop.worker)
        found = await shop.rows("SELECT customer_id FROM points_entries WHERE reason = :r", r=Reason.BIRTHDAY)
        return sorted(members.index(row.customer_id) for row in found)

    assert await gifts() == []
    at("2027-02-27T16:30:00")  # the 28th in Hong Kong
    assert await gifts() == [2]
    assert await gifts() == [2]
    at("2027-03-08T15:00:00")  # the 8th
    assert await gifts() == [2]
    at("2027-03-13T12:00:00")
    assert await gifts() == [0, 2, 3]
    at("2028-02-29T00:00:00")
    assert await gifts() == [0, 2, 2, 3]
    [row] = await shop.rows("SELECT expires_at FROM points_lots WHERE points = 88 AND customer_id = :id", id=members[0])
    assert row.expires_at == datetime(2028, 3, 13, 15, 59, 59, tzinfo=UTC)
    await shop.audit()
