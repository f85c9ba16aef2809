"""The price list on a real PostgreSQL: uniqueness, races, pages, tenancy; and the lines of orders that name its items."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from services.common.errors import AlreadyExists, Conflict, InvalidInput, NotFound, OnefoldError, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.commands import Context
from services.orders.commands import items as item_commands
from services.orders.domain import Item, ItemDraft, Line
from services.orders.store import ItemsWanted
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once

TEA = ItemDraft("Oolong tea", "烏龍茶", "OOL-1", 4_500, True, True)


async def add(context: Context, who: ServiceClaims, key: str = "", **change: object) -> Item:
    return await commands.create_item(context, who, once(who, key), replace(TEA, **change))  # type: ignore[arg-type]


async def listed(context: Context, who: ServiceClaims, query: str = "", **wanted: bool) -> list[str]:
    """Names over all pages of two."""
    names, token = [], ""
    while True:
        page = await queries.list_items(context.database, who, 2, token, query, ItemsWanted((), **wanted))
        names += [item.name_en for item in page.items]
        if not (token := page.next_token):
            return names


async def test_an_item_is_read_back_as_it_was_written_and_the_same_key_adds_one(context: Context) -> None:
    """E7."""
    who = claims(actor="staff:7")
    item = await add(context, who, key="k")
    assert (item.position, item.version, item.changed_by) == (10, 1, "staff:7")
    assert await queries.get_item(context.database, who, item.item_id) == item
    with pytest.raises(Replayed):
        await add(context, who, key="k")
    changed = await commands.change_item(context, who, once(who), item.item_id, replace(TEA, unit_price=5_000), 1)
    assert await queries.get_item(context.database, who, item.item_id) == changed
    with pytest.raises(Conflict, match="stale_version"):
        await commands.change_item(context, who, once(who), item.item_id, TEA, 1)


async def test_lists_follow_the_position_and_find_by_every_word_in_either_language(context: Context) -> None:
    """C11: by key; what LIKE knows as signs is only text."""
    who = claims()
    await add(context, who, name_en="Tea pot", name_zh="茶壺", sku="POT_1", sold_online=False)
    await add(context, who, name_en="Cup 100%", name_zh="杯", sku="", sold_at_counter=False)
    await add(context, who, name_en="Bun", name_zh="菠蘿包", sku="B", position=1)
    gone = await add(context, who, name_en="Old tea", sku="OLD")
    await commands.change_item(context, who, once(who), gone.item_id, replace(TEA, name_en="Old tea", archived=True), 0)
    assert await listed(context, who) == ["Bun", "Tea pot", "Cup 100%"]
    assert await listed(context, who, archived=True) == ["Old tea"]
    assert await listed(context, who, sold_online=True) == ["Bun", "Cup 100%"]
    assert await listed(context, who, sold_at_counter=True) == ["Bun", "Tea pot"]
    assert await listed(context, who, "茶 TEA") == ["Tea pot"]
    assert [await listed(context, who, query) for query in ("100%", "%", "pot_1", "_", "xx")] == [
        ["Cup 100%"],
        ["Cup 100%"],
        ["Tea pot"],
        ["Tea pot"],
        [],
    ]
    for token in ("x", "WzEsMl0=", "WyJhIiwgImIiXQ=="):
        with pytest.raises(InvalidInput):
            await queries.list_items(context.database, who, 0, token, "", ItemsWanted())


async def test_a_sku_is_one_items_also_when_twenty_want_it_at_once(context: Context) -> None:
    """Whatever its capitals; another store has its own, and an item without one is no twin of another without."""
    who = claims()

    async def attempt(number: int) -> str:
        try:
            return (await add(context, who, sku="ool-9" if number % 2 else "OOL-9")).sku
        except AlreadyExists as refused:
            return refused.reason

    results = await asyncio.gather(*(attempt(number) for number in range(20)))
    assert results.count("sku_taken") == 19
    await add(context, claims(), sku="OOL-9")
    first, second = await add(context, who, sku=""), await add(context, who, sku="")
    assert second.position == first.position + 10
    with pytest.raises(AlreadyExists, match="sku_taken"):
        await commands.change_item(context, who, once(who), first.item_id, replace(TEA, sku="Ool-9"), 0)


async def test_a_list_has_an_end(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_commands, "MOST_ITEMS", 2)
    who = claims()
    results = await asyncio.gather(*(add(context, who, sku="") for _ in range(5)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, StateConflict)]
    assert (len(refused), {each.reason for each in refused}) == (3, {"too_many_items"})


async def test_a_line_keeps_its_item_and_a_copy_of_what_it_was_called_and_cost(context: Context) -> None:
    """Whatever becomes of the item."""
    who = claims()
    item = await add(context, who)
    line = Line(item.sku, "烏龍茶", 2, 4_500, item_id=item.item_id)
    order = await create(context, who, replace(DRAFT, lines=(line, Line("", "Gift", 1, 0))))
    await commands.change_item(
        context, who, once(who), item.item_id, replace(TEA, name_zh="茶", unit_price=1, archived=True), 0
    )
    read = await queries.get_order(context.database, who, order.order_id)
    assert read == order
    assert [line.item_id for line in read.lines] == [item.item_id, None]


async def test_no_store_sees_changes_or_sells_anothers_items(context: Context) -> None:
    """S, fault 30."""
    mine, theirs = claims(), claims()
    item = await add(context, mine)

    async def reason(item_id: UUID, attempt: str) -> str:
        try:
            if attempt == "sell":
                await create(context, theirs, replace(DRAFT, lines=(Line("", "Tea", 1, 1, item_id=item_id),)))
            elif attempt == "change":
                await commands.change_item(context, theirs, once(theirs), item_id, TEA, 0)
            else:
                await queries.get_item(context.database, theirs, item_id)
        except InvalidInput as refused:
            return f"{refused.violations[0].field}: {refused.violations[0].reason}"
        except OnefoldError as refused:
            return refused.reason
        return "done"

    for attempt, expected in (
        ("read", "item_not_found"),
        ("change", "item_not_found"),
        ("sell", "lines[0].item_id: unknown_item"),
    ):
        assert await reason(item.item_id, attempt) == await reason(new_id(), attempt) == expected
    assert await listed(context, theirs) == []
    with pytest.raises(NotFound):
        await queries.get_item(context.database, theirs, item.item_id)
