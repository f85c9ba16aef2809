"""CSV imports."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.common.database import TIMESTAMPTZ
from services.membership.store.tables.base import metadata

imports = Table(
    "imports",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("file_name", Text, nullable=False),
    # What has come in so far.
    Column("file_size", BigInteger, nullable=False),
    # The guessed encoding, and the one that a person confirmed; empty before.
    Column("recognised", Text, nullable=False),
    Column("encoding", Text, nullable=False),
    # By which phones are read, in the dry run and in the real one.
    Column("region", Text, nullable=False),
    Column("send_confirmations", Boolean, nullable=False),
    Column("check_number", Integer, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_refused", Integer, nullable=False),
    Column("rows_imported", Integer, nullable=False),
    Column("rows_failed", Integer, nullable=False),
    Column("points_total", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", TIMESTAMPTZ, nullable=False),
    Column("checked_at", TIMESTAMPTZ),
    Column("started_at", TIMESTAMPTZ),
    Column("finished_at", TIMESTAMPTZ),
    # When the file and the rows' contents were deleted.
    Column("purged_at", TIMESTAMPTZ),
    PrimaryKeyConstraint("store_id", "import_id"),
    # The worker's queue and housekeeping look across stores.
    Index("imports_running", "started_at", postgresql_where=text("state = 4")),
    Index("imports_kept", "created_at", postgresql_where=text("purged_at IS NULL")),
)
# A file in pieces of at most 1 MiB, each by the bytes before it.
import_parts = Table(
    "import_parts",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("store_id", "import_id", "place"),
    ForeignKeyConstraint(["store_id", "import_id"], ["imports.store_id", "imports.import_id"]),
)
import_rows = Table(
    "import_rows",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("import_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", SmallInteger, nullable=False),
    # Emptied when the row has become a member, and after a week.
    Column("cells", ARRAY(Text), nullable=False),
    Column("problems", JSONB, nullable=False),
    # Minted with the row: however often its turn comes, it is one customer.
    Column("customer_id", Uuid, nullable=False),
    PrimaryKeyConstraint("store_id", "import_id", "number"),
    ForeignKeyConstraint(["store_id", "import_id"], ["imports.store_id", "imports.import_id"]),
)
