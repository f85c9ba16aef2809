"""Orders on a real PostgreSQL: idempotency, races, relinking, tenancy."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from sqlalchemy import text

from services.common.contact import Address, Contact
from services.common.errors import Conflict, InvalidInput, NotFound, OnefoldError
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.commands import relinking
from services.orders.domain import Filter, PaymentMethod, Status
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once


async def counted(context: commands.Context, who: ServiceClaims, table: str) -> int:
    async with context.database.transaction(who.store) as tx:
        return int(await tx.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_an_order_is_read_back_as_it_was_written(context: commands.Context) -> None:
    """E1, E6: every part of it, in one statement."""
    who = claims()
    written = await create(context, who)
    read = await queries.get_order(context.database, who, written.order_id)
    assert read == written
    assert read.contact == Contact("陳大文", "+85294512053", "Tai.Man@example.com")
    assert [line.total for line in read.lines] == [2_500, 9_000]
    assert await counted(context, who, "outbox") == 1  # placed; that it is paid stands in it


async def test_contact_and_shipping_address_are_edited_on_the_order_alone(context: commands.Context) -> None:
    """E2: what is not told stays as it is; an empty address is none."""
    who, there = claims(), Address("陳太", lines=("1 Nathan Road", "8/F"), district="Tsim Sha Tsui")
    order_id = (await create(context, who)).order_id
    for told, kept in ((there, there), (None, there), (Address(), Address())):
        edited = await commands.edit_contact(context, who, once(who), order_id, Contact("陳太"), told, 0)
        read = await queries.get_order(context.database, who, order_id)
        assert read == edited
        assert (read.contact, read.shipping_address) == (Contact("陳太"), kept)


async def test_the_same_key_writes_one_order_and_answers_alike(context: commands.Context) -> None:
    """E7, fault 2: 30 clicks at once."""
    who = claims()

    async def click() -> bytes:
        try:
            return repr(await create(context, who, key="click")).encode()
        except Replayed as replayed:
            return replayed.response

    answers = await asyncio.gather(*(click() for _ in range(30)))
    assert len(set(answers)) == 1
    assert await counted(context, who, "orders") == 1
    assert await counted(context, who, "outbox") == 1


async def test_the_same_key_with_another_body_is_refused(context: commands.Context) -> None:
    """E7, fault 2."""
    who = claims()
    await create(context, who, key="k")
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await commands.create_order(context, who, once(who, "k", b"other"), DRAFT)
    assert await counted(context, who, "orders") == 1


async def test_a_refused_order_leaves_nothing_behind(context: commands.Context) -> None:
    who = claims()
    with pytest.raises(InvalidInput):
        await create(context, who, replace(DRAFT, lines=()), key="k")
    assert [await counted(context, who, t) for t in ("orders", "order_lines", "outbox", "idempotency_keys")] == [0] * 4
    await create(context, who, key="k")  # the key is still free


async def test_numbers_are_unique_across_processes(context: commands.Context) -> None:
    who = claims()
    other = replace(context, numbers=commands.Numbers(context.database))
    orders = await asyncio.gather(*(create(c, who) for c in (context, other) for _ in range(60)))
    assert len({order.number for order in orders}) == 120
    assert min(order.number for order in orders) == 1001


async def test_confirming_twice_at_once_pays_once(context: commands.Context) -> None:
    """E1, fault 5."""
    who = claims()
    order = await create(context, who, replace(DRAFT, paid=False))

    async def confirm(key: str) -> str:
        try:
            await commands.confirm_payment(context, who, once(who, key), order.order_id, PaymentMethod.CASH, "", 0)
        except OnefoldError as refused:
            return refused.reason
        return "paid"

    results = await asyncio.gather(*(confirm(f"k{n}") for n in range(8)))
    assert sorted(results) == ["order_not_unpaid"] * 7 + ["paid"]
    assert await counted(context, who, "payments") == 1


async def test_unpaid_orders_move_only_when_paid(context: commands.Context) -> None:
    """F5, F7: and old pointers lead to the last survivor in one hop (F10)."""
    who = claims()
    a, b, c = new_id(), new_id(), new_id()
    paid = await create(context, who, replace(DRAFT, customer_id=a))
    unpaid = await create(context, who, replace(DRAFT, customer_id=a, paid=False))
    assert await commands.relink_orders(context, who, new_id(), [a], b) == (1, True)
    assert await commands.relink_orders(context, who, new_id(), [b], c) == (1, True)
    assert (await queries.get_order(context.database, who, paid.order_id)).customer_id == c
    assert (await queries.get_order(context.database, who, unpaid.order_id)).customer_id == a
    moved = await commands.confirm_payment(context, who, once(who), unpaid.order_id, PaymentMethod.CASH, "", 0)
    assert (moved.customer_id, moved.status) == (c, Status.PAID)


async def test_the_orders_of_a_chain_of_fifty_merges_are_one_hop_away(context: commands.Context) -> None:
    """F10: a payment of the oldest id's order, and a list asked for by it, find the account that lives; F7: and what is unpaid."""
    who, chain = claims(), [new_id() for _ in range(51)]
    unpaid, later = [await create(context, who, replace(DRAFT, customer_id=chain[0], paid=False)) for _ in range(2)]
    for merged, primary in itertools.pairwise(chain):
        await commands.relink_orders(context, who, new_id(), [merged], primary)
    async with context.database.transaction(who.store) as tx:
        found = await tx.execute(text("SELECT DISTINCT survivor_id FROM survivors"))
        assert [row.survivor_id for row in found] == [chain[-1]]
    moved = await commands.confirm_payment(context, who, once(who), unpaid.order_id, PaymentMethod.CASH, "", 0)
    assert moved.customer_id == chain[-1]
    for asked, expected in (((chain[0],), {moved.order_id, later.order_id}), (tuple(chain[25:27]), {moved.order_id})):
        listed = await queries.list_orders(context.database, who, 10, "", Filter(customer_ids=asked))
        assert {order.order_id for order in listed.items} == expected
        assert len(listed.items) == len(expected)


