"""Stores, staff, sessions and API keys in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.access import ApiKey, Holder, StaffMember, StaffRole, Store
from services.identity_merge.store.tables import api_keys, staff, staff_sessions, stores

SESSION_LIFETIME = timedelta(days=14)
# Failures counted from the first; then nobody gets in under that e-mail until the window ends.
ATTEMPTS_WINDOW = timedelta(minutes=15)


async def add_store(tx: AsyncConnection, store: Store) -> bool:
    """Writes a new store; False when the slug is taken."""
    statement = upsert(stores).values(**asdict(store)).on_conflict_do_nothing(index_elements=["slug"])
    return (await tx.execute(statement.returning(stores.c.store_id))).first() is not None


async def find_store(tx: AsyncConnection, slug: str) -> Store | None:
    """The store by the name it has in addresses."""
    row = (await tx.execute(select(stores).where(stores.c.slug == slug))).first()
    return store_of(row) if row else None


async def load_store(tx: AsyncConnection, store_id: UUID) -> Store:
    """The store by id; it must exist."""
    return store_of((await tx.execute(select(stores).where(stores.c.store_id == store_id))).one())


async def add_staff(
    tx: AsyncConnection, store_id: UUID, member: StaffMember, email_key: str, password_hash: str
) -> None:
    """Writes a new member of staff."""
    values = {**asdict(member), "email_key": email_key, "password_hash": password_hash}
    await tx.execute(insert(staff).values(store_id=store_id, **values))


async def find_staff(tx: AsyncConnection, store_id: UUID, email_key: str) -> tuple[StaffMember, str] | None:
    """The member of staff with that comparable e-mail, and the password's hash."""
    row = (await tx.execute(select(staff).where(staff.c.store_id == store_id, staff.c.email_key == email_key))).first()
    return (_staff(row), row.password_hash) if row else None


async def count_attempt(tx: AsyncConnection, store_id: UUID, subject: bytes) -> int:
    """Counts an attempt before it is judged, so that many at once cannot slip by; how many there were in the window."""
    parameters = {"store_id": store_id, "subject": subject, "window": ATTEMPTS_WINDOW}
    return int(await tx.scalar(_COUNT_ATTEMPT, parameters))


_COUNT_ATTEMPT = text(
    """INSERT INTO login_attempts AS a (store_id, subject, attempts, since) VALUES (:store_id, :subject, 1, now())
 ON CONFLICT (store_id, subject) DO UPDATE SET
  attempts = CASE WHEN a.since < now() - CAST(:window AS interval) THEN 1 ELSE a.attempts + 1 END,
  since = CASE WHEN a.since < now() - CAST(:window AS interval) THEN now() ELSE a.since END
 RETURNING attempts"""
)


async def forget_attempts(tx: AsyncConnection, store_id: UUID, subject: bytes) -> None:
    """The right password came."""
    await tx.execute(
        text("DELETE FROM login_attempts WHERE store_id = :store_id AND subject = :subject"),
        {"store_id": store_id, "subject": subject},
    )


async def add_session(tx: AsyncConnection, store_id: UUID, digest: bytes, staff_id: UUID) -> datetime:
    """Writes a session; returns when it ends."""
    parameters = {"store_id": store_id, "digest": digest, "staff_id": staff_id, "lifetime": SESSION_LIFETIME}
    ends: datetime = (await tx.execute(_ADD_SESSION, parameters)).scalar_one()
    return ends


_ADD_SESSION = text(
    """INSERT INTO staff_sessions (store_id, token_digest, staff_id, expires_at)
 VALUES (:store_id, :digest, :staff_id, now() + CAST(:lifetime AS interval)) RETURNING expires_at"""
)


async def end_session(tx: AsyncConnection, store_id: UUID, digest: bytes) -> None:
    """Deletes a session, if there is one."""
    key = (staff_sessions.c.store_id == store_id, staff_sessions.c.token_digest == digest)
    await tx.execute(delete(staff_sessions).where(*key))


async def holder_of_session(tx: AsyncConnection, store_id: UUID, digest: bytes) -> Holder | None:
    """Who holds a session that has not ended; notes, at most every 5 minutes, that it is used."""
    row = (await tx.execute(_BY_SESSION, {"store_id": store_id, "digest": digest})).first()
    if row is None:
        return None
    return Holder(store_of(row), StaffMember(row.staff_id, row.email, row.staff_name, StaffRole(row.role)))


_BY_SESSION = text(
    """WITH seen AS (UPDATE staff_sessions SET last_seen = now() WHERE store_id = :store_id AND token_digest = :digest
   AND last_seen < now() - interval '5 minutes')
 SELECT s.*, p.staff_id, p.email, p.name AS staff_name, p.role FROM staff_sessions x
 JOIN staff p ON p.store_id = x.store_id AND p.staff_id = x.staff_id JOIN stores s ON s.store_id = x.store_id
 WHERE x.store_id = :store_id AND x.token_digest = :digest AND x.expires_at > now()"""
)


async def add_api_key(tx: AsyncConnection, store_id: UUID, key: ApiKey, digest: bytes, created_by: str) -> None:
    """Writes a new API key."""
    values = {**asdict(key), "scopes": list(key.scopes), "key_digest": digest, "created_by": created_by}
    await tx.execute(insert(api_keys).values(store_id=store_id, **values))


async def holder_of_api_key(tx: AsyncConnection, store_id: UUID, digest: bytes) -> Holder | None:
    """Whose API key it is, if it is neither revoked nor expired."""
    row = (await tx.execute(_BY_API_KEY, {"store_id": store_id, "digest": digest})).first()
    if row is None:
        return None
    return Holder(store_of(row), ApiKey(row.api_key_id, row.key_name, tuple(row.scopes), row.key_created_at))


_BY_API_KEY = text(
    """SELECT s.*, k.api_key_id, k.name AS key_name, k.scopes, k.created_at AS key_created_at FROM api_keys k
 JOIN stores s ON s.store_id = k.store_id
 WHERE k.store_id = :store_id AND k.key_digest = :digest AND k.revoked_at IS NULL
   AND (k.expires_at IS NULL OR k.expires_at > now())"""
)


def store_of(row: Row[Any]) -> Store:
    """A store from a row with its columns."""
    return Store(row.store_id, row.slug, row.name, row.region, row.currency, row.timezone, row.language, row.version)


def _staff(row: Row[Any]) -> StaffMember:
    return StaffMember(row.staff_id, row.email, row.name, StaffRole(row.role))
