"""Customers at the provider, secrets at rest, money that goes back: against the test provider, over HTTP (E1, E7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.local.payments.book import Book
from deploy.local.ports import LOOPBACK
from deploy.local.state import DatabaseUrls
from services.common import clock
from services.common.database import Database, connect
from services.common.errors import InvalidInput, NotFound, OnefoldError, StateConflict, Unavailable
from services.common.outbox import Waker
from services.common.sealing import Sealer
from services.orders import commands
from services.orders.clients import Providers, StripeClient
from services.orders.clients import stripe as stripe_module
from services.orders.clients.http import Http
from services.orders.commands import RefundWish, giving_back
from services.orders.domain import Order, PaymentMethod, ProviderKind, RefundState, Settlement, Status
from services.orders.queries import payments
from tests.integration.orders.others import nobody
from tests.integration.orders.till import BACK, KEY, SEALER, Till, checkout_event, open_till, refund_event
from tests.support.calls import claims, once


@dataclass
class Counter(Till):
    """A till and the worker behind it."""

    worker: Database | None = None

    async def tend(self, providers: Providers | None = None) -> int:
        assert self.worker
        return await commands.tend_payments(self.worker, providers or self.context.providers)

    async def give_back(self, order: Order, amount: int = 0, method: int = 0) -> Order:
        wish = RefundWish(amount, method, "", "broken")
        return await commands.refund_order(self.context, self.who, once(self.who), order.order_id, wish)


@pytest.fixture
async def till(service_database: Callable[[str], DatabaseUrls], tmp_path: Path) -> AsyncIterator[Counter]:
    urls = service_database("orders")
    database = Database(connect(urls.app, connections=16, name="test"))
    worker = Database(connect(urls.worker, connections=4, name="test-work"))
    context = commands.Context(database, commands.Numbers(database), Waker(database), nobody())
    async with open_till(context, tmp_path) as till:
        yield Counter(till.context, till.book, till.url, till.who, till.provider_id, worker)
    await database.close()
    await worker.close()


async def start(till: Till, order: Order, back: str = BACK) -> str:
    try:
        return (await commands.start_checkout(till.context, till.who, order.order_id, back))[0].session
    except OnefoldError as error:
        return error.reason


async def test_however_often_pay_is_pressed_there_is_one_checkout(till: Counter) -> None:
    """E7: ten at once, and again from another of the order's links."""
    order = await till.unpaid()
    sessions = set(await asyncio.gather(*(start(till, order) for _ in range(10))))
    assert len(sessions) == 1
    assert await start(till, order, BACK + "2") in sessions
    session = till.book.session(sessions.pop())
    assert session
    assert (session["amount_total"], session["currency"]) == (order.total, "hkd")
    assert session["success_url"] == f"{BACK}?payment=done"


async def test_a_checkout_that_is_over_is_followed_by_a_new_one_and_one_that_is_pending_by_none(till: Counter) -> None:
    order = await till.unpaid()
    first = await start(till, order)
    assert await till.tell(checkout_event(order, "expired", session=first)) == "APPLIED"
    second = await start(till, order)
    assert second != first
    unpaid = {"session": second, "payment_status": "unpaid"}
    assert await till.tell(checkout_event(order, **unpaid)) == "APPLIED"
    assert await start(till, order) == "payment_pending"
    assert await till.tell(checkout_event(order, "async_payment_failed", session=second)) == "APPLIED"
    assert (await start(till, order)).startswith("cs_test_")


async def test_what_cannot_be_paid_online_says_why(till: Counter) -> None:
    paid = await till.unpaid(paid=True)
    free = await till.unpaid(discount=11_500)
    order = await till.unpaid()
    assert [await start(till, each) for each in (paid, free)] == ["order_not_unpaid", "nothing_to_pay"]
    with pytest.raises(InvalidInput):
        await commands.start_checkout(till.context, till.who, order.order_id, "javascript:alert(1)")
    with pytest.raises(NotFound):
        await commands.start_checkout(till.context, claims(), order.order_id, BACK)
    await till.set_up(active=False)
    assert await start(till, order) == "provider_not_set_up"
    await till.set_up(api_key="pk_wrong")
    assert await start(till, order) == "provider_refused"
    with pytest.raises(StateConflict, match="provider_refused"):
        await commands.test_provider(till.context, till.who, ProviderKind.TEST)
    await till.set_up(api_key=KEY)
    await commands.test_provider(till.context, till.who, ProviderKind.TEST)


async def test_a_provider_that_is_away_costs_a_moment_and_the_checkout_is_found_again(
    till: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_module, "START_SECONDS", 0.5)
    order = await till.unpaid()
    away = Providers({ProviderKind.TEST: StripeClient(Http(f"http://{LOOPBACK}:1"))}, SEALER)
    with pytest.raises(Unavailable, match="provider_unavailable"):
        await commands.start_checkout(replace(till.context, providers=away), till.who, order.order_id, BACK)
    assert (await start(till, order)).startswith("cs_test_")
    async with till.database.transaction(till.who.store) as tx:
        assert await tx.scalar(text("SELECT count(*) FROM payment_checkouts")) == 1, "the intent is used again"


