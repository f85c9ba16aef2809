"""Tables of the orders service, and all its SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    and_,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import idempotency, outbox
from services.common.contact import Address, Contact
from services.common.database import TIMESTAMPTZ, Plumbing
from services.common.idempotency import Once
from services.common.outbox import Event
from services.common.paging import PageRequest
from services.orders.domain import Change, Channel, Line, Order, Payment, PaymentMethod, Status

metadata = MetaData()
plumbing = Plumbing(metadata)

orders = Table(
    "orders",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("channel", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("subtotal", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False),
    Column("shipping", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("contact_name", Text, nullable=False),
    Column("contact_phone", Text, nullable=False),
    Column("contact_email", Text, nullable=False),
    Column("shipping_address", JSONB),
    Column("add_as_member", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("external_reference", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("placed_at", TIMESTAMPTZ, nullable=False),
    Column("paid_at", TIMESTAMPTZ),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id"),
    Index("orders_number", "store_id", "number", unique=True),
    Index("orders_newest", "store_id", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_customer", "store_id", "customer_id", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_status", "store_id", "status", text("placed_at DESC"), text("order_id DESC")),
)
order_lines = Table(
    "order_lines",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("sku", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("discount", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id", "position"),
    ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.order_id"]),
)
payments = Table(
    "payments",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("payment_id", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("received_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id", "payment_id"),
    ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.order_id"]),
)
order_history = Table(
    "order_history",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    # The order's version after the change.
    Column("version", BigInteger, nullable=False),
    Column("at", TIMESTAMPTZ, nullable=False),
    Column("actor", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id", "version"),
    ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.order_id"]),
)
# Numbers are handed out to processes in blocks, so that orders of one store do not queue for a counter's lock.
order_numbers = Table(
    "order_numbers",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("next_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("store_id"),
)
# Merged account → survivor, one hop deep (F10): confirming a payment must know where the order goes (F7).
survivors = Table(
    "survivors",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("merged_id", Uuid, nullable=False),
    Column("survivor_id", Uuid, nullable=False),
    PrimaryKeyConstraint("store_id", "merged_id"),
    Index("survivors_by_survivor", "store_id", "survivor_id"),
)

FIRST_NUMBER = 1001
_TAKE_NUMBERS = text(
    """INSERT INTO order_numbers (store_id, next_number) VALUES (:store_id, CAST(:first AS bigint) + CAST(:count AS bigint))
 ON CONFLICT (store_id) DO UPDATE SET next_number = order_numbers.next_number + CAST(:count AS bigint)
 RETURNING next_number - CAST(:count AS bigint)"""
)

_ORDER_COLUMNS = [column.name for column in orders.columns if column.name != "store_id"]
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
_TYPES = {column.name: column.type.compile(dialect=_DIALECT) for column in orders.columns}
# The hot path: key, order, lines, payment, history and events in one statement, so in one round trip. Without a claimed key
# nothing is written.
_INSERT_WHOLE = text(
    f"""WITH claimed AS ({idempotency.CLAIM}),
 o AS (INSERT INTO orders (store_id, {", ".join(_ORDER_COLUMNS)})
  SELECT store_id, {", ".join(f"CAST(:{c} AS {_TYPES[c]})" for c in _ORDER_COLUMNS)} FROM claimed RETURNING store_id, order_id),
 l AS (INSERT INTO order_lines (store_id, order_id, position, sku, title, quantity, unit_price, discount)
  SELECT o.store_id, o.order_id, x.position, x.sku, x.title, x.quantity, x.unit_price, x.discount FROM o,
   unnest(CAST(:line_skus AS text[]), CAST(:line_titles AS text[]), CAST(:line_quantities AS int[]), CAST(:line_prices AS bigint[]),
    CAST(:line_discounts AS bigint[])) WITH ORDINALITY AS x(sku, title, quantity, unit_price, discount, position)),
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


async def insert_whole(tx: AsyncConnection, once: Once[Order], order: Order, events: Sequence[Event]) -> None:
    """Writes a new order with all that belongs to it and its idempotency key. Raises Replayed or Conflict like Once.begin."""
    payment = order.payments[0] if order.payments else None
    written = await tx.scalar(
        _INSERT_WHOLE,
        {
            **_columns(order),
            **once.columns(once.encode(order)),
            **outbox.columns(once.store_id, events),
            "line_skus": [line.sku for line in order.lines],
            "line_titles": [line.title for line in order.lines],
            "line_quantities": [line.quantity for line in order.lines],
            "line_prices": [line.unit_price for line in order.lines],
            "line_discounts": [line.discount for line in order.lines],
            "payment_id": payment.payment_id if payment else None,
            "method": payment.method if payment else None,
            "reference": payment.reference if payment else None,
            "at": order.history[0].at,
            "actor": order.history[0].actor,
        },
    )
    if not written:
        await once.replay(tx)


