"""Levels on a real PostgreSQL: by orders, by hand, by time, by new rules (B1, B3, B6)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.local import cdnow
from deploy.local.state import DatabaseUrls
from onefold.membership.v1 import events_pb2, levels_pb2
from services.common import clock
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.membership import commands
from services.membership.domain import Basis, Cause, Customer, Lapse, LevelRules
from tests.history.levels import compare
from tests.integration.membership.people import Shop, buyer, order, refund, settle, told
from tests.integration.membership.ranks import AT_ONCE, GOLD, SILVER, Ranks, level
from tests.support.calls import once


@pytest.fixture
def ranks(shop: Shop) -> Ranks:
    return Ranks(shop)


async def test_orders_raise_their_buyers_and_everybody_is_told(shop: Shop, ranks: Ranks) -> None:
    """B1: the name stands in every view of the customer; history and event say why, once a change."""
    await ranks.save(SILVER, GOLD)
    member = await shop.member()
    await shop.hear(*told(order(member, 99_999)))
    assert await ranks.of(member) == ""
    await shop.hear(*told(order(member, 1)))
    assert await ranks.of(member) == "Silver"
    await shop.hear(*told(order(member, 400_000)))
    assert await ranks.of(member) == "Gold 金"
    history = await ranks.history(member)
    assert [(c.from_name, c.to_name, c.cause, c.actor) for c in history] == [
        ("Silver", "Gold 金", Cause.SPEND, "service:membership"),
        ("", "Silver", Cause.SPEND, "service:membership"),
    ]
    events = [events_pb2.LevelChanged.FromString(row.payload) for row in await shop.events("level_changed")]
    assert [(e.from_level_name, e.to_level_name) for e in events] == [("", "Silver"), ("Silver", "Gold 金")]
    assert events[1].customer_id == str(member)
    assert events[1].cause == levels_pb2.LEVEL_CAUSE_SPEND
    versions = [row.version for row in await shop.events("level_changed")]
    assert versions == sorted(versions)


async def test_each_order_earns_at_the_level_that_its_payment_found(shop: Shop, ranks: Ranks) -> None:
    """B1, B2: three orders in one batch, of which the first two each raise the buyer; another buyer beside them."""
    await ranks.save(level("S", 100_000, multiplier=150), level("G", 200_000, multiplier=300))
    member, other = await shop.member(), await shop.member()
    at = clock.now() - timedelta(minutes=10)
    orders = [order(member, 100_000, paid_at=at + timedelta(minutes=n)) for n in range(3)]
    orders.append(order(other, 100_000))
    await shop.hear(*(event for one in reversed(orders) for event in told(one)))
    earned = {row.order_id: row.points for row in await shop.rows("SELECT order_id, points FROM points_entries")}
    assert [earned[UUID(one.order_id)] for one in orders] == [1_000, 1_500, 3_000, 1_000]
    assert [await ranks.of(i) for i in (member, other)] == ["G", "S"]
    await shop.audit()


async def test_a_store_without_levels_asks_nothing_of_them(shop: Shop) -> None:
    """B1: nobody gets a level, and no line is written."""
    member = await shop.member()
    await shop.hear(*told(order(member, 10_000_000)))
    assert (await shop.customer(member)).level_id is None
    assert not await shop.rows("SELECT 1 FROM level_changes")


async def test_guests_have_no_level(shop: Shop, ranks: Ranks) -> None:
    """B1: a guest who becomes a member gets the level of all that was spent."""
    await ranks.save(level("All", 0), SILVER)
    guest = (await shop.enrol(buyer(trusted=False))).customer_id
    await shop.hear(*told(order(guest, 200_000)))
    assert await ranks.of(guest) == ""
    await shop.enrol(buyer("+85261230001", customer_id=guest, order_id=(one := new_id())))
    await shop.hear(*told(order(guest, 100, order_id=one)))
    assert await ranks.of(guest) == "Silver"


async def test_a_refund_lowers_at_once_or_at_the_end_as_the_level_says(shop: Shop, ranks: Ranks) -> None:
    """B1, B5."""
    await ranks.save(level("Keeps", 1_000, validity_months=12), level("Drops", 5_000, lapse=AT_ONCE))
    member = await shop.member()
    first = order(member, 6_000)
    await shop.hear(*told(first))
    assert await ranks.of(member) == "Drops"
    await shop.hear(refund(first, 2_000, 2))
    assert await ranks.of(member) == "Keeps"
    customer = await shop.customer(member)
    await shop.hear(refund(first, 6_000, 3))
    after = await shop.customer(member)
    assert (after.net_spend, after.level_name, after.level_until) == (0, "Keeps", customer.level_until)


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the clock to some days from now; only this test's store is due then."""

    def to(days: float) -> datetime:
        at = datetime.now(UTC) + timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda: at)
        return at

    return to


