"""Lists of customers by every filter in every order, saved filters, and the store's figures (C1-C3, C11, A5)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.common import clock
from services.common.errors import AlreadyExists, Conflict, InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.membership import commands, queries
from services.membership.domain import (
    Customer,
    Filter,
    Kind,
    SavedFilter,
    Sort,
    Status,
    Wish,
    recent_since,
)
from services.membership.store import searching
from tests.integration.membership.people import Shop, buyer, order, told
from tests.support.calls import once

LEVELS = [UUID(int=1), UUID(int=2)]
TAGS = ["vip", "生日", "wholesale"]
NAMES = ["陳大文", "大文 Wong", "Chan Tai Man", "李小明", "Peter Chan", "峯", ""]


@dataclass(frozen=True)
class Facts:
    """What a list goes by, as it stands in the rows."""

    customer: Customer
    cart_since: datetime | None
    has_order: bool


async def ids(shop: Shop, wish: Wish, size: int = 100) -> list[UUID]:
    """All pages of a list."""
    read: list[UUID] = []
    token = ""
    while True:
        found = await queries.list_customers(shop.context.database, shop.who, size, token, wish)
        read += [customer.customer_id for customer in found.page.items]
        token = found.page.next_token
        if not token:
            return read


async def crowd(shop: Shop, count: int = 40) -> list[Facts]:
    """Members and guests with everything that can be filtered by, at random; the first ones are merged into one."""
    dice = random.Random(4)
    made = []
    for n in range(count):
        phone, email = f"+8526{n:07d}", f"mail{n}@example.com" if n % 3 else ""
        person = buyer(phone, email, dice.choice(NAMES), trusted=n % 4 != 0)
        made.append((await shop.enrol(person)).customer_id)
    for customer_id in made:
        await shop.rows(
            """UPDATE customers SET level_id = :level, birthday = :birthday, tags = :tags, cart_since = :cart, net_spend = :spend,
 points_balance = 0, joined_at = joined_at - CAST(:age AS interval),
 created_at = created_at - CAST(:age AS interval) WHERE customer_id = :id RETURNING 1""",
            id=customer_id,
            level=dice.choice([None, *LEVELS]),
            birthday=dice.choice([None, date(1990, 2, 3), date(1980, 12, 3)]),
            tags=sorted(dice.sample(TAGS, dice.randrange(3))),
            cart=dice.choice([None, clock.now(), clock.now() - timedelta(days=30)]),
            spend=dice.randrange(6) * 1_000,
            age=timedelta(days=dice.randrange(12), seconds=dice.randrange(100)),
        )
        await shop.rows(
            """UPDATE customer_search s SET since = CASE c.status WHEN 2 THEN c.joined_at ELSE c.created_at END FROM customers c
 WHERE c.store_id = s.store_id AND c.customer_id = s.customer_id AND s.customer_id = :id RETURNING 1""",
            id=customer_id,
        )
    members = [i for i in made if (await shop.customer(i)).status is Status.MEMBER]
    for customer_id in members[5:20]:
        await shop.award(customer_id, dice.randrange(1, 5) * 10)
    await shop.absorb(members[0], members[1])
    return await facts(shop)


async def facts(shop: Shop) -> list[Facts]:
    rows = await shop.rows(
        "SELECT customer_id, cart_since, EXISTS (SELECT FROM order_facts f WHERE f.customer_id = c.customer_id) FROM customers c"
        " WHERE status IN (1, 2)"
    )
    return [Facts(await shop.customer(row[0]), row[1], row[2]) for row in rows]


def fits(one: Facts, asked: Filter, recent: datetime) -> bool:
    """The filter in plain words."""
    who = one.customer
    since = who.joined_at or who.created_at
    return all(
        (
            asked.kind is not Kind.MEMBERS or who.status is Status.MEMBER,
            asked.kind is not Kind.INVITABLE or (who.status is Status.GUEST and bool(who.email) and one.has_order),
            not (asked.level_ids or asked.without_level)
            or who.level_id in asked.level_ids
            or (asked.without_level and who.level_id is None),
            not asked.registered_recently or since >= recent,
            not asked.cart_unchecked or (one.cart_since is not None and one.cart_since >= recent),
            asked.net_spend_from is None or who.net_spend >= asked.net_spend_from,
            asked.net_spend_to is None or who.net_spend <= asked.net_spend_to,
            not asked.birthday_month or (who.birthday is not None and who.birthday.month == asked.birthday_month),
            not asked.tags or bool(set(asked.tags) & set(who.tags)),
            asked.query.replace(" ", "").lower() in who.name.replace(" ", "").lower(),
        )
    )


SORTS: dict[Sort, tuple[Callable[[Customer], Any], bool]] = {
    Sort.NEWEST: (lambda who: who.joined_at or who.created_at, True),
    Sort.OLDEST: (lambda who: who.joined_at or who.created_at, False),
    Sort.NET_SPEND_HIGH: (lambda who: who.net_spend, True),
    Sort.NET_SPEND_LOW: (lambda who: who.net_spend, False),
    Sort.POINTS_HIGH: (lambda who: who.points_balance, True),
    Sort.POINTS_LOW: (lambda who: who.points_balance, False),
    Sort.NAME: (lambda who: who.name.lower(), False),
}


def some_wish(dice: random.Random) -> Wish:
    def perhaps(value: Any, otherwise: Any) -> Any:
        return value if dice.random() < 0.25 else otherwise

    lowest = perhaps(dice.randrange(6) * 1_000, None)
    asked = Filter(
        query=perhaps(dice.choice(["大文", "文", "chan", "ta", "chantai", "xq"]), ""),
        kind=dice.choice(list(Kind)),
        level_ids=perhaps(tuple(dice.sample(LEVELS, dice.randrange(1, 3))), ()),
        without_level=perhaps(True, False),
        registered_recently=perhaps(True, False),
        cart_unchecked=perhaps(True, False),
        net_spend_from=lowest,
        net_spend_to=perhaps((lowest or 0) + dice.randrange(3) * 1_000, None),
        birthday_month=perhaps(dice.choice([2, 12]), 0),
        tags=perhaps(tuple(dice.sample(TAGS, dice.randrange(1, 3))), ()),
    )
    return Wish(asked, dice.choice(list(Sort)))


@pytest.mark.parametrize("first_rows", [searching.FIRST_ROWS, 4])
async def test_every_filter_in_every_order_lists_whom_it_says(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, first_rows: int
) -> None:
    """C2, C3: 200 lists at random, page by page, against the same filters in plain Python. Small stores are walked through; with
    few rows to look at first the indexes answer, as in large ones.
    """
    monkeypatch.setattr(searching, "FIRST_ROWS", first_rows)
    people = await crowd(shop)
    recent = recent_since(clock.now(), "Asia/Hong_Kong")
    dice = random.Random(11)
    found_any = 0
    for _ in range(200):
        wish = some_wish(dice)
        key, descending = SORTS[wish.sort]
        fitting = [one.customer for one in people if fits(one, wish.filter, recent)]
        expected = [
            who.customer_id for who in sorted(fitting, key=lambda who: (key(who), who.customer_id), reverse=descending)
        ]
        assert await ids(shop, wish, dice.choice([3, 100])) == expected, wish
        found_any += bool(expected)
    assert found_any > 60
    assert await ids(shop.another(), Wish(Filter())) == []


async def test_standings_follow_every_change_of_a_customer(shop: Shop) -> None:
    """C3: orders, points, a merge, a guest who becomes a member, and whoever else writes to customers."""
    member, other = await shop.member(), await shop.member()
    guest = (await shop.enrol(buyer("", "g@example.com", trusted=False))).customer_id
    await shop.hear(*told(order(member, 12_300)), *told(order(guest, 500)))
    await shop.award(other, 70)
    await shop.absorb(member, other)
    await shop.rows("UPDATE customers SET cart_since = now() WHERE customer_id = :id RETURNING 1", id=guest)
    kept = await shop.rows("SELECT customer_id, member, since, net_spend, points, cart_since FROM standings ORDER BY 1")
    known = await shop.rows(
        """SELECT customer_id, status = 2, CASE status WHEN 2 THEN joined_at ELSE created_at END, net_spend, points_balance, cart_since
 FROM customers WHERE status IN (1, 2) ORDER BY 1"""
    )
    assert kept == known
    assert {row.customer_id for row in kept} == {member, guest}


async def test_pages_stay_true_while_data_change(shop: Shop) -> None:
    """C11: who was listed is not listed again, and nobody who stays put is left out."""
    made = [await shop.member() for _ in range(9)]
    for n, customer_id in enumerate(made):
        await shop.hear(*told(order(customer_id, 1_000 * (n + 1))))
    wish = Wish(Filter(kind=Kind.MEMBERS), Sort.NET_SPEND_HIGH)
    first = await queries.list_customers(shop.context.database, shop.who, 3, "", wish)
    await shop.hear(*told(order(made[0], 50_000)))  # rises above the page that was read
    await shop.member()
    rest = []
    token = first.page.next_token
    while token:
        page = await queries.list_customers(shop.context.database, shop.who, 3, token, wish)
        rest += [customer.customer_id for customer in page.page.items]
        token = page.page.next_token
    assert [customer.customer_id for customer in first.page.items] == [made[8], made[7], made[6]]
    assert rest[:5] == [made[5], made[4], made[3], made[2], made[1]]


async def test_a_page_token_leads_only_into_its_own_list(shop: Shop) -> None:
    """C11: not into another order, another filter, or anything that was made up."""
    for _ in range(3):
        await shop.member()
    wish = Wish(Filter(kind=Kind.MEMBERS))
    token = (await queries.list_customers(shop.context.database, shop.who, 1, "", wish)).page.next_token
    others = [replace(wish, sort=Sort.OLDEST), replace(wish, sort=Sort.NAME), Wish(Filter())]
    for other, made_up in [
        *((each, token) for each in others),
        (wish, "x"),
        (wish, "WzEsMl0="),
        (wish, "WzEsMiwzLDRd"),
    ]:
        with pytest.raises(InvalidInput, match="invalid_page_token"):
            await queries.list_customers(shop.context.database, shop.who, 1, made_up, other)


async def test_the_whole_phone_finds_its_owner_and_a_part_of_it_everybody(shop: Shop) -> None:
    """C2: whoever types all of it means one; if nobody has it, it is looked for as a part."""
    owner = await shop.member("+85294512053", "tai@example.com")
    other = await shop.member("+85261112222", "94512053.tai@example.com")
    assert await ids(shop, Wish(Filter(query="9451 2053"))) == [owner]
    assert await ids(shop, Wish(Filter(query="tai@example.com"))) == [owner]
    assert await ids(shop, Wish(Filter(query="512053"))) == [other, owner]
    assert await ids(shop, Wish(Filter(query="ai@example.com"))) == [other, owner]
    assert await ids(shop, Wish(Filter(query="tai@example.com", birthday_month=1))) == []


def encoded(saved: Any) -> bytes:
    return repr(saved).encode()


async def save(shop: Shop, name: str, wish: Wish | None = None) -> SavedFilter:
    return await commands.save_filter(shop.context, shop.who, once(shop.who), name, wish or Wish(Filter()))  # type: ignore[arg-type]


async def saved_names(shop: Shop, size: int = 100) -> list[str]:
    read: list[str] = []
    token = ""
    while True:
        page = await queries.list_filters(shop.context.database, shop.who, size, token)
        read += [saved.name for saved in page.items]
        token = page.next_token
        if not token:
            return read


async def test_filters_are_saved_renamed_listed_and_deleted(shop: Shop) -> None:
    """C11."""
    wish = Wish(Filter(query="文", level_ids=(LEVELS[0],), net_spend_from=100, tags=("vip",)), Sort.POINTS_LOW)
    kept = await save(shop, "Rich", wish)
    await save(shop, "apples")
    assert await queries.get_filter(shop.context.database, shop.who, kept.filter_id) == kept
    assert (kept.wish, kept.created_by) == (wish, shop.who.actor)
    renamed = await commands.rename_filter(shop.context, shop.who, once(shop.who), kept.filter_id, "RICH ones")  # type: ignore[arg-type]
    assert (renamed.name, renamed.version, renamed.wish) == ("RICH ones", 2, wish)
    assert await saved_names(shop) == await saved_names(shop, 1) == ["apples", "RICH ones"]
    assert await saved_names(shop.another()) == []
    await commands.delete_filter(shop.context, shop.who, once(shop.who), kept.filter_id)  # type: ignore[arg-type]
    assert await saved_names(shop) == ["apples"]
    for gone in (kept.filter_id, new_id()):
        with pytest.raises(NotFound, match="filter_not_found"):
            await queries.get_filter(shop.context.database, shop.who, gone)
        with pytest.raises(NotFound, match="filter_not_found"):
            await commands.rename_filter(shop.context, shop.who, once(shop.who), gone, "x")  # type: ignore[arg-type]
        with pytest.raises(NotFound, match="filter_not_found"):
            await commands.delete_filter(shop.context, shop.who, once(shop.who), gone)  # type: ignore[arg-type]


async def test_a_name_is_taken_whatever_its_capitals(shop: Shop) -> None:
    """C11: also when two save it at the same moment."""
    kept, other = await save(shop, "Big Spenders"), await save(shop, "Others")
    with pytest.raises(AlreadyExists, match="filter_name_taken"):
        await save(shop, " big  spenders ")
    with pytest.raises(AlreadyExists, match="filter_name_taken"):
        await commands.rename_filter(shop.context, shop.who, once(shop.who), other.filter_id, "BIG SPENDERS")  # type: ignore[arg-type]
    await commands.rename_filter(shop.context, shop.who, once(shop.who), kept.filter_id, "big spenders")  # type: ignore[arg-type]
    raced = await asyncio.gather(*(save(shop, "New") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, SavedFilter) for result in raced) == 1


async def change(shop: Shop, kept: SavedFilter, name: str, wish: Wish, version: int) -> SavedFilter:
    return await commands.change_filter(
        shop.context,
        shop.who,
        once(shop.who),
        kept.filter_id,
        name,
        wish,
        version,  # type: ignore[arg-type]
    )


async def test_a_filter_asks_something_else_from_its_change_on(shop: Shop) -> None:
    """C11: contents and name at once; nobody else's change is overwritten unseen, and what changes nothing is none."""
    kept, wish = await save(shop, "Rich", Wish(Filter(tags=("vip",)))), Wish(Filter(net_spend_from=9), Sort.NAME)
    changed = await change(shop, kept, "Richest", wish, kept.version)
    assert (changed.name, changed.wish, changed.version) == ("Richest", wish, 2)
    assert await queries.get_filter(shop.context.database, shop.who, kept.filter_id) == changed
    assert await change(shop, kept, "Richest", wish, 2) == changed
    with pytest.raises(Conflict, match="stale_version"):
        await change(shop, kept, "Rich", wish, kept.version)
    assert (await change(shop, kept, "Rich", wish, 0)).version == 3
    await save(shop, "Others")
    with pytest.raises(AlreadyExists, match="filter_name_taken"):
        await change(shop, kept, "OTHERS", wish, 3)
    await commands.delete_filter(shop.context, shop.who, once(shop.who), kept.filter_id)  # type: ignore[arg-type]
    with pytest.raises(NotFound, match="filter_not_found"):
        await change(shop, kept, "Rich", wish, 3)


