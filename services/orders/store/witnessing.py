"""What the audit log's chain was like, as identity_merge told it: evidence that lies in another database than the log (H1)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import BigInteger, Column, LargeBinary, PrimaryKeyConstraint, Table, Uuid, func, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import TIMESTAMPTZ
from services.orders.store.tables import metadata

audit_witness = Table(
    "audit_witness",
    metadata,
    Column("store_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("seen_at", TIMESTAMPTZ, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("store_id", "seq"),
)
# What was told first stays: a chain that was cut and has grown again tells other hashes for the same places.
_WITNESS = text(
    """INSERT INTO audit_witness (store_id, seq, hash)
 SELECT CAST(:store_id AS uuid), w.seq, w.hash FROM unnest(CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[])) AS w(seq, hash)
 ORDER BY w.seq ON CONFLICT (store_id, seq) DO NOTHING"""
)


async def witness(tx: AsyncConnection, store_id: UUID, links: Sequence[tuple[int, bytes]]) -> None:
    """Keeps (place, hash) of entries of the audit log."""
    await tx.execute(
        _WITNESS, {"store_id": store_id, "seqs": [seq for seq, _ in links], "hashes": [digest for _, digest in links]}
    )