async def moved_by_time(shop: Shop) -> int:
    """How many members of the shop the worker's loop has moved; other tests' shops may be due as well."""
    count = "SELECT count(*) AS moved FROM level_changes WHERE cause = 2"
    before = (await shop.rows(count))[0].moved
    await commands.move_due_members(shop.worker)
    assert await commands.move_due_members(shop.worker) == 0
    return int((await shop.rows(count))[0].moved - before)


async def test_a_validity_that_ends_is_renewed_or_lowers(shop: Shop, ranks: Ranks, travel: Any) -> None:
    """B1: by the worker's loop; twice is once."""
    await ranks.save(level("Year", 1_000, validity_months=12), level("Top", 5_000, validity_months=1))
    earner, refunded = await shop.member(), await shop.member()
    first = order(refunded, 5_000)
    await shop.hear(*told(order(earner, 5_000)), *told(first))
    await shop.hear(refund(first, 3_000, 2))
    until = (await shop.customer(earner)).level_until
    assert until is not None
    assert until > clock.now()
    assert await moved_by_time(shop) == 0
    travel(33)
    assert await moved_by_time(shop) == 1
    assert [await ranks.of(i) for i in (earner, refunded)] == ["Top", "Year"]
    renewed = (await shop.customer(earner)).level_until
    assert renewed is not None
    assert renewed > until
    [last, *_] = await ranks.history(refunded)
    assert (last.from_name, last.to_name, last.cause) == ("Top", "Year", Cause.TIME)


async def test_orders_stop_to_count_when_they_are_a_year_old(shop: Shop, ranks: Ranks, travel: Any) -> None:
    """B1: in a store that counts the last 12 months, a level that drops at once drops on that day."""
    await ranks.save(level("Active", 1_000, lapse=AT_ONCE), basis=Basis.ROLLING_YEAR)
    member = await shop.member()
    ten_months_ago = clock.now() - timedelta(days=300)
    await shop.hear(*told(order(member, 900, paid_at=ten_months_ago)), *told(order(member, 200)))
    assert await ranks.of(member) == "Active"
    travel(60)
    assert await moved_by_time(shop) == 0
    travel(67)
    assert await moved_by_time(shop) == 1
    assert await ranks.of(member) == ""
    assert (await shop.customer(member)).net_spend == 1_100
    travel(400)
    assert await moved_by_time(shop) == 0


async def test_staff_set_a_level_and_pin_it(shop: Shop, ranks: Ranks, travel: Any) -> None:
    """B3: a pinned level moves neither up nor down by itself; when the pin ends the rules have their say."""
    await ranks.save(SILVER, level("Gold", 500_000, lapse=AT_ONCE))
    member = await shop.member()
    day = (clock.now() + timedelta(days=10)).date().isoformat()
    given = await ranks.give(member, "Gold", " birthday of the shop ", day)
    assert (given.level_name, given.level_pinned_until is not None) == ("Gold", True)
    await shop.hear(*told(order(member, 100)))
    assert await ranks.of(member) == "Gold"
    other = await shop.member()
    await ranks.give(other, "Silver", "pinned low", day)
    await shop.hear(*told(order(other, 900_000)))
    assert await ranks.of(other) == "Silver"
    await shop.hear(*told(order(member, 100_000)))
    travel(12)
    assert await moved_by_time(shop) == 2
    assert [await ranks.of(i) for i in (member, other)] == ["Silver", "Gold"]
    history = await ranks.history(member)
    assert [(c.to_name, c.cause, c.actor, c.reason) for c in history] == [
        ("Silver", Cause.TIME, "service:membership", ""),
        ("Gold", Cause.STAFF, "staff:test", "birthday of the shop"),
    ]
    assert history[1].pinned_until is not None
    assert (await shop.customer(member)).level_pinned_until is None


