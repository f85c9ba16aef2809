"""What identity_merge tells of logins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# An account that was merged in the meantime leads to its survivor. One that is gone stays as it is.
_CONFIRMED = text(
    """UPDATE customers c SET online_since = LEAST(c.online_since, w.at)
 FROM (SELECT COALESCE(m.survivor_id, m.customer_id) AS customer_id, min(n.at) AS at
  FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[])) AS n(customer_id, at)
  JOIN customers m ON m.store_id = :store_id AND m.customer_id = n.customer_id GROUP BY 1) w
 WHERE c.store_id = :store_id AND c.customer_id = w.customer_id AND c.status IN (1, 2)"""
)


async def note_confirmed(tx: AsyncConnection, store_id: UUID, logins: Sequence[tuple[UUID, datetime]]) -> None:
    """(customer, when) of logins that their owners have proved: since the first of them the person is on the online store."""
    ids, times = [customer_id for customer_id, _ in logins], [at for _, at in logins]
    await tx.execute(_CONFIRMED, {"store_id": store_id, "ids": ids, "times": times})