async def load(tx: AsyncConnection, store_id: UUID, order_id: UUID, *, lock: bool = False) -> Order | None:
    """An order with lines, payments and history; `lock` holds its row until the end of the transaction."""
    key = and_(orders.c.store_id == store_id, orders.c.order_id == order_id)
    row = (await tx.execute(select(orders).where(key).with_for_update() if lock else select(orders).where(key))).first()
    if row is None:
        return None
    order = _order(row)
    mine = {"store_id": store_id, "order_id": order_id}
    order.lines = tuple(
        Line(r.sku, r.title, r.quantity, r.unit_price, r.discount) for r in await tx.execute(_LINES, mine)
    )
    order.payments = tuple(
        Payment(r.payment_id, r.amount, PaymentMethod(r.method), r.reference, r.received_at)
        for r in await tx.execute(_PAYMENTS, mine)
    )
    order.history = tuple(Change(r.at, r.actor, r.change, r.note) for r in await tx.execute(_HISTORY, mine))
    return order


_CHANGEABLE = (
    "customer_id",
    "status",
    "paid",
    "refunded",
    "contact_name",
    "contact_phone",
    "contact_email",
    "paid_at",
    "version",
)
_MINE = "WHERE store_id = :store_id AND order_id = :order_id"
_LINES = text(f"SELECT sku, title, quantity, unit_price, discount FROM order_lines {_MINE} ORDER BY position")
_PAYMENTS = text(
    f"SELECT payment_id, amount, method, reference, received_at FROM payments {_MINE} ORDER BY received_at, payment_id"
)
_HISTORY = text(f"SELECT at, actor, change, note FROM order_history {_MINE} ORDER BY version")


async def save(tx: AsyncConnection, store_id: UUID, order: Order, *, new_payment: Payment | None = None) -> None:
    """Writes a changed order whose row is locked: its own columns, the newest history entry, and a payment if one came in."""
    columns = _columns(order)
    await tx.execute(
        update(orders)
        .where(orders.c.store_id == store_id, orders.c.order_id == order.order_id)
        .values({name: columns[name] for name in _CHANGEABLE})
    )
    change = order.history[-1]
    await tx.execute(
        insert(order_history).values(
            store_id=store_id,
            order_id=order.order_id,
            version=order.version,
            at=change.at,
            actor=change.actor,
            change=change.change,
            note=change.note,
        )
    )
    if new_payment:
        await tx.execute(
            insert(payments).values(
                store_id=store_id,
                order_id=order.order_id,
                payment_id=new_payment.payment_id,
                amount=new_payment.amount,
                method=new_payment.method,
                reference=new_payment.reference,
                received_at=new_payment.received_at,
            )
        )


async def list_page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_ids: Sequence[UUID], statuses: Sequence[Status]
) -> Sequence[Order]:
    """Orders newest first, one more than the page holds. `page.after` is (placed_at, order_id)."""
    query = select(orders).where(orders.c.store_id == store_id)
    if customer_ids:
        query = query.where(orders.c.customer_id.in_(customer_ids))
    if statuses:
        query = query.where(orders.c.status.in_(statuses))
    if page.after:
        query = query.where(tuple_(orders.c.placed_at, orders.c.order_id) < tuple_(*page.after))
    query = query.order_by(orders.c.placed_at.desc(), orders.c.order_id.desc()).limit(page.size + 1)
    return [_order(row) for row in await tx.execute(query)]


async def search_page(tx: AsyncConnection, page: PageRequest, pattern: str, number: int | None) -> Sequence[Order]:
    """Orders whose number is `number`, or whose contact contains `pattern` (LIKE-escaped, lower case); newest first.

    `find_orders` is the one door through which the trigram index can be used: PostgreSQL does not let operators that are
    not leakproof reach an index past row-level security, so the function looks with its owner's eyes at one store.
    """
    after = page.after or (None, None)
    rows = await tx.execute(
        _SEARCH,
        {"pattern": pattern, "number": number, "after_at": after[0], "after_id": after[1], "most": page.size + 1},
    )
    return [_order(row) for row in rows]


_SEARCH = text(
    """SELECT o.* FROM find_orders(CAST(:pattern AS text), CAST(:number AS bigint), CAST(:after_at AS timestamptz),
  CAST(:after_id AS uuid), CAST(:most AS int)) AS f(order_id)
 JOIN orders o ON o.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND o.order_id = f.order_id
 ORDER BY o.placed_at DESC, o.order_id DESC"""
)