async def test_a_level_by_hand_without_a_pin_goes_on_by_the_rules(shop: Shop, ranks: Ranks) -> None:
    """B3: one that keeps stays, one that drops at once is gone with the next order; none is a level too."""
    await ranks.save(SILVER, level("Gold", 500_000, lapse=AT_ONCE))
    kept, dropped, none = [await shop.member() for _ in range(3)]
    await ranks.give(kept, "Silver")
    await ranks.give(dropped, "Gold")
    await shop.hear(*told(order(none, 200_000)))
    await ranks.give(none, "", "misused")
    assert [await ranks.of(i) for i in (kept, dropped, none)] == ["Silver", "Gold", ""]
    await shop.hear(*(event for i in (kept, dropped, none) for event in told(order(i, 100))))
    assert [await ranks.of(i) for i in (kept, dropped, none)] == ["Silver", "", "Silver"]


async def test_a_level_by_hand_follows_an_old_id_and_is_given_once(shop: Shop, ranks: Ranks) -> None:
    """E7, F10."""
    await ranks.save(SILVER)
    primary, merged = await shop.member(), await shop.member()
    await shop.absorb(primary, merged)
    [silver] = [each.level_id for each in (await ranks.rules()).levels]
    give = commands.set_customer_level
    await give(shop.context, shop.who, once(shop.who, "k"), merged, silver, "why", "")
    with pytest.raises(Replayed):
        await give(shop.context, shop.who, once(shop.who, "k"), merged, silver, "why", "")
    assert await ranks.of(primary) == "Silver"
    assert len(await ranks.history(merged)) == 1


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"reason": " "}, "reason", "required"),
        ({"reason": "x" * 201}, "reason", "too_long"),
        ({"pinned_until": "2001-01-01"}, "pinned_until", "pin_in_past"),
        ({"pinned_until": "tomorrow"}, "pinned_until", "invalid_date"),
        ({"level_id": new_id()}, "level_id", "unknown_level"),
    ],
)
async def test_a_wrong_level_by_hand_names_the_field(
    shop: Shop, ranks: Ranks, change: dict[str, Any], field: str, reason: str
) -> None:
    """B3: and nothing is written."""
    await ranks.save(SILVER)
    member = await shop.member()
    wish: dict[str, Any] = {"level_id": None, "reason": "why", "pinned_until": ""} | change
    with pytest.raises(InvalidInput) as refusal:
        await commands.set_customer_level(shop.context, shop.who, once(shop.who), member, **wish)
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert not await ranks.history(member)


async def test_only_members_have_levels(shop: Shop, ranks: Ranks) -> None:
    """B3."""
    guest = (await shop.enrol(buyer(trusted=False))).customer_id
    with pytest.raises(StateConflict, match="not_a_member"):
        await ranks.give(guest, "")
    for ask in (ranks.give(new_id(), ""), ranks.history(new_id())):
        with pytest.raises(NotFound, match="customer_not_found"):
            await ask


async def crowd(shop: Shop, *spends: int) -> list[UUID]:
    """Members who have spent so much, in cents."""
    members = [await shop.member() for _ in spends]
    await shop.hear(*(e for i, spend in zip(members, spends, strict=True) for e in told(order(i, spend))))
    return members


async def test_a_simulation_says_who_goes_where_and_saving_does_exactly_that(shop: Shop, ranks: Ranks) -> None:
    """B6: up, down, and a level that is gone; the events follow from the worker, once."""
    poor, middle, rich, top = await crowd(shop, 50, 100_000, 300_000, 600_000)
    await ranks.save(level("A", 100_000, lapse=AT_ONCE), level("B", 500_000))
    await commands.tell_moves(shop.worker)
    asked = await ranks.asked(level("Base", 0), level("A", 200_000, lapse=AT_ONCE), level("C", 550_000))
    seen = await ranks.simulate(asked)
    assert [(s.from_name, s.to_name, s.down, s.members) for s in seen.steps] == [
        ("", "Base", False, 1),
        ("B", "C", False, 1),
        ("A", "Base", True, 1),
    ]
    assert [move[0] for move in seen.moves.items] == sorted([poor, top])
    assert [move[0] for move in (await ranks.simulate(asked, down=True)).moves.items] == [middle]
    assert [await ranks.of(i) for i in (poor, middle, rich, top)] == ["", "A", "A", "B"]
    saved = await ranks.save_seen(asked, seen.hash)
    assert (saved.up, saved.down, (await ranks.rules()).version) == (2, 1, 2)
    assert [await ranks.of(i) for i in (poor, middle, rich, top)] == ["Base", "Base", "A", "C"]
    [last, *_] = await ranks.history(top)
    assert (last.from_name, last.to_name, last.cause) == ("B", "C", Cause.RULES)
    before = len(await shop.events("level_changed"))
    await commands.tell_moves(shop.worker)
    await commands.tell_moves(shop.worker)
    assert len(await shop.events("level_changed")) == before + 3


