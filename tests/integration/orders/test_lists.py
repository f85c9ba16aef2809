"""Lists of orders on a real PostgreSQL: each filter alone and with others, words, pages (E1, C11)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.common.contact import Contact
from services.common.errors import InvalidInput
from services.common.searching import fold
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.domain import Channel, Filter, Line, Order, Status
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = (
    Contact("陳大文", "9451 2053", "tai.man@mail.example"),
    Contact("陳", "6123 4567", ""),
    Contact("Chan Tai-Man", "9876 5432", "CHAN@mail.example"),
    Contact("李 小明", "", "li_100%@mail.example"),
)


async def page_through(context: commands.Context, who: ServiceClaims, asked: Filter, size: int = 7) -> list[Order]:
    found: list[Order] = []
    token = ""
    while True:
        page = await queries.list_orders(context.database, who, size, token, asked)
        found += page.items
        token = page.next_token
        if not token:
            return found


async def numbers(context: commands.Context, who: ServiceClaims, asked: Filter) -> list[int]:
    return [order.number for order in await page_through(context, who, asked)]


@pytest.fixture
async def shop(context: commands.Context) -> tuple[ServiceClaims, list[Order]]:
    """60 orders of four people, in every status that an order comes to and over every channel, a few at the same moment."""
    who, placed, chance = claims(), [], random.Random(7)
    for n in range(60):
        draft = replace(
            DRAFT,
            contact=PEOPLE[n % 4],
            paid=n % 3 > 0,
            channel=Channel(n % 4 + 1),
            lines=[Line("", "CD", 1, chance.randrange(1, 9) * 1_000)],
            placed_at=BEGIN + timedelta(hours=n // 2),
        )
        order = await create(context, who, draft)
        if n % 3 and n % 5 == 0:
            wish = commands.RefundWish(0 if n % 2 else 500, 1, "", "")
            order = await commands.refund_order(context, who, once(who), order.order_id, wish)
        elif n % 3 and n % 5 == 1 and order.status is Status.PAID:
            order = await commands.advance_order(context, who, once(who), order.order_id, Status.SHIPPED, "")
        placed.append(order)
    return who, placed


def fits(order: Order, asked: Filter) -> bool:
    """What the filter says, said anew."""
    stated = order.status in asked.statuses or (asked.partly_refunded and 0 < order.refunded < order.paid)
    contact, words = order.contact, fold(asked.query).replace(" ", "")
    hay = "\n".join((fold(contact.name).replace(" ", "").replace("-", ""), contact.phone, fold(contact.email)))
    return (
        (stated or not (asked.statuses or asked.partly_refunded))
        and (not asked.channels or order.channel in asked.channels)
        and (not asked.customer_ids or order.customer_id in asked.customer_ids)
        and (asked.placed_from is None or order.placed_at >= asked.placed_from)
        and (asked.placed_before is None or order.placed_at < asked.placed_before)
        and (asked.total_from is None or order.total >= asked.total_from)
        and (asked.total_to is None or order.total <= asked.total_to)
        and (words in hay or words == str(order.number))
    )


def some_filter(chance: random.Random, placed: Sequence[Order]) -> Filter:
    """Each part is asked in a third of the filters."""

    def maybe(value: object, otherwise: object) -> object:
        return value if chance.random() < 0.34 else otherwise

    return Filter(
        query=maybe(chance.choice(["陳", "大文", "man", "ma", "9451 2053", "+852 6123", "mail.example", "1003"]), ""),  # type: ignore[arg-type]
        customer_ids=maybe(tuple(sorted(order.customer_id for order in chance.sample(placed, 9))), ()),  # type: ignore[arg-type]
        statuses=maybe(tuple(sorted(chance.sample(list(Status), 2))), ()),  # type: ignore[arg-type]
        partly_refunded=bool(maybe(True, False)),
        channels=maybe(tuple(sorted(chance.sample(list(Channel), 2))), ()),  # type: ignore[arg-type]
        placed_from=maybe(BEGIN + timedelta(hours=chance.randrange(20)), None),  # type: ignore[arg-type]
        placed_before=maybe(BEGIN + timedelta(hours=chance.randrange(15, 40)), None),  # type: ignore[arg-type]
        total_from=maybe(chance.randrange(1, 6) * 1_000, None),  # type: ignore[arg-type]
        total_to=maybe(chance.randrange(3, 9) * 1_000, None),  # type: ignore[arg-type]
    )


async def test_any_filters_together_find_what_each_of_them_lets_through(
    context: commands.Context, shop: tuple[ServiceClaims, list[Order]]
) -> None:
    """Newest first, page by page, without gaps or doubles; whatever way the database takes."""
    who, placed = shop
    chance = random.Random(11)
    placed = sorted(placed, key=lambda order: (order.placed_at, order.order_id), reverse=True)
    for asked in (Filter(), *(some_filter(chance, placed) for _ in range(150))):
        wanted = [order.number for order in placed if fits(order, asked)]
        assert await numbers(context, who, asked) == wanted, asked


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("陳", {0, 1}),
        ("大文", {0}),
        ("陳 大文", {0}),
        ("李小明", {3}),
        ("文大", set()),
        ("chan taiman", {2}),
        ("CHAN@MAIL", {2}),
        ("ta", {0, 2}),
        ("94512053", {0}),
        ("+852 9451 2053", {0}),
        ("85261234567", {1}),
        ("512", {0}),
        ("100%", {3}),
        ("100_", set()),
        ("１００％", {3}),
        ("nobody", set()),
    ],
)
async def test_orders_are_found_by_what_people_type(context: commands.Context, query: str, found: set[int]) -> None:
    """C2: parts of name, phone with or without country code, e-mail; Chinese of one and two characters."""
    who = claims()
    placed = [await create(context, who, replace(DRAFT, contact=contact)) for contact in PEOPLE]
    assert set(await numbers(context, who, Filter(query=query))) == {placed[n].number for n in found}


async def test_a_number_sign_asks_for_the_number_alone(context: commands.Context) -> None:
    who = claims()
    first = await create(context, who)
    second = await create(context, who, replace(DRAFT, contact=Contact("", f"9{first.number}000", "")))
    assert await numbers(context, who, Filter(query=f"#{first.number}")) == [first.number]
    assert await numbers(context, who, Filter(query=str(first.number))) == [second.number, first.number]


async def test_rare_words_among_many_orders_are_found_by_their_index(
    context: commands.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The head of the list says nothing of what is far down in it."""
    monkeypatch.setattr("services.orders.store.finding.FIRST_ROWS", 2)
    who = claims()
    rare = [await create(context, who, replace(DRAFT, contact=contact)) for contact in PEOPLE]
    for _ in range(6):
        await create(context, who, replace(DRAFT, contact=Contact("黃", "5123 4567", "")))
    for query, n in (("陳大", 0), ("taiman", 2), ("li", 3), ("6123", 1)):
        assert await numbers(context, who, Filter(query=query)) == [rare[n].number]
        assert await numbers(context, who, Filter(query=query, statuses=(Status.UNPAID,))) == []


