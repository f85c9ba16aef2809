"""How orders go on and end, on a real PostgreSQL: refunds, cancellation, races (E1, B5, O)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from uuid import UUID

import pytest

from services.common.errors import InvalidInput, NotFound, OnefoldError, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.commands import Context, RefundWish
from services.orders.domain import Channel, Order, PaymentMethod, Status
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once

UNPAID = replace(DRAFT, paid=False)


async def refund(context: Context, who: ServiceClaims, order_id: UUID, amount: int = 0, key: str = "") -> Order:
    wish = RefundWish(amount, PaymentMethod.CASH, "R-1", "broken")
    return await commands.refund_order(context, who, once(who, key), order_id, wish)


async def read(context: Context, who: ServiceClaims, order_id: UUID) -> Order:
    return await queries.get_order(context.database, who, order_id)


async def outcome(attempt: Awaitable[Order]) -> str:
    try:
        return (await attempt).status.name
    except OnefoldError as refused:
        return refused.reason


async def test_an_order_goes_on_step_by_step_and_keeps_who_when_and_why(context: Context) -> None:
    """E1: steps may be left out, none is taken back; what is read is what was answered."""
    who = claims(actor="staff:7")
    order = await create(context, who)
    advanced = await commands.advance_order(context, who, once(who), order.order_id, Status.SHIPPED, " SF 123 ")
    assert (advanced.status, advanced.tracking) == (Status.SHIPPED, "SF 123")
    with pytest.raises(StateConflict, match="order_cannot_become"):
        await commands.advance_order(context, who, once(who), order.order_id, Status.PROCESSING, "")
    done = await commands.advance_order(context, who, once(who), order.order_id, Status.COMPLETED, "")
    assert await read(context, who, order.order_id) == done
    assert [(h.change, h.actor, h.note) for h in done.history[1:]] == [
        ("shipped", "staff:7", "SF 123"),
        ("completed", "staff:7", ""),
    ]


async def test_what_is_paid_at_the_counter_is_completed(context: Context) -> None:
    """C8: the goods change hands with the money."""
    who = claims()
    assert (await create(context, who, replace(DRAFT, channel=Channel.POS))).status is Status.COMPLETED
    assert (await create(context, who, replace(UNPAID, channel=Channel.POS))).status is Status.UNPAID


async def test_refunds_in_part_add_up_and_the_last_one_ends_the_order(context: Context) -> None:
    """B5, E7: the same key gives money back once."""
    who = claims()
    order = await create(context, who)
    part = await refund(context, who, order.order_id, 1_500, key="part")
    assert (part.status, part.refunded) == (Status.PAID, 1_500)
    with pytest.raises(Replayed):
        await refund(context, who, order.order_id, 1_500, key="part")
    with pytest.raises(InvalidInput) as refused:
        await refund(context, who, order.order_id, order.total)
    assert [(v.field, v.reason) for v in refused.value.violations] == [("amount_minor", "refund_too_large")]
    rest = await refund(context, who, order.order_id)
    assert (rest.status, rest.refunded) == (Status.REFUNDED, order.total)
    assert [r.amount for r in (await read(context, who, order.order_id)).refunds] == [1_500, order.total - 1_500]
    assert await outcome(refund(context, who, order.order_id, 1)) == "nothing_to_refund"


async def test_refunds_at_once_never_give_back_more_than_was_paid(context: Context) -> None:
    """Twenty tills, each a third of the order."""
    who = claims()
    order = await create(context, who)
    third = order.total // 3
    results = await asyncio.gather(*(outcome(refund(context, who, order.order_id, third)) for _ in range(20)))
    after = await read(context, who, order.order_id)
    assert after.refunded == third * 3 <= order.total
    assert len(after.refunds) == 3 == sum(result in ("PAID", "REFUNDED") for result in results)


async def test_payment_and_cancellation_at_once_end_in_one_of_both(context: Context) -> None:
    who = claims()
    for _ in range(5):
        order = await create(context, who, UNPAID)
        results = await asyncio.gather(
            outcome(commands.cancel_order(context, who, once(who), order.order_id, "no answer")),
            outcome(commands.confirm_payment(context, who, once(who), order.order_id, PaymentMethod.CASH, "", 0)),
        )
        assert sorted(results) in (["CANCELLED", "order_not_unpaid"], ["PAID", "order_not_cancellable"])


async def test_only_an_order_without_money_is_cancelled_and_a_reason_is_asked_for(context: Context) -> None:
    """E1: what is paid is refunded; what cost nothing can be cancelled though it is paid."""
    who = claims()
    paid = await create(context, who)
    assert await outcome(commands.cancel_order(context, who, once(who), paid.order_id, "x")) == "order_not_cancellable"
    unpaid = await create(context, who, UNPAID)
    with pytest.raises(InvalidInput):
        await commands.cancel_order(context, who, once(who), unpaid.order_id, "  ")
    assert await outcome(refund(context, who, unpaid.order_id)) == "order_not_paid"
    free = await create(context, who, replace(DRAFT, discount=11_500))
    assert (free.total, free.status) == (0, Status.PAID)
    assert await outcome(commands.cancel_order(context, who, once(who), free.order_id, "x")) == "CANCELLED"


async def test_a_cancelled_order_of_a_merged_account_goes_to_the_survivor_also_in_the_middle_of_the_merge(
    context: Context,
) -> None:
    """O: nobody will pay it any more, so it must not stay behind (F7)."""
    who = claims()
    for late in (False, True):
        merged, survivor = new_id(), new_id()
        order = await create(context, who, replace(UNPAID, customer_id=merged))
        cancelling = commands.cancel_order(context, who, once(who), order.order_id, "merged")
        relinking = commands.relink_orders(context, who, new_id(), [merged], survivor)
        if late:
            await relinking
            await cancelling
        else:
            await asyncio.gather(relinking, cancelling)
            await commands.relink_orders(context, who, new_id(), [merged], survivor)
        assert (await read(context, who, order.order_id)).customer_id == survivor


async def test_no_store_changes_anothers_orders(context: Context) -> None:
    """S, fault 30."""
    mine, theirs = claims(), claims()
    order = await create(context, mine)
    for attempt in (
        refund(context, theirs, order.order_id),
        commands.cancel_order(context, theirs, once(theirs), order.order_id, "x"),
        commands.advance_order(context, theirs, once(theirs), order.order_id, Status.SHIPPED, ""),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await read(context, mine, order.order_id) == order
