"""One-time codes and customers' sessions in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.codes import LIFETIME, LIMITS, MOST_TRIES, Pending, Tried
from services.identity_merge.domain.logins import CustomerSession, LoginMethod, LoginState

SESSION_LIFETIME = timedelta(days=30)


async def count(tx: AsyncConnection, store_id: UUID, subjects: Mapping[str, bytes]) -> dict[str, int]:
    """Counts one more code for each of LIMITS; how many there were in each window. `subjects`: limit → digest of what is counted."""
    counts: dict[str, int] = {}
    for window in sorted({limit.window for limit in LIMITS}):
        names = {subjects[limit.of]: limit.of for limit in LIMITS if limit.window == window}
        parameters = {"store_id": store_id, "subjects": list(names), "window": window}
        counts |= {names[row.subject]: row.attempts for row in await tx.execute(_COUNT, parameters)}
    return counts


# Sorted, so that two requests never wait for one another in a circle. A window that is over begins anew.
_COUNT = text(
    """INSERT INTO login_attempts AS a (store_id, subject, attempts, since)
 SELECT CAST(:store_id AS uuid), s, 1, now() FROM unnest(CAST(:subjects AS bytea[])) s ORDER BY s
 ON CONFLICT (store_id, subject) DO UPDATE SET
  attempts = CASE WHEN a.since < now() - CAST(:window AS interval) THEN 1 ELSE a.attempts + 1 END,
  since = CASE WHEN a.since < now() - CAST(:window AS interval) THEN now() ELSE a.since END
 RETURNING subject, attempts"""
)


async def put(
    tx: AsyncConnection, store_id: UUID, browser_digest: bytes, code_id: UUID, kind: str, digest: bytes
) -> Pending:
    """Writes a code to be, in the place of the browser's earlier one; the same statement whether or not anybody has the identifier (A8)."""
    parameters = {
        "store_id": store_id,
        "browser": browser_digest,
        "code_id": code_id,
        "kind": kind,
        "digest": digest,
        "lifetime": LIFETIME,
    }
    row = (await tx.execute(_PUT, parameters)).one()
    return Pending(code_id, row.customer_id, row.expires_at)


_OWNER = "m.store_id = c.store_id AND m.kind = c.kind AND m.digest = c.digest AND m.state <> 3"
_PUT = text(
    f"""INSERT INTO codes AS c (store_id, browser_digest, code_id, kind, digest, expires_at)
 VALUES (:store_id, :browser, :code_id, :kind, :digest, now() + CAST(:lifetime AS interval))
 ON CONFLICT (store_id, browser_digest) DO UPDATE SET code_id = excluded.code_id, kind = excluded.kind, digest = excluded.digest,
  code_digest = NULL, tries = 0, expires_at = excluded.expires_at
 RETURNING c.expires_at, (SELECT m.customer_id FROM login_methods m WHERE {_OWNER}) AS customer_id"""
)


async def issue(tx: AsyncConnection, store_id: UUID, code_id: UUID, code_digest: bytes) -> bool | None:
    """Makes this the right code; False where nobody logs in by the identifier, None where the code has ended."""
    parameters = {"store_id": store_id, "code_id": code_id, "code_digest": code_digest}
    row = (await tx.execute(_ISSUE, parameters)).first()
    return row.known if row else None


_ISSUE = text(
    f"""UPDATE codes c SET code_digest = CASE WHEN EXISTS (SELECT FROM login_methods m WHERE {_OWNER}) THEN CAST(:code_digest AS bytea) END
 WHERE c.store_id = :store_id AND c.code_id = :code_id AND c.expires_at > now() RETURNING c.code_digest IS NOT NULL AS known"""
)


async def try_one(tx: AsyncConnection, store_id: UUID, browser_digest: bytes) -> Tried | None:
    """Counts a try before it is judged, so that many at once cannot slip by; None when no live code has one left.

    The code is held until the transaction ends.
    """
    parameters = {"store_id": store_id, "browser": browser_digest, "most": MOST_TRIES}
    row = (await tx.execute(_TRY, parameters)).first()
    return Tried(row.code_id, row.kind, row.digest, row.code_digest, row.tries) if row else None