async def summarise(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int, int]]:
    """For each customer that has orders: unpaid ones, others, and net spend in minor units."""
    unpaid = func.count().filter(orders.c.status == Status.UNPAID)
    query = (
        select(orders.c.customer_id, unpaid, func.count() - unpaid, func.sum(orders.c.paid - orders.c.refunded))
        .where(orders.c.store_id == store_id, orders.c.customer_id.in_(customer_ids))
        .group_by(orders.c.customer_id)
    )
    return {row[0]: (row[1], row[2], int(row[3])) for row in await tx.execute(query)}


async def survivor_of(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> UUID:
    """Where a customer's orders go: the survivor of a merge, else the customer itself."""
    found = await tx.scalar(
        select(survivors.c.survivor_id).where(survivors.c.store_id == store_id, survivors.c.merged_id == customer_id)
    )
    return found or customer_id


async def point_to_survivor(tx: AsyncConnection, store_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID) -> None:
    """Remembers a merge, and lets earlier pointers to the merged accounts lead to the survivor at once (one hop, F10)."""
    parameters = {"store_id": store_id, "merged_ids": sorted(merged_ids), "survivor_id": survivor_id}
    await tx.execute(_SHORTEN, parameters)
    await tx.execute(_POINT, parameters)


_SHORTEN = text(
    "UPDATE survivors SET survivor_id = :survivor_id WHERE store_id = :store_id AND survivor_id = ANY(CAST(:merged_ids AS uuid[]))"
)
_POINT = text(
    """INSERT INTO survivors (store_id, merged_id, survivor_id)
 SELECT CAST(:store_id AS uuid), m, CAST(:survivor_id AS uuid) FROM unnest(CAST(:merged_ids AS uuid[])) m
 ON CONFLICT (store_id, merged_id) DO NOTHING"""
)


async def relink_batch(
    tx: AsyncConnection, store_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID, actor: str, note: str, most: int
) -> list[UUID]:
    """Moves up to `most` orders that are not unpaid to the survivor, with their history; returns their ids."""
    rows = await tx.execute(
        _RELINK,
        {
            "store_id": store_id,
            "merged_ids": list(merged_ids),
            "survivor_id": survivor_id,
            "actor": actor,
            "note": note,
            "most": most,
        },
    )
    return [row.order_id for row in rows]


_RELINK = text(
    """WITH picked AS (SELECT order_id FROM orders
   WHERE store_id = :store_id AND customer_id = ANY(CAST(:merged_ids AS uuid[])) AND status <> 1 LIMIT :most FOR UPDATE),
 moved AS (UPDATE orders o SET customer_id = :survivor_id, version = version + 1 FROM picked
   WHERE o.store_id = :store_id AND o.order_id = picked.order_id RETURNING o.order_id, o.version),
 h AS (INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)
   SELECT CAST(:store_id AS uuid), order_id, version, now(), CAST(:actor AS text), 'owner_changed', CAST(:note AS text) FROM moved)
 SELECT order_id FROM moved"""
)


def _columns(order: Order) -> dict[str, Any]:
    address = order.shipping_address
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "status": order.status,
        "channel": order.channel,
        "currency": order.currency,
        "subtotal": order.subtotal,
        "discount": order.discount,
        "shipping": order.shipping,
        "total": order.total,
        "paid": order.paid,
        "refunded": order.refunded,
        "contact_name": order.contact.name,
        "contact_phone": order.contact.phone,
        "contact_email": order.contact.email,
        "shipping_address": orjson.dumps(address).decode() if address else None,
        "add_as_member": order.add_as_member,
        "note": order.note,
        "external_reference": order.external_reference,
        "language": order.language,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "version": order.version,
    }


def _order(row: Row[Any]) -> Order:
    address = row.shipping_address or {}
    return Order(
        order_id=row.order_id,
        number=row.number,
        customer_id=row.customer_id,
        status=Status(row.status),
        channel=Channel(row.channel),
        currency=row.currency,
        subtotal=row.subtotal,
        discount=row.discount,
        shipping=row.shipping,
        total=row.total,
        paid=row.paid,
        refunded=row.refunded,
        contact=Contact(row.contact_name, row.contact_phone, row.contact_email),
        shipping_address=Address(**{**address, "lines": tuple(address.get("lines", ()))}),
        add_as_member=row.add_as_member,
        note=row.note,
        external_reference=row.external_reference,
        language=row.language,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        version=row.version,
    )