async def test_secrets_lie_sealed_and_are_never_told(till: Counter) -> None:
    async with till.database.transaction(till.who.store) as tx:
        [row] = (await tx.execute(text("SELECT p::text FROM payment_providers p"))).all()
        keys = (await tx.execute(text("SELECT response FROM idempotency_keys"))).all()
    for secret in (KEY, "whsec_till"):
        assert secret not in row[0]
        assert secret.encode().hex() not in row[0]
        assert all(secret.encode() not in bytes(each[0]) for each in keys)
    [shown] = await payments.get_providers(till.database, till.who, [ProviderKind.TEST])
    assert KEY not in repr(shown)
    lost = replace(
        till.context, providers=Providers({ProviderKind.TEST: StripeClient(Http(till.url))}, Sealer({"k2": b"2" * 32}))
    )
    with pytest.raises(StateConflict, match="provider_not_set_up"):
        await commands.start_checkout(lost, till.who, (await till.unpaid()).order_id, BACK)


async def test_a_webhook_secret_is_changed_without_a_notice_lost_and_one_provider_is_active_at_a_time(
    till: Counter,
) -> None:
    """An empty secret leaves what is kept; the one before stays good for a day."""
    both = Providers({kind: StripeClient(Http(till.url)) for kind in ProviderKind}, SEALER)
    till.context = replace(till.context, providers=both)
    await till.set_up(api_key="", webhook_secret="whsec_new")
    for secret in ("whsec_new", "whsec_till"):
        assert await till.tell(checkout_event(), secret=secret) == "NOTHING_NEW"
    with pytest.raises(InvalidInput) as refused:
        await till.set_up(kind=ProviderKind.STRIPE, name=" ", api_key="two words", webhook_secret="")
    assert {(v.field, v.reason) for v in refused.value.violations} == {
        ("name", "required"),
        ("api_key", "invalid_secret"),
    }
    with pytest.raises(InvalidInput, match="webhook_secret"):
        await till.set_up(kind=ProviderKind.STRIPE, webhook_secret="")
    await asyncio.gather(till.set_up(kind=ProviderKind.STRIPE), till.set_up(), till.set_up(kind=ProviderKind.STRIPE))
    shown = await payments.get_providers(till.database, till.who, both.kinds)
    assert sum(each.active for each in shown) == 1
    assert not any(each.api_key for each in await payments.get_providers(till.database, claims(), both.kinds))


async def test_money_that_a_provider_took_goes_back_by_it_once(till: Counter) -> None:
    """E1, B5: noted at once, carried out by the worker; the same by two workers."""
    order = await till.paid(await till.unpaid())
    asked = await till.give_back(order, 2_500)
    assert [(r.method, r.state) for r in asked.refunds] == [(PaymentMethod.ONLINE, RefundState.PENDING)]
    assert sum(await asyncio.gather(till.tend(), till.tend())) == 1
    refund = (await till.read(order)).refunds[0]
    assert refund.state is RefundState.DONE
    given = till.book.refunds(KEY, order.payments[0].reference)
    assert [r["amount"] for r in given] == [2_500]
    told = refund_event(order.payments[0].reference, 2_500, refund_id=refund.refund_id, id=given[0]["id"])
    assert await till.tell(told) == "NOTHING_NEW", "it was answered before it was told"
    by_hand = await till.give_back(order, 500, PaymentMethod.CASH)
    assert by_hand.refunds[-1].state is RefundState.BY_HAND
    assert (await till.give_back(order)).status is Status.REFUNDED
    with pytest.raises(InvalidInput, match="not_paid_online"):
        await till.give_back(await till.unpaid(paid=True), 1, PaymentMethod.ONLINE)


async def test_a_refund_that_takes_a_while_is_done_when_it_is_told(till: Counter) -> None:
    order = await till.paid(await till.unpaid())
    refund = (await till.give_back(order, 2_514)).refunds[0]
    assert (await till.tend(), await till.tend()) == (1, 0), "the provider has it and is not asked again"
    assert (await till.read(order)).refunds[0].state is RefundState.PENDING
    reference = order.payments[0].reference
    given = till.book.refunds(KEY, reference)[0]["id"]
    assert await till.tell(refund_event(reference, 2_514, refund_id=refund.refund_id, id=given)) == "APPLIED"
    assert (await till.read(order)).refunds[0].state is RefundState.DONE
    late = refund_event(
        reference, 2_514, "failed", refund.refund_id, id=given, failure_reason="expired_or_canceled_card"
    )
    assert await till.tell(late) == "NEEDS_LOOK", "the bank sent it back"
    failed = (await till.read(order)).refunds[0]
    assert (failed.state, failed.failure) == (RefundState.FAILED, "expired_or_canceled_card")


