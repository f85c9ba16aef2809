"""Customers' sessions in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import BOUND, Statement
from services.identity_merge.domain.logins import FRESH, CustomerSession, LoginMethod

LIFETIME = timedelta(days=30)
MOST_SHOWN = 100


async def add(
    tx: AsyncConnection, store_id: UUID, digest: bytes, session_id: UUID, login_method_id: UUID, by: str, agent: str
) -> datetime:
    """Writes a session; when it ends."""
    parameters = {
        "store_id": store_id,
        "digest": digest,
        "session_id": session_id,
        "login_method_id": login_method_id,
        "begun_by": by,
        "agent": agent,
        "lifetime": LIFETIME,
    }
    ends: datetime = (await tx.execute(_ADD, parameters)).scalar_one()
    return ends


_ADD = text(
    """INSERT INTO customer_sessions (store_id, token_digest, session_id, login_method_id, begun_by, agent, expires_at)
 VALUES (:store_id, :digest, :session_id, :login_method_id, :begun_by, :agent, now() + CAST(:lifetime AS interval))
 RETURNING expires_at"""
)
_COLUMNS = f"""x.session_id, x.created_at, x.last_seen, x.expires_at, x.agent, COALESCE(NULLIF(x.begun_by, ''), m.kind) AS begun_by,
 x.begun_by <> 'password' AND x.created_at > now() - interval '{FRESH.total_seconds()} seconds' AS fresh,
 m.login_method_id, m.customer_id, m.kind, m.value, m.label, m.confirmed_at"""
_METHOD = "m.store_id = x.store_id AND m.login_method_id = x.login_method_id AND m.state = 2"


async def find_at_once(
    connection: AsyncConnection, store_id: UUID, digests: Sequence[bytes]
) -> dict[bytes, CustomerSession]:
    """The sessions that have not ended and whose login method is proved still; notes, at most every 5 minutes, that they are used.

    One statement that is a transaction of its own: every page of the store that a customer sees asks it (Database.at_once).
    """
    rows = await _FIND_AT_ONCE.all(connection, {"store_id": store_id, "digests": digests})
    return {row["token_digest"]: _session(row) for row in rows}


# LATERAL with OFFSET: the rows must be looked for after the store has been named, whatever the planner thinks.
_FIND_AT_ONCE = Statement(
    f"""WITH {BOUND}, found AS (
  SELECT s.* FROM bound CROSS JOIN LATERAL (SELECT x.token_digest, {_COLUMNS} FROM customer_sessions x JOIN login_methods m ON {_METHOD}
   WHERE x.store_id = bound.store_id AND x.token_digest = ANY(:digests) AND x.expires_at > now() OFFSET 0) s),
 seen AS (UPDATE customer_sessions u SET last_seen = now() FROM bound, found
   WHERE u.store_id = bound.store_id AND u.token_digest = found.token_digest AND found.last_seen < now() - interval '5 minutes')
 SELECT * FROM found"""
)


async def find(tx: AsyncConnection, store_id: UUID, digest: bytes) -> CustomerSession | None:
    """The session, as `find_at_once`, in the caller's transaction."""
    row = (await tx.execute(_FIND, {"store_id": store_id, "digest": digest})).mappings().first()
    return _session(row) if row else None


_FIND = text(
    f"""SELECT {_COLUMNS} FROM customer_sessions x JOIN login_methods m ON {_METHOD}
 WHERE x.store_id = :store_id AND x.token_digest = :digest AND x.expires_at > now()"""
)


async def list_of(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> list[CustomerSession]:
    """The account's sessions, at most MOST_SHOWN, the last used first."""
    parameters = {"store_id": store_id, "customer_id": customer_id, "most": MOST_SHOWN}
    return [_session(row) for row in (await tx.execute(_LIST, parameters)).mappings()]


_LIST = text(
    f"""SELECT {_COLUMNS} FROM login_methods m JOIN customer_sessions x ON {_METHOD}
 WHERE m.store_id = :store_id AND m.customer_id = :customer_id AND x.expires_at > now()
 ORDER BY x.last_seen DESC, x.session_id LIMIT :most"""
)


def _session(row: Any) -> CustomerSession:
    """From a row that is read by names: SQLAlchemy's mapping or the driver's record."""
    method = LoginMethod(
        row["login_method_id"], row["customer_id"], row["kind"], row["value"], row["confirmed_at"], row["label"]
    )
    return CustomerSession(
        row["session_id"],
        method,
        row["begun_by"],
        row["created_at"],
        row["last_seen"],
        row["expires_at"],
        row["agent"],
        row["fresh"],
    )


async def rotate(tx: AsyncConnection, store_id: UUID, session_id: UUID, old: bytes, new: bytes) -> bool:
    """The session goes on under a new token, and the old one is nobody's; False when it has ended meanwhile."""
    parameters = {"store_id": store_id, "session_id": session_id, "old": old, "new": new}
    return (await tx.execute(_ROTATE, parameters)).rowcount == 1


_ROTATE = text(
    """UPDATE customer_sessions SET token_digest = :new
 WHERE store_id = :store_id AND token_digest = :old AND session_id = :session_id"""
)


async def end(tx: AsyncConnection, store_id: UUID, digest: bytes) -> None:
    """Deletes a session, if there is one."""
    await tx.execute(_END, {"store_id": store_id, "digest": digest})


_END = text("DELETE FROM customer_sessions WHERE store_id = :store_id AND token_digest = :digest")


async def end_of(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, *, only: UUID | None = None, but: UUID | None = None
) -> int:
    """Deletes sessions of the account: all, `only` one, or all `but` one; how many it were."""
    parameters = {"store_id": store_id, "customer_id": customer_id, "only": only, "but": but}
    return (await tx.execute(_END_OF, parameters)).rowcount


_END_OF = text(
    """DELETE FROM customer_sessions x USING login_methods m
 WHERE x.store_id = :store_id AND m.store_id = :store_id AND m.customer_id = :customer_id AND x.login_method_id = m.login_method_id
   AND (CAST(:only AS uuid) IS NULL OR x.session_id = :only) AND (CAST(:but AS uuid) IS NULL OR x.session_id <> :but)"""
)