async def test_the_named_moves_are_read_page_by_page(shop: Shop, ranks: Ranks) -> None:
    """B6, C11."""
    members = sorted(await crowd(shop, *[100_000] * 5))
    asked = await ranks.asked(SILVER)
    read, token = [], ""
    while True:
        found = await ranks.simulate(asked, size=2, token=token)
        read += [move[0] for move in found.moves.items]
        token = found.moves.next_token
        if not token:
            break
    assert read == members
    with pytest.raises(InvalidInput, match="invalid_page_token"):
        await ranks.simulate(asked, token="x")


async def test_a_simulation_that_is_not_true_any_more_saves_nothing(shop: Shop, ranks: Ranks) -> None:
    """B6: whether the members, the rules or the wish have changed since."""
    [member] = await crowd(shop, 90_000)
    asked = await ranks.asked(SILVER)
    seen = await ranks.simulate(asked)
    await shop.hear(*told(order(member, 20_000)))
    with pytest.raises(Conflict, match="stale_simulation"):
        await ranks.save_seen(asked, seen.hash)
    other = replace(asked, levels=[replace(asked.levels[0], discount=5)])
    with pytest.raises(Conflict, match="stale_simulation"):
        await ranks.save_seen(other, (await ranks.simulate(asked)).hash)
    assert await ranks.rules() == LevelRules()
    assert await ranks.of(member) == ""
    with pytest.raises(InvalidInput, match="simulation_hash: required"):
        await ranks.save_seen(asked, b"")
    await ranks.save_seen(asked, (await ranks.simulate(asked)).hash)
    with pytest.raises(Conflict, match="stale_version"):
        await ranks.save_seen(asked, seen.hash)
    with pytest.raises(Conflict, match="stale_version"):
        await ranks.simulate(asked)


async def test_two_people_who_save_at_once_do_not_overwrite_each_other(shop: Shop, ranks: Ranks) -> None:
    """B6."""
    wishes = [await ranks.asked(level(f"Level {n}", 100 + n)) for n in range(4)]
    hashes = [(await ranks.simulate(wish)).hash for wish in wishes]
    results = await settle(*(ranks.save_seen(*pair) for pair in zip(wishes, hashes, strict=True)))
    reasons = [r.reason for r in results if isinstance(r, (Conflict, StateConflict))]
    assert len(reasons) == 3
    assert set(reasons) <= {"stale_version", "levels_being_saved"}
    assert (await ranks.rules()).version == 1


async def test_rules_that_change_while_orders_come_leave_nobody_at_a_wrong_level(shop: Shop, ranks: Ranks) -> None:
    """B1, B6: batches of orders, levels by hand and saves at once; in the end everybody has what the rules of then give."""
    members = [await shop.member() for _ in range(8)]
    await ranks.save(SILVER, GOLD)

    async def sell() -> None:
        for n in range(12):
            await shop.hear(*(e for i in members[n % 4 :: 2] for e in told(order(i, 30_000))))

    async def change() -> int:
        results = [(await settle(ranks.save(level("Silver", 100_000 + n * 10_000), GOLD)))[0] for n in range(6)]
        assert {r.reason for r in results if isinstance(r, Conflict)} <= {"stale_simulation"}
        return sum(not isinstance(result, Conflict) for result in results)

    _, saved = await asyncio.gather(sell(), change())
    assert (await ranks.rules()).version == saved + 1
    assert (await ranks.simulate(await ranks.asked(*(await ranks.rules()).levels))).steps == []
    customers: list[Customer] = [await shop.customer(i) for i in members]
    rules = await ranks.rules()
    for customer in customers:
        assert rules.rank(customer.level_id) >= rules.earned(customer.net_spend)
    await shop.audit()


