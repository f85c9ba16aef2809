"""Tables of runs that change many orders."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from services.common.database import TIMESTAMPTZ
from services.orders.store.tables import metadata

bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # The status that the orders are to get.
    Column("goal", SmallInteger, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", TIMESTAMPTZ, nullable=False),
    Column("started_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "run_id"),
    Index("bulk_runs_newest", "store_id", text("requested_at DESC"), text("run_id DESC")),
    # The worker's queue looks across stores.
    Index("bulk_runs_queued", "requested_at", postgresql_where=text("state < 3")),
)
# Which orders are meant, as they were chosen. Not all of them need exist: whoever asks may have named others.
bulk_orders = Table(
    "bulk_orders",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("place", Integer, nullable=False),
    # Null until the order's turn; then why it could not be changed, or the empty text.
    Column("refusal", Text),
    PrimaryKeyConstraint("store_id", "run_id", "order_id"),
    ForeignKeyConstraint(["store_id", "run_id"], ["bulk_runs.store_id", "bulk_runs.run_id"]),
    Index("bulk_orders_left", "store_id", "run_id", "place", postgresql_where=text("refusal IS NULL")),
    Index("bulk_orders_refused", "store_id", "run_id", "place", postgresql_where=text("refusal <> ''")),
)
