"""Sessions of staff in the database, and log-ins that are half done. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import BOUND, Statement
from services.common.ids import new_id
from services.identity_merge.domain.access import Holder, StaffMember, StaffRole
from services.identity_merge.domain.staff import (
    CHALLENGE_LIFETIME,
    CHALLENGE_TRIES,
    SESSION_LIFETIME,
    StaffSession,
)
from services.identity_merge.store.access import store_of


async def holders_of_sessions(
    connection: AsyncConnection, store_id: UUID, digests: Sequence[bytes]
) -> dict[bytes, Holder]:
    """Who holds those that have not ended; notes, at most every 5 minutes, that they are used. The connection is one of at_once."""
    rows = await _BY_SESSION.all(connection, {"store_id": store_id, "digests": digests})
    if unseen := [row["token_digest"] for row in rows if row["unseen"]]:
        await _SEEN.all(connection, {"store_id": store_id, "digests": unseen})
    return {row["token_digest"]: Holder(store_of(row), _member(row)) for row in rows}


def _member(row: Any) -> StaffMember:
    return StaffMember(row["staff_id"], row["email"], row["staff_name"], StaffRole(row["role"]))


# LATERAL with OFFSET is read after what it refers to, so the store is named before a policy asks for it.
_BY_SESSION = Statement(
    f"""WITH {BOUND}
 SELECT s.*, found.* FROM bound
 JOIN stores s ON s.store_id = bound.store_id
 CROSS JOIN LATERAL (SELECT x.token_digest, x.last_seen < now() - interval '5 minutes' AS unseen,
   p.staff_id, p.email, p.name AS staff_name, p.role
  FROM staff_sessions x JOIN staff p ON p.store_id = x.store_id AND p.staff_id = x.staff_id AND p.removed_at IS NULL
  WHERE x.store_id = bound.store_id AND x.token_digest = ANY(:digests) AND x.expires_at > now() OFFSET 0) AS found"""
)
_SEEN = Statement(
    f"""WITH {BOUND}
 UPDATE staff_sessions x SET last_seen = now() FROM bound, LATERAL (SELECT bound.store_id LIMIT 1) AS b
 WHERE x.store_id = b.store_id AND x.token_digest = ANY(:digests)"""
)


async def begin(
    tx: AsyncConnection, store_id: UUID, digest: bytes, staff_id: UUID, password_hash: str, agent: str
) -> datetime | None:
    """Writes a session; when it ends. None where the password that was judged is not the member's any more."""
    parameters = {
        "store_id": store_id,
        "digest": digest,
        "staff_id": staff_id,
        "password_hash": password_hash,
        "session_id": new_id(),
        "agent": agent,
        "lifetime": SESSION_LIFETIME,
    }
    row = (await tx.execute(_BEGIN, parameters)).first()
    return row.expires_at if row else None


# Held: a new password or a removal, which end all sessions, come before or after this one, and not in between.
_STILL = """SELECT store_id, staff_id FROM staff WHERE store_id = :store_id AND staff_id = :staff_id AND removed_at IS NULL
  AND password_hash = :password_hash FOR SHARE"""
_BEGIN = text(
    f"""WITH still AS ({_STILL})
 INSERT INTO staff_sessions (store_id, token_digest, staff_id, session_id, agent, expires_at)
 SELECT store_id, :digest, staff_id, :session_id, :agent, now() + CAST(:lifetime AS interval) FROM still RETURNING expires_at"""
)


async def challenge(tx: AsyncConnection, store_id: UUID, digest: bytes, staff_id: UUID, password_hash: str) -> None:
    """Writes a log-in whose second step is to come, unless the password that was judged is not the member's any more."""
    parameters = {
        "store_id": store_id,
        "digest": digest,
        "staff_id": staff_id,
        "password_hash": password_hash,
        "lifetime": CHALLENGE_LIFETIME,
    }
    await tx.execute(_CHALLENGE, parameters)


_CHALLENGE = text(
    f"""WITH still AS ({_STILL})
 INSERT INTO staff_challenges (store_id, token_digest, staff_id, expires_at)
 SELECT store_id, :digest, staff_id, now() + CAST(:lifetime AS interval) FROM still"""
)


