"""Writing members who have registered themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.identifiers import EMAIL, PHONE
from services.membership.domain import Registration, SearchText

# In the order of digests, as everybody takes them. A row that somebody else is writing is waited for.
_WIN = text(
    """INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
 SELECT CAST(:store_id AS uuid), i.kind, i.digest, i.value, CAST(:customer_id AS uuid), 'live'
 FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[])) AS i(kind, digest, value)
 ORDER BY i.digest ON CONFLICT (store_id, kind, digest) DO NOTHING RETURNING digest"""
)
_WRITE = text(
    """WITH customer AS (INSERT INTO customers (store_id, customer_id, status, name, phone, email, birthday, language, source,
   created_at, joined_at, online_since, version)
  VALUES (:store_id, :customer_id, 2, :name, :phone, :email, :birthday, :language, :source, :now, :now, :now, 1)
  ON CONFLICT (store_id, customer_id) DO NOTHING RETURNING store_id)
 INSERT INTO customer_search (store_id, customer_id, member, since, haystack, grams)
 SELECT store_id, CAST(:customer_id AS uuid), true, CAST(:now AS timestamptz), CAST(:haystack AS text), CAST(:grams AS text[])
 FROM customer RETURNING customer_id"""
)


async def write_registered(
    tx: AsyncConnection, store_id: UUID, member: Registration, search: SearchText, now: datetime
) -> bool:
    """A new member with its identifiers; False when one of them, or the id, is somebody's, and then nothing may be kept."""
    mine: dict[str, Any] = {"store_id": store_id, "customer_id": member.customer_id}
    owned = {
        "kinds": [each.kind for each in member.identifiers],
        "digests": [each.digest for each in member.identifiers],
        "values": [each.value for each in member.identifiers],
    }
    if len((await tx.execute(_WIN, {**mine, **owned})).all()) < len(member.identifiers):
        return False
    profile = {name: getattr(member, name) for name in ("name", "birthday", "language", "source")}
    reach = {"phone": member.main(PHONE), "email": member.main(EMAIL)}
    found_by = {"haystack": search.haystack, "grams": list(search.grams)}
    return (await tx.execute(_WRITE, {**mine, **profile, **reach, **found_by, "now": now})).first() is not None