async def test_of_two_who_change_a_filter_at_once_one_is_told(shop: Shop) -> None:
    """C11."""
    kept = await save(shop, "Rich")
    wishes = [Wish(Filter(birthday_month=n)) for n in range(1, 6)]
    raced = await asyncio.gather(
        *(change(shop, kept, "Rich", wish, kept.version) for wish in wishes), return_exceptions=True
    )
    (won,) = (result for result in raced if isinstance(result, SavedFilter))
    assert await queries.get_filter(shop.context.database, shop.who, kept.filter_id) == won
    assert {result.reason for result in raced if isinstance(result, Conflict)} == {"stale_version"}


async def test_the_fifty_first_filter_is_refused_also_in_a_race(shop: Shop) -> None:
    """C11."""
    for n in range(48):
        await save(shop, f"Filter {n}")
    raced = await asyncio.gather(*(save(shop, f"Late {n}") for n in range(6)), return_exceptions=True)
    assert sum(isinstance(result, SavedFilter) for result in raced) == 2
    assert {result.reason for result in raced if isinstance(result, StateConflict)} == {"too_many_filters"}


async def test_the_figures_are_those_of_the_rows(shop: Shop) -> None:
    """C1: members, new ones, levels, points, net spend by month of the store's time zone."""
    await shop.rows("SELECT 1")
    new, old, merged = await shop.member(), await shop.member(), await shop.member()
    await shop.enrol(buyer("", "guest@example.com", trusted=False))
    await shop.rows(
        "UPDATE customers SET joined_at = joined_at - interval '30 days', level_id = :level WHERE customer_id = :id RETURNING 1",
        id=old,
        level=LEVELS[0],
    )
    today = clock.now().astimezone(UTC).date()
    await shop.award(new, 30, (today + timedelta(days=3)).isoformat())
    await shop.award(old, 500)
    await shop.absorb(new, merged)
    await shop.hear(*told(order(new, 12_345)), *told(order(old, 100)), *told(order(old, 999, paid=False)))
    overview = await commands.reckon_overview(shop.context, shop.store_id)
    figures = overview.figures
    assert (figures.members, figures.new_members, figures.guests) == (2, 1, 1)
    assert figures.levels == {None: 1, LEVELS[0]: 1}
    assert figures.points_outstanding == 30 + 500 + 123 + 1
    assert figures.points_expiring_soon == 30
    assert [(m.net_spend, m.orders) for m in figures.months] == [(0, 0)] * 11 + [(12_445, 2)]
    assert sum(figures.expiring.values()) <= 30 + 124
    assert await queries.get_overview(shop.context.database, shop.who) == replace(
        overview, took=round(overview.took * 1_000) / 1_000
    )
    assert await queries.get_overview(shop.context.database, shop.another().who) is None
