"""What providers tell: kept once, applied once, never lost (E1, F7, S)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.common.errors import InvalidInput, NotFound, OnefoldError, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.orders import commands
from services.orders.commands import notices
from services.orders.domain import PaymentMethod, Settlement, Status
from services.orders.queries import payments
from tests.integration.orders.test_commands import counted
from tests.integration.orders.till import Till, checkout_event, open_till, refund_event
from tests.support.calls import claims, once


@pytest.fixture
async def till(context: commands.Context, tmp_path: Path) -> AsyncIterator[Till]:
    async with open_till(context, tmp_path) as till:
        yield till


async def test_a_notice_that_is_sent_fifty_times_at_once_is_kept_and_applied_once(till: Till) -> None:
    """E7: and the payment says by whom, by which word, how much."""
    order = await till.unpaid()
    event = checkout_event(order)
    results = await asyncio.gather(*(till.tell(event) for _ in range(50)))
    assert set(results) <= {"APPLIED", "KEPT"}
    paid = await till.read(order)
    assert (paid.status, paid.paid) == (Status.PAID, order.total)
    [payment] = paid.payments
    assert (payment.method, payment.reference, payment.provider_name) == (PaymentMethod.ONLINE, "pi_1", "Card")
    assert [h.actor for h in paid.history if h.change == "payment_confirmed"] == ["service:payments"]
    assert (await counted(till.context, till.who, "payment_notices"), await till.to_look_at()) == (1, [])
    assert await counted(till.context, till.who, "outbox") == 3  # placed, paid, and that the provider was set up


async def test_the_same_payment_told_by_two_kinds_of_events_pays_once(till: Till) -> None:
    order = await till.unpaid()
    events = [checkout_event(order), checkout_event(order, "async_payment_succeeded")]
    assert sorted(await asyncio.gather(*map(till.tell, events))) == ["APPLIED", "NOTHING_NEW"]
    assert len((await till.read(order)).payments) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_total": 1}, "amount_not_of_order"),
        ({"amount_total": "11500"}, "amount_not_of_order"),
        ({"currency": "twd"}, "currency_not_of_order"),
        ({"client_reference_id": "01990000-0000-7000-8000-000000000000"}, "order_not_found"),
    ],
)
async def test_what_does_not_fit_the_order_is_kept_for_a_person(
    till: Till, change: dict[str, object], reason: str
) -> None:
    order = await till.unpaid()
    assert await till.tell(checkout_event(order, **change)) == "NEEDS_LOOK"
    assert await till.tell(checkout_event(order, "async_payment_succeeded", **change)) == "NOTHING_NEW", (
        "once is enough"
    )
    assert await till.to_look_at() == [reason]
    assert (await till.read(order)).status is Status.UNPAID


async def test_money_for_a_cancelled_or_a_paid_order_is_shown_and_can_be_given_back(till: Till) -> None:
    """E1: settled by a note or by the provider; once."""
    cancelled, by_hand = await till.unpaid(), await till.unpaid()
    await commands.cancel_order(till.context, till.who, once(till.who), cancelled.order_id, "no answer")
    await commands.confirm_payment(till.context, till.who, once(till.who), by_hand.order_id, PaymentMethod.CASH, "", 0)
    for order, intent in ((cancelled, "pi_1"), (by_hand, "pi_2")):
        assert await till.tell(checkout_event(order, intent=intent)) == "NEEDS_LOOK"
    assert await till.to_look_at() == ["order_cancelled", "paid_twice"]
    page = await payments.list_notices(till.database, till.who, 0, "", cancelled.order_id)
    [notice] = page.items
    assert (notice.order_number, notice.told.amount, notice.can_give_back) == (cancelled.number, cancelled.total, True)

    async def settle(key: str, note: str = "rang the customer") -> str:
        how = (notice.notice_id, Settlement.GIVEN_BACK, note)
        return (await commands.settle_notice(till.context, till.who, once(till.who, key), *how)).state.name

    with pytest.raises(InvalidInput):
        await settle("blank", " ")
    assert await settle("a") == "SETTLED"
    with pytest.raises(Replayed):
        await settle("a")
    with pytest.raises(StateConflict, match="notice_settled"):
        await settle("b")
    assert await till.to_look_at() == ["paid_twice"]
    assert await counted(till.context, till.who, "provider_refunds") == 1


async def test_out_of_order_is_no_trouble(till: Till) -> None:
    """Expired after paid; refunded before paid, at the provider's own pages, told once that the payment is known."""
    order = await till.unpaid()
    assert await till.tell(refund_event("pi_1", 500)) == "NOTHING_NEW"
    assert await till.tell(checkout_event(order)) == "APPLIED"
    assert await till.tell(checkout_event(order, "expired")) == "NOTHING_NEW"
    [(store_id, notice_id)] = await _kept(till)
    assert (await notices.apply_notice(till.database, store_id, notice_id)).name == "APPLIED"
    assert await till.tell(refund_event("pi_1", 500)) == "NOTHING_NEW", "the same refund by another event"
    now = await till.read(order)
    assert (now.status, now.refunded, [r.reference for r in now.refunds]) == (Status.PAID, 500, ["re_1"])
    assert await till.tell(refund_event("pi_1", order.total, id="re_2")) == "NEEDS_LOOK"
    assert await till.to_look_at() == ["refund_too_large"]