async def test_relinking_goes_in_batches_and_may_be_repeated(
    context: commands.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9."""
    monkeypatch.setattr(relinking, "RELINK_BATCH", 10)
    who = claims()
    merged, survivor, run = [new_id(), new_id(), new_id()], new_id(), new_id()
    orders = [await create(context, who, replace(DRAFT, customer_id=merged[n % 3])) for n in range(37)]
    steps = []
    while not steps or not steps[-1][1]:
        steps.append(await commands.relink_orders(context, who, run, merged, survivor))
    assert [moved for moved, _ in steps] == [10, 10, 10, 7]
    assert await commands.relink_orders(context, who, run, merged, survivor) == (0, True)
    assert await commands.relink_orders(context, who, run, [], survivor) == (0, True)
    for order in orders:
        now = await queries.get_order(context.database, who, order.order_id)
        assert (now.customer_id, now.version, now.history[-1].change) == (survivor, 2, "owner_changed")


async def test_an_order_that_somebody_else_moves_at_that_moment_is_left_and_the_rest_goes_on(
    context: commands.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O, F9: it was looked at in vain, which is no sign that there are no more; and what was done to one meanwhile is kept."""
    monkeypatch.setattr(relinking, "RELINK_BATCH", 10)
    who, merged, survivor, other = claims(), new_id(), new_id(), new_id()
    orders = [await create(context, who, replace(DRAFT, customer_id=merged)) for _ in range(13)]
    async with context.database.transaction(who.store) as tx:
        # In the middle, so among the first ten from either end.
        for order, change in ((orders[6], f"customer_id = '{other}'"), (orders[5], "tracking = 'SF-1', version = 2")):
            await tx.execute(text(f"UPDATE orders SET {change} WHERE order_id = '{order.order_id}'"))
        moving = asyncio.create_task(commands.relink_orders(context, who, new_id(), [merged], survivor))
        await asyncio.wait([moving], timeout=0.3)
        assert not moving.done()
    assert await moving == (9, False)
    assert await commands.relink_orders(context, who, new_id(), [merged], survivor) == (3, True)
    read = [await queries.get_order(context.database, who, order.order_id) for order in orders]
    assert [order.customer_id for order in read] == [survivor] * 6 + [other] + [survivor] * 6
    assert (read[5].tracking, read[5].version, read[5].history[-1].change) == ("SF-1", 3, "owner_changed")


async def test_a_buyer_who_turns_out_to_be_known_gets_the_order(context: commands.Context) -> None:
    who = claims()
    member = new_id()
    for paid in (True, False):
        order = await create(context, who, replace(DRAFT, paid=paid))
        for _ in range(3):  # fault 23: repeated events change nothing more
            async with context.database.transaction(who.store) as tx:
                await commands.link_buyers(tx, who.store, [(order.order_id, member)])
        now = await queries.get_order(context.database, who, order.order_id)
        assert (now.customer_id, now.version) == (member, 2)


async def test_an_unpaid_order_of_a_merged_account_stays_though_membership_names_the_survivor(
    context: commands.Context,
) -> None:
    """F7, fault 12."""
    who = claims()
    merged, survivor = new_id(), new_id()
    order = await create(context, who, replace(DRAFT, paid=False, customer_id=merged))
    await commands.relink_orders(context, who, new_id(), [merged], survivor)
    async with context.database.transaction(who.store) as tx:
        await commands.link_buyers(tx, who.store, [(order.order_id, survivor)])
    assert (await queries.get_order(context.database, who, order.order_id)).customer_id == merged


async def test_orders_given_to_an_account_while_it_is_merged_reach_the_survivor(context: commands.Context) -> None:
    """O: neither side sees the other's uncommitted work, so the merge waits; whoever comes after it follows its pointer."""
    who = claims()
    merged, survivor = new_id(), new_id()
    early, late = [[await create(context, who) for _ in range(3)] for _ in range(2)]
    async with context.database.transaction(who.store) as tx:
        await commands.link_buyers(tx, who.store, [(order.order_id, merged) for order in early])
        relinking = asyncio.create_task(commands.relink_orders(context, who, new_id(), [merged], survivor))
        await asyncio.wait([relinking], timeout=0.3)
        assert not relinking.done()
    assert await relinking == (3, True)
    async with context.database.transaction(who.store) as tx:
        await commands.link_buyers(tx, who.store, [(order.order_id, merged) for order in late])
    for order in (*early, *late):
        assert (await queries.get_order(context.database, who, order.order_id)).customer_id == survivor


async def test_no_store_sees_anothers_orders(context: commands.Context) -> None:
    """S, fault 30: neither by id, nor by list, nor by search, nor by writing."""
    mine, theirs = claims(), claims()
    order = await create(context, mine, replace(DRAFT, paid=False))
    with pytest.raises(NotFound):
        await queries.get_order(context.database, theirs, order.order_id)
    with pytest.raises(NotFound):
        await commands.confirm_payment(context, theirs, once(theirs), order.order_id, PaymentMethod.CASH, "", 0)
    for query in ("", "大文", "大", "2053", f"#{order.number}"):
        assert (await queries.list_orders(context.database, theirs, 0, "", Filter(query=query))).items == []
    assert await commands.relink_orders(context, theirs, new_id(), [order.customer_id], new_id()) == (0, True)
    async with context.database.transaction(theirs.store) as tx:
        assert (await tx.execute(text("UPDATE orders SET note = 'stolen'"))).rowcount == 0
    async with (
        context.database.across_stores() as tx
    ):  # a transaction that forgot to name its store sees nothing at all
        assert await tx.scalar(text("SELECT count(*) FROM orders")) == 0
