"""Orders of people who were erased, and what happened to a customer's orders (C12, F13)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.state import DatabaseUrls
from onefold.membership.v1 import events_pb2 as membership
from onefold.orders.v1 import events_pb2
from services.common import clock
from services.common.contact import Address, Contact
from services.common.database import Database, connect
from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.common.outbox import Waker
from services.common.tokens import ServiceClaims
from services.common.wire import timestamp
from services.orders import commands, queries
from services.orders.commands import erasing
from services.orders.consumers import on_member_erased
from services.orders.domain import CustomerChange, PaymentMethod, Status
from tests.integration.orders.others import nobody
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once


@dataclass
class Shelf:
    """The service as it serves, and its worker."""

    context: commands.Context
    worker: Database

    async def erase(self, who: ServiceClaims, *customers: UUID, at: datetime | None = None) -> None:
        message = membership.MemberErased(
            customer_id=str(customers[0]),
            merged_ids=[str(i) for i in customers[1:]],
            erased_at=timestamp(at or clock.now()),
        )
        async with self.worker.transaction(who.store) as tx:
            await on_member_erased(tx, who.store, [Delivered(new_id(), who.store, "", 1, message, "")])


@pytest.fixture
async def shelf(service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Shelf]:
    urls = service_database("orders")
    database = Database(connect(urls.app, connections=8, name="test"))
    worker = Database(connect(urls.worker, connections=4, name="test-work"))
    yield Shelf(commands.Context(database, commands.Numbers(database), Waker(database), nobody()), worker)
    await database.close()
    await worker.close()


async def test_orders_of_an_erased_person_forget_who_that_was_and_keep_what_the_books_need(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C12: in batches, by two workers at once, again and again; whoever buys afterwards keeps the contact."""
    monkeypatch.setattr(erasing, "ERASE_BATCH", 2)
    who, person, twin, other = claims(), new_id(), new_id(), new_id()
    mine = [
        await create(shelf.context, who, replace(DRAFT, customer_id=owner, note="for Mr Chan"))
        for owner in (person, person, twin, person)
    ]
    theirs = await create(shelf.context, who, replace(DRAFT, customer_id=other))
    await shelf.erase(who, person, twin)
    later = await create(shelf.context, who, replace(DRAFT, customer_id=person))
    await asyncio.gather(commands.erase_contacts(shelf.worker), commands.erase_contacts(shelf.worker))
    await shelf.erase(who, person, twin, at=clock.now() - timedelta(minutes=1))
    assert await commands.erase_contacts(shelf.worker) == 0
    for order in mine:
        read = await queries.get_order(shelf.context.database, who, order.order_id)
        assert (read.contact, read.shipping_address, read.note) == (Contact(), Address(), "")
        assert (read.total, read.paid, read.lines, read.payments) == (
            order.total,
            order.paid,
            order.lines,
            order.payments,
        )
        assert [change.change for change in read.history] == ["placed", "contact_erased"]
    for order in (theirs, later):
        assert (await queries.get_order(shelf.context.database, who, order.order_id)).contact == order.contact
    async with shelf.context.database.transaction(who.store) as tx:
        named = (
            await tx.execute(text("SELECT order_id FROM order_texts WHERE search <> E'\\n\\n' OR grams <> '{}'"))
        ).scalars()
        assert set(named) == {theirs.order_id, later.order_id}
    events = await _erased(shelf, who)
    assert sorted(events) == sorted(str(order.order_id) for order in mine)


async def _erased(shelf: Shelf, who: ServiceClaims) -> list[str]:
    async with shelf.context.database.transaction(who.store) as tx:
        rows = await tx.execute(text("SELECT payload FROM outbox WHERE type = 'orders.order_contacts_erased.v1'"))
        return [i for row in rows for i in events_pb2.OrderContactsErased.FromString(row.payload).order_ids]


async def test_what_happened_to_a_customers_orders_is_read_newest_first_page_by_page(shelf: Shelf) -> None:
    """F13: an order brought from elsewhere was placed when it was made."""
    who, customer = claims(), new_id()
    long_ago = datetime(1997, 1, 1, tzinfo=UTC)
    old = await create(shelf.context, who, replace(DRAFT, customer_id=customer, placed_at=long_ago))
    unpaid = await create(shelf.context, who, replace(DRAFT, customer_id=customer, paid=False))
    await commands.confirm_payment(shelf.context, who, once(who), unpaid.order_id, PaymentMethod.CASH, "", 0)  # type: ignore[arg-type]
    await create(shelf.context, who, replace(DRAFT, customer_id=new_id()))
    seen: list[CustomerChange] = []
    token = ""
    while True:
        page = await queries.list_changes(shelf.context.database, who, 2, token, customer)
        seen += page.items
        if not (token := page.next_token):
            break
    assert [(change.order_id, change.change) for change in seen] == [
        (unpaid.order_id, "payment_confirmed"),
        (unpaid.order_id, "placed"),
        (old.order_id, "placed"),
    ]
    assert (seen[0].status, seen[0].total, seen[2].at) == (Status.PAID, unpaid.total, long_ago)
    assert not (await queries.list_changes(shelf.context.database, claims(), 10, "", customer)).items
    with pytest.raises(InvalidInput, match="invalid_page_token"):
        await queries.list_changes(shelf.context.database, who, 2, "WzEsMiwzXQ==", customer)
