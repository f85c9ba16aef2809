"""Writing orders: the hot path first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Table, Text, and_, cast, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import idempotency, outbox
from services.common.database import BOUND_TOGETHER, LOCK_TIMEOUT, Statement, Together
from services.common.idempotency import Once
from services.common.outbox import Event
from services.orders.domain import Change, Line, Order, Payment, PaymentMethod, Refund, RefundState
from services.orders.store.rows import columns, order_of
from services.orders.store.tables import order_history, orders, payments, refunds

FIRST_NUMBER = 1001
_TAKE_NUMBERS = text(
    """INSERT INTO order_numbers (store_id, next_number) VALUES (:store_id, CAST(:first AS bigint) + CAST(:count AS bigint))
 ON CONFLICT (store_id) DO UPDATE SET next_number = order_numbers.next_number + CAST(:count AS bigint)
 RETURNING next_number - CAST(:count AS bigint)"""
)

_ORDER_COLUMNS = [column.name for column in orders.columns if column.name != "store_id" and not column.computed]
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
_TYPES = {column.name: column.type.compile(dialect=_DIALECT) for column in orders.columns}
# The hot path: key, order, lines, payment, history and events in one statement that is a transaction of its own, so in one
# round trip. Without a claimed key nothing is written.
_INSERT_WHOLE = Statement(
    f"""WITH {BOUND_TOGETHER},
 claimed AS ({idempotency.CLAIM_BOUND}),
 o AS (INSERT INTO orders (store_id, {", ".join(_ORDER_COLUMNS)})
  SELECT store_id, {", ".join(f"CAST(:{c} AS {_TYPES[c]})" for c in _ORDER_COLUMNS)} FROM claimed RETURNING store_id, order_id),
 l AS (INSERT INTO order_lines (store_id, order_id, position, sku, title, quantity, unit_price, discount, item_id)
  SELECT o.store_id, o.order_id, x.position, x.sku, x.title, x.quantity, x.unit_price, x.discount, x.item_id FROM o,
   unnest(CAST(:line_skus AS text[]), CAST(:line_titles AS text[]), CAST(:line_quantities AS int[]), CAST(:line_prices AS bigint[]),
    CAST(:line_discounts AS bigint[]), CAST(:line_items AS uuid[]))
    WITH ORDINALITY AS x(sku, title, quantity, unit_price, discount, item_id, position)),
 p AS (INSERT INTO payments (store_id, order_id, payment_id, amount, method, reference, received_at)
  SELECT o.store_id, o.order_id, CAST(:payment_id AS uuid), CAST(:paid AS bigint), CAST(:method AS smallint), CAST(:reference AS text),
   CAST(:paid_at AS timestamptz) FROM o WHERE CAST(:payment_id AS uuid) IS NOT NULL),
 h AS (INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)
  SELECT o.store_id, o.order_id, 1, CAST(:at AS timestamptz), CAST(:actor AS text), 'placed', '' FROM o),
 e AS ({outbox.INSERT} CROSS JOIN claimed)
 SELECT count(*) FROM o"""
)


async def take_numbers(tx: AsyncConnection, store_id: UUID, count: int) -> int:
    """Reserves `count` order numbers; returns the first."""
    return int(await tx.scalar(_TAKE_NUMBERS, {"store_id": store_id, "first": FIRST_NUMBER, "count": count}))


async def insert_whole(
    tx: AsyncConnection | Together, once: Once[Order], order: Order, events: Sequence[Event]
) -> bool:
    """Writes a new order with all that belongs to it and its idempotency key; False when the key was used before."""
    payment = order.payments[0] if order.payments else None
    written = await _INSERT_WHOLE.first(
        tx,
        {
            **columns(order),
            **once.columns(once.encode(order)),
            **outbox.columns(once.store_id, events),
            "line_skus": [line.sku for line in order.lines],
            "line_titles": [line.title for line in order.lines],
            "line_quantities": [line.quantity for line in order.lines],
            "line_prices": [line.unit_price for line in order.lines],
            "line_discounts": [line.discount for line in order.lines],
            "line_items": [line.item_id for line in order.lines],
            "payment_id": payment.payment_id if payment else None,
            "method": payment.method if payment else None,
            "reference": payment.reference if payment else None,
            "at": order.history[0].at,
            "actor": order.history[0].actor,
            "patience": LOCK_TIMEOUT,
        },
    )
    return bool(written[0])


async def load(tx: AsyncConnection, store_id: UUID, order_id: UUID, *, lock: bool = False) -> Order | None:
    """An order with lines, payments and history; `lock` holds its row until the end of the transaction."""
    key = and_(orders.c.store_id == store_id, orders.c.order_id == order_id)
    row = (await tx.execute(select(orders).where(key).with_for_update() if lock else select(orders).where(key))).first()
    if row is None:
        return None
    order = order_of(row)
    mine = {"store_id": store_id, "order_id": order_id}
    order.lines = tuple(
        Line(r.sku, r.title, r.quantity, r.unit_price, r.discount, r.item_id) for r in await tx.execute(_LINES, mine)
    )
    order.payments = tuple(
        Payment(
            r.payment_id, r.amount, PaymentMethod(r.method), r.reference, r.received_at, r.provider_id, r.provider_name
        )
        for r in await tx.execute(_PAYMENTS, mine)
    )
    order.refunds = tuple(
        Refund(
            *(r.refund_id, r.amount, PaymentMethod(r.method), r.reference, r.reason, r.refunded_at),
            *(RefundState(r.state), r.failure),
        )
        for r in await tx.execute(_REFUNDS, mine)
    )
    order.history = tuple(Change(r.at, r.actor, r.change, r.note) for r in await tx.execute(_HISTORY, mine))
    return order


_CHANGEABLE = (
    "customer_id",
    "status",
    "paid",
    "refunded",
    "shipping_address",
    "contact_name",
    "contact_phone",
    "contact_email",
    "paid_at",
    "version",
    "tracking",
    "resends",
    "moved_from",
)
_MINE = "WHERE store_id = :store_id AND order_id = :order_id"
_LINES = text(f"SELECT sku, title, quantity, unit_price, discount, item_id FROM order_lines {_MINE} ORDER BY position")
_PAYMENTS = text(
    """SELECT p.payment_id, p.amount, p.method, p.reference, p.received_at, p.provider_id, COALESCE(v.name, '') AS provider_name
 FROM payments p LEFT JOIN payment_providers v ON v.store_id = p.store_id AND v.provider_id = p.provider_id
 WHERE p.store_id = :store_id AND p.order_id = :order_id ORDER BY p.received_at, p.payment_id"""
)
_REFUNDS = text(
    """SELECT r.refund_id, r.amount, r.method, r.reference, r.reason, r.refunded_at, COALESCE(g.state, 0) AS state,
  COALESCE(g.failure, '') AS failure
 FROM refunds r LEFT JOIN provider_refunds g ON g.store_id = r.store_id AND g.refund_id = r.refund_id
 WHERE r.store_id = :store_id AND r.order_id = :order_id ORDER BY r.refunded_at, r.refund_id"""
)
_HISTORY = text(f"SELECT at, actor, change, note FROM order_history {_MINE} ORDER BY version")


async def save(
    tx: AsyncConnection,
    store_id: UUID,
    order: Order,
    *,
    new_payment: Payment | None = None,
    new_refund: Refund | None = None,
) -> None:
    """Writes a changed order whose row is locked: its own columns, the newest history entry, a payment or refund if one came in."""
    values = columns(order)
    # As text, which it is by now; the column's own type would write the text as a JSON string.
    values["shipping_address"] = cast(literal(values["shipping_address"], Text), JSONB)
    mine = {"store_id": store_id, "order_id": order.order_id}
    await tx.execute(
        update(orders)
        .where(orders.c.store_id == store_id, orders.c.order_id == order.order_id)
        .values({name: values[name] for name in _CHANGEABLE})
    )
    await tx.execute(insert(order_history).values(mine | {"version": order.version} | asdict(order.history[-1])))
    if new_payment:
        await tx.execute(insert(payments).values(mine | _own(new_payment, payments)))
    if new_refund:
        await tx.execute(insert(refunds).values(mine | _own(new_refund, refunds)))


def _own(record: Payment | Refund, table: Table) -> dict[str, Any]:
    """What stands in the record's own table; the rest is read from that of providers."""
    return {name: value for name, value in asdict(record).items() if name in table.columns}