async def test_a_refund_that_fails_is_shown_and_can_be_asked_for_again(till: Counter) -> None:
    order = await till.paid(await till.unpaid())
    refund = (await till.give_back(order, 1_013)).refunds[0]
    await till.tend()
    failed = (await till.read(order)).refunds[0]
    assert (failed.state, failed.failure) == (RefundState.FAILED, "insufficient_funds")
    assert await till.to_look_at() == ["refund_failed"]
    theirs = claims()
    with pytest.raises(NotFound):
        await commands.retry_refund(till.context, theirs, once(theirs), order.order_id, refund.refund_id)
    await commands.retry_refund(till.context, till.who, once(till.who), order.order_id, refund.refund_id)
    assert await till.to_look_at() == []
    with pytest.raises(StateConflict, match="refund_not_failed"):
        await commands.retry_refund(till.context, till.who, once(till.who), order.order_id, refund.refund_id)
    old = refund_event(order.payments[0].reference, 1_013, "failed", refund.refund_id, id=await _old_reference(till))
    assert await till.tell(old) == "NOTHING_NEW", "that was the one before"
    await till.tend()
    assert await till.to_look_at() == ["refund_failed"], "it fails again, and is shown again"


async def _old_reference(till: Counter) -> str:
    async with till.database.transaction(till.who.store) as tx:
        return str(await tx.scalar(text("SELECT old_reference FROM provider_refunds")))


async def test_a_refund_whose_answer_was_lost_is_found_and_not_made_twice(
    till: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the provider has forgotten of keys; and one that stays away is given up after three days."""
    order = await till.paid(await till.unpaid())
    await till.give_back(order, 2_500)

    async def lost(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(giving_back, "_note", lost)
        with pytest.raises(ConnectionError):
            await till.tend()
    till.book._kept["answers"].clear()
    await _let_time_pass(till, timedelta(hours=1))
    assert await till.tend() == 1
    assert (await till.read(order)).refunds[0].state is RefundState.DONE
    assert len(till.book.refunds(KEY, order.payments[0].reference)) == 1

    await till.give_back(order, 100)
    monkeypatch.setattr(stripe_module, "REFUND_SECONDS", 0.2)
    away = Providers({ProviderKind.TEST: StripeClient(Http(f"http://{LOOPBACK}:1"))}, SEALER)
    assert await till.tend(away) == 1
    assert (await till.read(order)).refunds[1].state is RefundState.PENDING
    await _let_time_pass(till, timedelta(days=4))
    await till.tend(away)
    assert (await till.read(order)).refunds[1].failure == "provider_unavailable"


async def _let_time_pass(till: Counter, by: timedelta) -> None:
    async with till.database.transaction(till.who.store) as tx:
        ago = "{0} = {0} - CAST(:by AS interval)"
        moved = f"UPDATE provider_refunds SET {ago.format('asked_at')}, {ago.format('next_try_at')} WHERE state = 1"
        await tx.execute(text(moved), {"by": by})


async def test_money_that_belongs_to_no_order_goes_back_and_the_worker_applies_what_was_left(till: Counter) -> None:
    order = await till.unpaid()
    session = till.book.session(await start(till, order))
    assert session
    await commands.cancel_order(till.context, till.who, once(till.who), order.order_id, "too late")
    till.book.pay(session)
    event = checkout_event(order, session=session["id"], intent=session["payment_intent"])
    assert await till.tell(event) == "NEEDS_LOOK"
    [notice] = (await payments.list_notices(till.database, till.who, 0, "", None)).items
    how = (notice.notice_id, Settlement.GIVEN_BACK, "cancelled")
    await commands.settle_notice(till.context, till.who, once(till.who), *how)
    assert await till.tend() == 1
    assert [r["amount"] for r in till.book.refunds(KEY, session["payment_intent"])] == [order.total]
    other = await till.unpaid()
    await till.tell(checkout_event(other, intent="pi_2"))
    async with till.database.transaction(till.who.store) as tx:
        await tx.execute(
            text("UPDATE payment_notices SET state = 1, received_at = :at"), {"at": clock.now() - timedelta(minutes=1)}
        )
    assert await till.tend() == 2
    assert len((await till.read(other)).payments) == 1


async def test_what_the_provider_said_of_an_erased_person_is_forgotten(till: Counter) -> None:
    """C12: the books keep the payment."""
    order = await till.unpaid()
    await till.tell(checkout_event(order, customer_details={"email": "p@mail.example"}))
    async with till.database.transaction(till.who.store) as tx:
        await commands.queue_erasures(tx, till.who.store, [(order.customer_id, clock.now())])
    assert till.worker
    await commands.erase_contacts(till.worker)
    async with till.database.transaction(till.who.store) as tx:
        [row] = (await tx.execute(text("SELECT body, amount FROM payment_notices"))).all()
    assert (bytes(row.body), row.amount) == (b"", order.total)
    assert isinstance(till.book, Book)