_TRY = text(
    """UPDATE codes SET tries = tries + 1
 WHERE store_id = :store_id AND browser_digest = :browser AND expires_at > now() AND tries < :most
 RETURNING code_id, kind, digest, code_digest, tries"""
)


async def use(tx: AsyncConnection, store_id: UUID, browser_digest: bytes) -> None:
    """The right code came; it is good once."""
    await tx.execute(_USE, {"store_id": store_id, "browser": browser_digest})


_USE = text("DELETE FROM codes WHERE store_id = :store_id AND browser_digest = :browser")


async def hold_method(
    tx: AsyncConnection, store_id: UUID, kind: str, digest: bytes
) -> tuple[LoginMethod, LoginState] | None:
    """The login method of an identifier unless it is retired; held, so that it is proved or retired first and never both."""
    row = (await tx.execute(_HOLD, {"store_id": store_id, "kind": kind, "digest": digest})).first()
    if row is None:
        return None
    method = LoginMethod(row.login_method_id, row.customer_id, row.kind, row.value, row.confirmed_at)
    return method, LoginState(row.state)


_HOLD = text(
    """SELECT login_method_id, customer_id, kind, value, confirmed_at, state FROM login_methods
 WHERE store_id = :store_id AND kind = :kind AND digest = :digest AND state <> 3 FOR UPDATE"""
)


async def prove(tx: AsyncConnection, store_id: UUID, login_method_id: UUID) -> None:
    """Marks a method that is held as proved."""
    await tx.execute(_PROVE, {"store_id": store_id, "login_method_id": login_method_id})


_PROVE = text(
    """UPDATE login_methods SET state = 2, confirmed_at = now()
 WHERE store_id = :store_id AND login_method_id = :login_method_id AND state = 1"""
)


async def add_session(tx: AsyncConnection, store_id: UUID, digest: bytes, login_method_id: UUID) -> None:
    """Writes a session."""
    parameters = {
        "store_id": store_id,
        "digest": digest,
        "login_method_id": login_method_id,
        "lifetime": SESSION_LIFETIME,
    }
    await tx.execute(_ADD_SESSION, parameters)


_ADD_SESSION = text(
    """INSERT INTO customer_sessions (store_id, token_digest, login_method_id, expires_at)
 VALUES (:store_id, :digest, :login_method_id, now() + CAST(:lifetime AS interval))"""
)


async def find_session(tx: AsyncConnection, store_id: UUID, digest: bytes) -> CustomerSession | None:
    """The session, if it has not ended and its login method is proved still; notes, at most every 5 minutes, that it is used."""
    row = (await tx.execute(_FIND_SESSION, {"store_id": store_id, "digest": digest})).first()
    if row is None:
        return None
    method = LoginMethod(row.login_method_id, row.customer_id, row.kind, row.value, row.confirmed_at)
    return CustomerSession(method, row.expires_at)


_FIND_SESSION = text(
    """WITH seen AS (UPDATE customer_sessions SET last_seen = now() WHERE store_id = :store_id AND token_digest = :digest
   AND last_seen < now() - interval '5 minutes')
 SELECT m.login_method_id, m.customer_id, m.kind, m.value, m.confirmed_at, x.expires_at FROM customer_sessions x
 JOIN login_methods m ON m.store_id = x.store_id AND m.login_method_id = x.login_method_id AND m.state = 2
 WHERE x.store_id = :store_id AND x.token_digest = :digest AND x.expires_at > now()"""
)


async def end_session(tx: AsyncConnection, store_id: UUID, digest: bytes) -> None:
    """Deletes a session, if there is one."""
    await tx.execute(_END_SESSION, {"store_id": store_id, "digest": digest})


_END_SESSION = text("DELETE FROM customer_sessions WHERE store_id = :store_id AND token_digest = :digest")