async def _kept(till: Till) -> list[tuple[object, object]]:
    async with till.database.transaction(till.who.store) as tx:
        rows = await tx.exec_driver_sql("SELECT store_id, notice_id FROM payment_notices WHERE state = 1")
        return [tuple(row) for row in rows]


async def test_a_refund_that_is_told_beside_its_payment_is_never_missed(till: Till) -> None:
    for n in range(6):
        order = await till.unpaid()
        pair = (checkout_event(order, intent=f"pi_{n}"), refund_event(f"pi_{n}", 500, id=f"re_{n}"))
        await asyncio.gather(*map(till.tell, pair))
        for store_id, notice_id in await _kept(till):
            await notices.apply_notice(till.database, store_id, notice_id)
        assert (await till.read(order)).refunded == 500


async def test_two_notices_and_a_hand_at_once_pay_once_and_lose_nothing(till: Till) -> None:
    """Whoever comes second is shown to a person, for money may have come twice."""
    seen: Counter[str] = Counter()
    for n in range(6):
        order = await till.unpaid()

        async def by_hand(order_id: object) -> str:
            try:
                await commands.confirm_payment(
                    till.context, till.who, once(till.who), order_id, PaymentMethod.CASH, "", 0
                )
            except OnefoldError as error:
                return error.reason
            return "by hand"

        results = await asyncio.gather(
            till.tell(checkout_event(order, intent=f"pi_a{n}")),
            till.tell(checkout_event(order, intent=f"pi_b{n}")),
            by_hand(order.order_id),
        )
        paid = await till.read(order)
        assert (len(paid.payments), paid.paid) == (1, order.total)
        assert sorted(results) in (
            ["APPLIED", "NEEDS_LOOK", "order_not_unpaid"],
            ["NEEDS_LOOK", "NEEDS_LOOK", "by hand"],
        )
        seen.update(results)
    assert len(await till.to_look_at()) == seen["NEEDS_LOOK"]


async def test_an_order_of_a_merged_account_goes_to_the_survivor_with_its_payment_also_in_the_middle_of_the_merge(
    till: Till,
) -> None:
    """F7, O."""
    for late in (False, True):
        merged, survivor = new_id(), new_id()
        order = await till.unpaid(customer_id=merged)
        telling = till.tell(checkout_event(order, intent=f"pi_{late}"))
        relinking = commands.relink_orders(till.context, till.who, new_id(), [merged], survivor)
        if late:
            await relinking
            assert await telling == "APPLIED"
        else:
            await asyncio.gather(relinking, telling)
            await commands.relink_orders(till.context, till.who, new_id(), [merged], survivor)
        assert (await till.read(order)).customer_id == survivor


async def test_another_stores_ids_and_secrets_open_nothing(till: Till) -> None:
    """S: a provider's notices are about its own store alone."""
    stranger = replace(till, who=claims())
    await stranger.set_up(webhook_secret="whsec_other")
    order = await till.unpaid()
    with pytest.raises(InvalidInput, match="signature_refused"):
        await till.tell(checkout_event(order), secret="whsec_other")
    assert await stranger.tell(checkout_event(order), secret="whsec_other") == "NEEDS_LOOK"
    assert (await stranger.to_look_at(), await till.to_look_at()) == (["order_not_found"], [])
    with pytest.raises(NotFound, match="provider_not_found"):
        await till.tell(checkout_event(order), provider_id=new_id())
    assert (await till.read(order)).status is Status.UNPAID
    [notice] = (await payments.list_notices(till.database, stranger.who, 0, "", None)).items
    with pytest.raises(NotFound, match="notice_not_found"):
        await commands.settle_notice(till.context, till.who, once(till.who), notice.notice_id, Settlement.NOTED, "x")


async def test_sales_that_the_merchant_makes_elsewhere_with_the_account_bother_nobody(till: Till) -> None:
    for event in (
        checkout_event(),
        checkout_event(client_reference_id="cart-7"),
        refund_event("pi_elsewhere", 5),
        {"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}},
        {"id": "evt_2", "type": "checkout.session.completed", "data": {"object": "cs_1"}},
        {"id": "evt_3", "type": "refund.created"},
    ):
        assert await till.tell(event) in ("NOTHING_NEW", "APPLIED")
    assert await till.to_look_at() == []


@pytest.mark.parametrize("event", [[], {"id": 7, "type": "x"}, {"type": "x"}], ids=["list", "no text", "no id"])
async def test_a_signed_body_that_is_no_event_is_refused_and_not_kept(till: Till, event: object) -> None:
    with pytest.raises(InvalidInput, match="malformed_notice"):
        await till.tell(event)  # type: ignore[arg-type]
    assert await counted(till.context, till.who, "payment_notices") == 0


async def test_what_was_kept_and_not_applied_is_applied_once_by_whoever_looks_next(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash between both; and a notice that breaks its applying is put before a person and holds up nobody."""
    orders = [await till.unpaid() for _ in range(2)]

    async def away(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(notices, "apply_notice", away)
        assert await till.tell(checkout_event(orders[0])) == "KEPT"
    kept = await _kept(till)
    await asyncio.gather(*(notices.apply_notice(till.database, *each) for each in kept * 5))
    assert len((await till.read(orders[0])).payments) == 1

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(notices, "apply", broken)
        assert await till.tell(checkout_event(orders[1], intent="pi_2")) == "NEEDS_LOOK"
    assert await till.to_look_at() == ["not_understood"]