async def test_an_edited_and_an_erased_contact_are_found_as_they_are_now(context: commands.Context) -> None:
    """E2, C12."""
    who = claims()
    order = await create(context, who)
    await commands.edit_contact(context, who, once(who), order.order_id, Contact("黃小文", "", ""), None, 0)
    assert await numbers(context, who, Filter(query="大文")) == []
    assert await numbers(context, who, Filter(query="黃小")) == [order.number]


async def test_a_page_token_leads_into_no_other_list(context: commands.Context) -> None:
    who = claims()
    for _ in range(3):
        await create(context, who)
    token = (await queries.list_orders(context.database, who, 1, "", Filter())).next_token
    with pytest.raises(InvalidInput, match="invalid_page_token"):
        await queries.list_orders(context.database, who, 1, token, Filter(statuses=(Status.PAID,)))


async def test_customers_lists_hold_their_orders_alone(context: commands.Context) -> None:
    who = claims()
    mine = await create(context, who)
    await create(context, who)
    ids: tuple[UUID, ...] = (mine.customer_id,)
    assert await numbers(context, who, Filter(customer_ids=ids)) == [mine.number]


async def test_orders_say_how_their_customers_are_reached(
    context: commands.Context, shop: tuple[ServiceClaims, list[Order]]
) -> None:
    """F12: phones and e-mails, each once; of one store, and of those who are asked for."""
    who, orders = shop
    ids = [order.customer_id for order in orders]
    found = await queries.list_contacts(context.database, who, ids[:7])
    wanted = {
        order.customer_id: sorted(filter(None, {order.contact.phone, order.contact.email})) for order in orders[:7]
    }
    assert {customer: sorted(values) for customer, values in found.items()} == {k: v for k, v in wanted.items() if v}
    assert await queries.list_contacts(context.database, claims(), ids) == {}
    with pytest.raises(InvalidInput):
        await queries.list_contacts(context.database, who, ids[:1] * 2_001)
