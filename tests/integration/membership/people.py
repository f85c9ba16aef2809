"""Buyers, orders and a shorthand for what happens to them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common import clock
from services.common.contact import Address, Contact
from services.common.errors import Conflict, StateConflict
from services.common.ids import new_id
from services.common.inbox import Delivered, RetryLater
from services.common.outbox import type_of
from services.common.tokens import ServiceClaims
from services.common.wire import contact_message, timestamp
from services.membership import commands, queries
from services.membership.consumers import subscriptions
from services.membership.domain import Buyer, Customer, Enrolled, Merge, Outcome
from tests.support.calls import claims, once

HOME = Address("陳大文", "", ("彌敦道 1 號",), "油尖旺", "香港", "", "HK")


def buyer(phone: str = "", email: str = "", name: str = "陳大文", **changes: Any) -> Buyer:
    """A new customer whom staff entered with "add as a member"."""
    return replace(
        Buyer(
            order_id=new_id(),
            customer_id=new_id(),
            new_customer=True,
            contact=Contact(name, phone, email),
            add_as_member=True,
            trusted=True,
            language="",
            shipping_address=Address(),
            placed_at=clock.now(),
        ),
        **changes,
    )


def some_phone() -> str:
    return f"+8526{1_000_000 + random.randrange(1_500_000)}"  # all of them valid mobiles


def some_email() -> str:
    return f"p{random.randrange(10**9)}@mail.example"


@dataclass
class Shop:
    """One store and its membership service."""

    context: commands.Context
    worker: commands.Context
    who: ServiceClaims

    @property
    def store_id(self) -> UUID:
        return self.who.store

    def another(self) -> Shop:
        return Shop(self.context, self.worker, claims())

    async def enrol(self, person: Buyer) -> Enrolled:
        return await commands.enrol_buyer(self.context, self.store_id, person)

    async def member(self, phone: str = "", email: str = "", name: str = "陳大文", **changes: Any) -> UUID:
        enrolled = await self.enrol(buyer(phone or some_phone(), email, name, **changes))
        assert enrolled.created_member
        return enrolled.customer_id

    async def customer(self, customer_id: UUID) -> Customer:
        return await queries.get_customer(self.context.database, self.who, customer_id)

    async def award(self, customer_id: UUID, points: int, expires_on: str = "2099-12-31") -> int:
        return await commands.adjust_points(
            self.context, self.who, once(self.who), customer_id, points, expires_on if points > 0 else "", ""
        )

    async def preview(self, primary: UUID, *merged: UUID, **adjustment: Any) -> Outcome:
        merge = Merge(primary, merged, **adjustment)
        return (await queries.preview_absorb(self.context.database, self.who, merge))[1]

    async def absorb(
        self, primary: UUID, *merged: UUID, run: UUID | None = None, plan: bytes = b"", **adjustment: Any
    ) -> int:
        plan = plan or (await self.preview(primary, *merged, **adjustment)).fingerprint
        merge = Merge(primary, merged, **adjustment)
        return (await commands.absorb(self.context, self.who, run or new_id(), merge, plan)).points_balance

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        async with self.context.database.transaction(self.store_id) as tx:
            return list((await tx.execute(text(query), parameters)).all())

    async def events(self, name: str) -> list[Any]:
        return await self.rows("SELECT * FROM outbox WHERE type = :type ORDER BY seq", type=f"membership.{name}.v1")

    async def hear(self, *messages: orders.OrderPlaced | orders.OrderPaid | orders.OrderRefunded) -> None:
        """The events take effect, in one transaction, without the inbox's protection against doubles."""
        handler = subscriptions(self.worker)["orders"][0].handler
        delivered = [
            Delivered(new_id(), self.store_id, type_of(message), message.order.version, message, "")
            for message in messages
        ]
        while True:
            try:
                async with self.worker.database.transaction(self.store_id) as tx:
                    await handler(tx, self.store_id, delivered)
            except RetryLater:  # a merge came between: the inbox would deliver them again
                continue
            return

    async def state(self) -> list[Any]:
        """Everything that membership knows of the store, but for the times at which it was written."""
        return [
            await self.rows(
                "SELECT customer_id, status, name, phone, email, survivor_id, net_spend, orders_count,"
                " points_balance, version FROM customers ORDER BY customer_id"
            ),
            await self.rows("SELECT * FROM order_facts ORDER BY order_id"),
            await self.rows("SELECT kind, digest, value, customer_id, state FROM identifiers ORDER BY digest"),
            await self.rows("SELECT customer_id, points, remaining, expires_at FROM points_lots ORDER BY lot_id"),
            await self.rows(
                "SELECT customer_id, lot_id, reason, points, order_id FROM points_entries ORDER BY entry_id"
            ),
            await self.rows("SELECT customer_id, content FROM addresses ORDER BY customer_id, digest"),
            await self.rows("SELECT customer_id, consent_id FROM consents ORDER BY consent_id"),
            await self.rows("SELECT type, aggregate_id, payload FROM outbox ORDER BY seq"),
        ]

    async def audit(self) -> None:
        """P, U and the part of O and N that membership can see by itself."""
        assert not await self.rows(
            "SELECT c.customer_id FROM customers c WHERE c.points_balance <> (SELECT COALESCE(sum(remaining), 0) FROM points_lots l"
            " WHERE l.store_id = c.store_id AND l.customer_id = c.customer_id)"
        )
        assert not await self.rows(
            "SELECT lot_id FROM points_lots l FULL JOIN (SELECT store_id, customer_id, lot_id, sum(points) AS points FROM points_entries"
            " GROUP BY 1, 2, 3) e USING (store_id, customer_id, lot_id) WHERE l.remaining IS DISTINCT FROM e.points"
        )
        assert not await self.rows(
            "SELECT c.customer_id FROM customers c WHERE (c.net_spend, c.orders_count) <> (SELECT COALESCE(sum(paid - refunded), 0),"
            " count(*) FILTER (WHERE settled) FROM order_facts f JOIN customers r USING (store_id, customer_id)"
            " WHERE f.store_id = c.store_id AND COALESCE(r.survivor_id, r.customer_id) = c.customer_id)"
        )
        assert not await self.rows(
            "SELECT f.order_id FROM order_facts f LEFT JOIN customers r USING (store_id, customer_id) LEFT JOIN customers c"
            " ON c.store_id = f.store_id AND c.customer_id = COALESCE(r.survivor_id, r.customer_id) WHERE c.status = 3 OR c.status IS NULL"
        )
        assert not await self.rows(
            "SELECT i.digest FROM identifiers i JOIN customers c USING (store_id, customer_id)"
            " WHERE (i.state = 'live') <> (c.status = 2)"
        )
        assert not await self.rows(
            "SELECT c.customer_id FROM customers c JOIN customers s ON s.store_id = c.store_id AND s.customer_id = c.survivor_id"
            " WHERE s.status = 3"
        )