@pytest.mark.parametrize(
    ("levels", "field", "reason"),
    [
        ([level("A", 5), level("B", 5)], "levels[1].threshold_minor", "threshold_not_rising"),
        ([level("A", 5), level("B", 4)], "levels[1].threshold_minor", "threshold_not_rising"),
        ([level("A", -1)], "levels[0].threshold_minor", "negative_amount"),
        ([level("A", 10**15)], "levels[0].threshold_minor", "amount_too_large"),
        ([level(" ", 1)], "levels[0].name", "required"),
        ([level("n" * 41, 1)], "levels[0].name", "too_long"),
        ([level("Gold", 1), level(" ＧＯＬＤ", 2)], "levels[1].name", "repeated_name"),
        ([level("A", 1, discount=101)], "levels[0].discount_percent", "out_of_range"),
        ([level("A", 1, discount=-1)], "levels[0].discount_percent", "out_of_range"),
        ([level("A", 1, multiplier=99)], "levels[0].points_multiplier_percent", "multiplier_out_of_range"),
        ([level("A", 1, multiplier=1_001)], "levels[0].points_multiplier_percent", "multiplier_out_of_range"),
        ([level("A", 1, birthday_points=-1)], "levels[0].birthday_points", "out_of_range"),
        ([level("A", 1, validity_months=121)], "levels[0].validity_months", "out_of_range"),
        ([level("A", 1, lapse=7)], "levels[0].lapse", "unknown_value"),
        ([level(f"L{n}", n) for n in range(11)], "levels", "too_many_levels"),
        ([replace(level("A", 1), level_id=new_id())], "levels[0].level_id", "unknown_level"),
    ],
)
async def test_wrong_rules_name_the_field(ranks: Ranks, levels: list[Any], field: str, reason: str) -> None:
    """B1, B6: in the simulation and in the save, and nothing is written."""
    asked = LevelRules(Basis.LIFETIME, levels, 0)
    for ask in (ranks.simulate(asked), ranks.save_seen(asked, b"seen")):
        with pytest.raises(InvalidInput) as refusal:
            await ask
        assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert await ranks.rules() == LevelRules()


async def test_levels_of_one_store_are_no_business_of_another(shop: Shop, ranks: Ranks) -> None:
    """S."""
    [member] = await crowd(shop, 200_000)
    await ranks.save(SILVER)
    other = Ranks(shop.another())
    assert await other.rules() == LevelRules()
    assert (await other.simulate(await other.asked(SILVER))).steps == []
    await other.save(level("Silver", 1))
    with pytest.raises(NotFound, match="customer_not_found"):
        await other.history(member)
    [silver] = [each.level_id for each in (await ranks.rules()).levels]
    with pytest.raises(InvalidInput, match="unknown_level"):
        await commands.set_customer_level(
            other.shop.context, other.shop.who, once(other.shop.who), member, silver, "why", ""
        )
    assert await ranks.of(member) == "Silver"


async def test_levels_of_the_past_cannot_be_changed(shop: Shop, ranks: Ranks) -> None:
    """B1: append-only is the database's rule, not only ours."""
    await crowd(shop, 200_000)
    await ranks.save(SILVER)
    for statement in ("UPDATE level_changes SET to_level_name = ''", "DELETE FROM level_changes"):
        with pytest.raises(Exception, match="permission denied"):
            await shop.rows(statement)


def test_lapses_are_those_of_the_contract() -> None:
    assert {int(lapse) for lapse in Lapse} == set(levels_pb2.LevelLapse.values()) - {0}
    assert {int(basis) for basis in Basis} == set(levels_pb2.LevelBasis.values()) - {0}
    assert {int(cause) for cause in Cause} == set(levels_pb2.LevelCause.values()) - {0}


async def test_the_levels_of_a_part_of_a_real_history_are_those_of_its_file(urls: DatabaseUrls) -> None:
    """B1, B5, N: the first 400 orders of the CDNOW history; `make history` compares all of it."""
    members, wrong = await compare(urls, cdnow.purchases()[:400])
    assert members > 50
    assert wrong == 0
