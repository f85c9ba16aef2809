"""Tables of the orders service."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ, Plumbing

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
    Column("level_discount", BigInteger, nullable=False, server_default="0"),
    Column("level_name", Text, nullable=False, server_default=""),
    Column("points_redeemed", BigInteger, nullable=False, server_default="0"),
    Column("points_discount", BigInteger, nullable=False, server_default="0"),
    Column("tracking", Text, nullable=False, server_default=""),
    Column("resends", SmallInteger, nullable=False, server_default="0"),
    # The account that it was placed with, where a merge has moved it.
    Column("moved_from", Uuid),
    # What the buyer is found by (services/common/searching.py); the database keeps it.
    Column("contact_search", Text, Computed("order_text(contact_name, contact_phone, contact_email)", persisted=True)),
    Column(
        "contact_grams",
        ARRAY(Text),
        Computed("order_grams(order_text(contact_name, contact_phone, contact_email))", persisted=True),
    ),
    PrimaryKeyConstraint("store_id", "order_id"),
    CheckConstraint("total = subtotal - discount - level_discount - points_discount + shipping", name="orders_total"),
    CheckConstraint("0 <= refunded AND refunded <= paid", name="orders_refunded"),
    Index("orders_number", "store_id", "number", unique=True),
    Index("orders_newest", "store_id", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_customer", "store_id", "customer_id", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_status", "store_id", "status", "channel", text("placed_at DESC"), text("order_id DESC")),
    Index("orders_by_total", "store_id", "total"),
    Index(
        "orders_partly_refunded",
        "store_id",
        text("placed_at DESC"),
        text("order_id DESC"),
        postgresql_where=text("0 < refunded AND refunded < paid"),
    ),
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
    # The item of the price list that it was; name and price are copies.
    Column("item_id", Uuid),
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
    # The provider that took it (payment_tables.py), whose word for it is `reference`.
    Column("provider_id", Uuid),
    PrimaryKeyConstraint("store_id", "order_id", "payment_id"),
    ForeignKeyConstraint(["store_id", "order_id"], ["orders.store_id", "orders.order_id"]),
    Index(
        "payments_by_provider",
        "store_id",
        "provider_id",
        "reference",
        postgresql_where=text("provider_id IS NOT NULL"),
    ),
)
refunds = Table(
    "refunds",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("refunded_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "order_id", "refund_id"),
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
    # No foreign key: a change and its entry are one statement, and no order is ever deleted. For the forty thousand of a merge the
    # database would look whether each is there.
    PrimaryKeyConstraint("store_id", "order_id", "version"),
)
# What the buyers of orders are found by; a trigger of `orders` keeps it. Apart from them, so that nothing that becomes of an order but
# a change of its contact touches the indexes of texts.
order_texts = Table(
    "order_texts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("search", Text, nullable=False),
    Column("grams", ARRAY(Text), nullable=False),
    PrimaryKeyConstraint("store_id", "order_id"),
    Index("order_texts_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    Index("order_texts_grams", "grams", postgresql_using="gin", postgresql_where=text("grams <> '{}'")),
)
# The price list.
items = Table(
    "items",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("item_id", Uuid, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("sold_online", Boolean, nullable=False),
    Column("sold_at_counter", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("changed_at", TIMESTAMPTZ, nullable=False),
    Column("changed_by", Text, nullable=False),
    PrimaryKeyConstraint("store_id", "item_id"),
    Index("items_in_order", "store_id", "archived", "position", "item_id"),
    Index("items_sku", "store_id", text("lower(sku)"), unique=True, postgresql_where=text("sku <> ''")),
)
# One row each, lines and all: a cart is read, held and written as one thing.
carts = Table(
    "carts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("cart_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # Of the visitor's token; of visitors nothing else is known. Both empty: reached by its id alone.
    Column("token_hash", LargeBinary),
    Column("customer_id", Uuid),
    Column("lines", JSONB, nullable=False),
    Column("changed_at", TIMESTAMPTZ, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("order_id", Uuid),
    PrimaryKeyConstraint("store_id", "cart_id"),
    CheckConstraint("(state = 2) = (order_id IS NOT NULL)", name="carts_order"),
    Index(
        "carts_open_of_visitor",
        "store_id",
        "token_hash",
        unique=True,
        postgresql_where=text("state = 1 AND token_hash IS NOT NULL"),
    ),
    Index(
        "carts_open_of_member",
        "store_id",
        "customer_id",
        unique=True,
        postgresql_where=text("state = 1 AND customer_id IS NOT NULL"),
    ),
    Index(
        "carts_checked_out",
        "store_id",
        "token_hash",
        "changed_at",
        postgresql_where=text("state = 2 AND token_hash IS NOT NULL"),
    ),
    Index("carts_stale", "changed_at", postgresql_where=text("customer_id IS NULL AND state IN (1, 3)")),
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
# People who were erased, while their orders are being stripped of them batch by batch (C12).
erasures = Table(
    "erasures",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("erased_at", TIMESTAMPTZ, nullable=False),
    PrimaryKeyConstraint("store_id", "customer_id"),
)