def order(
    customer_id: UUID,
    total: int = 10_000,
    *,
    order_id: UUID | None = None,
    version: int = 1,
    paid: bool = True,
    contact: Contact | None = None,
    paid_at: datetime | None = None,
    channel: int = orders_pb.CHANNEL_CONSOLE,
) -> orders_pb.Order:
    """An order as its events carry it; the amount in cents."""
    at = paid_at or clock.now()
    return orders_pb.Order(
        order_id=str(order_id or new_id()),
        customer_id=str(customer_id),
        status=orders_pb.ORDER_STATUS_PAID if paid else orders_pb.ORDER_STATUS_UNPAID,
        channel=orders_pb.Channel.ValueType(channel),
        total_minor=total,
        paid_minor=total if paid else 0,
        contact=contact_message(contact or Contact("李小明")),
        add_as_member=contact is not None,
        placed_at=timestamp(at),
        paid_at=timestamp(at) if paid else None,
        version=version,
    )


def told(of: orders_pb.Order) -> list[orders.OrderPlaced | orders.OrderPaid]:
    """The event of an order that was born so, or of one that was paid later."""
    paid_later = of.version > 1 and of.HasField("paid_at")
    return [orders.OrderPaid(order=of) if paid_later else orders.OrderPlaced(order=of)]


def refund(of: orders_pb.Order, refunded: int, version: int) -> orders.OrderRefunded:
    """The event that so much of the order's payment, in cents, has been given back in all."""
    changed = orders_pb.Order.FromString(of.SerializeToString())
    changed.refunded_minor, changed.version = refunded, version
    return orders.OrderRefunded(order=changed)


def _is_deadlock(error: BaseException) -> bool:
    return getattr(getattr(error, "orig", error), "sqlstate", "") == asyncpg.DeadlockDetectedError.sqlstate


async def settle(*work: Any) -> Sequence[Any]:
    """All at once; refusals are results, and so is a deadlock, after which a caller asks again; anything else fails the test.

    No order in which rows are taken rules deadlocks out: one who asks for KEY SHARE and one who asks for UPDATE may meet on the versions
    of a single row that has just been changed twice.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        refused = isinstance(result, (StateConflict, Conflict))
        if isinstance(result, BaseException) and not (refused or _is_deadlock(result)):
            raise result
    return results


LONG_AGO = datetime(1997, 1, 1, tzinfo=UTC)
