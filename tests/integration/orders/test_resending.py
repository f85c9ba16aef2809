"""The order e-mail once more (E3)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from onefold.orders.v1 import events_pb2
from services.common.contact import Contact
from services.common.errors import NotFound, OnefoldError, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.domain import MOST_RESENDS, Order
from tests.integration.orders.people import DRAFT
from tests.support.calls import claims, once


async def an_order(context: commands.Context, who: ServiceClaims, email: str = "p@mail.example") -> Order:
    draft = replace(DRAFT, contact=Contact("Chan", "", email))
    return await commands.create_order(context, who, once(who), draft)


async def requested(context: commands.Context, who: ServiceClaims) -> list[events_pb2.OrderEmailRequested]:
    async with context.database.transaction(who.store) as tx:
        rows = await tx.execute(
            text("SELECT payload FROM outbox WHERE type = 'orders.order_email_requested.v1' ORDER BY seq")
        )
        return [events_pb2.OrderEmailRequested.FromString(row.payload) for row in rows]


async def test_of_100_resends_with_one_left_exactly_one_passes(context: commands.Context) -> None:
    """Fault 20, Q."""
    who = claims()
    order = await an_order(context, who)
    for _ in range(MOST_RESENDS - 1):
        await commands.resend_email(context, who, once(who), order.order_id)

    async def click() -> str:
        try:
            return str((await commands.resend_email(context, who, once(who), order.order_id)).resends)
        except OnefoldError as error:
            return error.reason
        except (
            TimeoutError
        ):  # no connection in time, on a busy machine: nothing was begun, and the browser's caller asks again
            return await click()

    answers = await asyncio.gather(*(click() for _ in range(100)))
    assert sorted(answers) == ["5"] + ["resend_limit_reached"] * 99
    assert [event.order.resends for event in await requested(context, who)] == [1, 2, 3, 4, 5]
    read = await queries.get_order(context.database, who, order.order_id)
    assert (read.resends, read.version) == (5, 6)
    assert [change.change for change in read.history] == ["placed"] + ["email_resent"] * 5


async def test_a_resend_goes_to_the_address_that_is_on_the_order_now(context: commands.Context) -> None:
    """E2, E3."""
    who = claims()
    order = await an_order(context, who)
    await commands.edit_contact(
        context, who, once(who), order.order_id, Contact("Chan", "", "new@mail.example"), None, 0
    )
    await commands.resend_email(context, who, once(who), order.order_id)
    [event] = await requested(context, who)
    assert event.order.contact.email == "new@mail.example"
    assert len(event.order.lines) == len(order.lines)


async def test_the_same_click_twice_is_one_resend(context: commands.Context) -> None:
    """E7."""
    who = claims()
    order = await an_order(context, who)
    await commands.resend_email(context, who, once(who, "click"), order.order_id)
    with pytest.raises(Replayed):
        await commands.resend_email(context, who, once(who, "click"), order.order_id)
    assert len(await requested(context, who)) == 1


async def test_an_order_without_an_address_or_of_another_store_is_refused_and_not_counted(
    context: commands.Context,
) -> None:
    who = claims()
    order = await commands.create_order(
        context, who, once(who), replace(DRAFT, contact=Contact("Chan", "9451 2053", ""))
    )
    with pytest.raises(StateConflict, match="order_without_email"):
        await commands.resend_email(context, who, once(who), order.order_id)
    stranger = claims()
    for asked, order_id in ((stranger, order.order_id), (who, new_id())):
        with pytest.raises(NotFound, match="order_not_found"):
            await commands.resend_email(context, asked, once(asked), order_id)
    assert (await queries.get_order(context.database, who, order.order_id)).resends == 0
    assert await requested(context, who) == []