async def challenged(tx: AsyncConnection, store_id: UUID, digest: bytes) -> UUID | None:
    """Whose log-in it is."""
    found: UUID | None = await tx.scalar(_CHALLENGED, {"store_id": store_id, "digest": digest})
    return found


_CHALLENGED = text("SELECT staff_id FROM staff_challenges WHERE store_id = :store_id AND token_digest = :digest")


async def try_challenge(tx: AsyncConnection, store_id: UUID, digest: bytes) -> int | None:
    """Counts a try before it is judged; how many are left after it, None when the challenge has ended."""
    parameters = {"store_id": store_id, "digest": digest, "most": CHALLENGE_TRIES}
    tries = await tx.scalar(_TRY_CHALLENGE, parameters)
    return None if tries is None else CHALLENGE_TRIES - int(tries)


_TRY_CHALLENGE = text(
    """UPDATE staff_challenges SET tries = tries + 1
 WHERE store_id = :store_id AND token_digest = :digest AND expires_at > now() AND tries < :most RETURNING tries"""
)


async def end_challenge(tx: AsyncConnection, store_id: UUID, digest: bytes) -> None:
    """The second step is done."""
    await tx.execute(_END_CHALLENGE, {"store_id": store_id, "digest": digest})


_END_CHALLENGE = text("DELETE FROM staff_challenges WHERE store_id = :store_id AND token_digest = :digest")


async def end(tx: AsyncConnection, store_id: UUID, digest: bytes) -> None:
    """Deletes a session, if there is one."""
    await tx.execute(_END, {"store_id": store_id, "digest": digest})


_END = text("DELETE FROM staff_sessions WHERE store_id = :store_id AND token_digest = :digest")


async def end_all(tx: AsyncConnection, store_id: UUID, staff_id: UUID, *, but: bytes = b"") -> int:
    """Ends somebody's sessions, the one of `but` apart, and log-ins that are half done; how many sessions it were."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "but": but}
    await tx.execute(_END_CHALLENGES, parameters)
    return (await tx.execute(_END_ALL, parameters)).rowcount


_END_CHALLENGES = text("DELETE FROM staff_challenges WHERE store_id = :store_id AND staff_id = :staff_id")
_END_ALL = text(
    "DELETE FROM staff_sessions WHERE store_id = :store_id AND staff_id = :staff_id AND token_digest <> :but"
)


async def end_one(tx: AsyncConnection, store_id: UUID, staff_id: UUID, session_id: UUID) -> int:
    """Ends one of somebody's sessions; how many it were."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "session_id": session_id}
    return (await tx.execute(_END_ONE, parameters)).rowcount


_END_ONE = text(
    "DELETE FROM staff_sessions WHERE store_id = :store_id AND staff_id = :staff_id AND session_id = :session_id"
)


async def renew(
    tx: AsyncConnection, store_id: UUID, staff_id: UUID, digest: bytes, new_digest: bytes
) -> datetime | None:
    """Goes on with a session under another token; when it ends, or None when it is not theirs or has ended."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "digest": digest, "new_digest": new_digest}
    row = (await tx.execute(_RENEW, parameters)).first()
    return row.expires_at if row else None


_RENEW = text(
    """UPDATE staff_sessions SET token_digest = :new_digest, last_seen = now()
 WHERE store_id = :store_id AND token_digest = :digest AND staff_id = :staff_id AND expires_at > now() RETURNING expires_at"""
)


async def list_of(tx: AsyncConnection, store_id: UUID, staff_id: UUID, digest: bytes) -> Sequence[StaffSession]:
    """Somebody's sessions, the last used first, at most 100; the one of `digest` is marked."""
    rows = await tx.execute(_LIST, {"store_id": store_id, "staff_id": staff_id, "digest": digest})
    return [StaffSession(r.session_id, r.created_at, r.last_seen, r.expires_at, r.agent, r.current) for r in rows]


_LIST = text(
    """SELECT session_id, created_at, last_seen, expires_at, agent, token_digest = :digest AS current FROM staff_sessions
 WHERE store_id = :store_id AND staff_id = :staff_id AND expires_at > now() ORDER BY last_seen DESC, session_id LIMIT 100"""
)
