"""Stores, staff, attempts to log in and API keys in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.access import StaffMember, StaffRole, Store
from services.identity_merge.store.tables import staff, stores

# Failures counted from the first; then nobody gets in under that e-mail until the window ends.
ATTEMPTS_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A member of staff, the password's hash, and whether a second factor is on."""

    member: StaffMember
    password_hash: str
    totp: bool


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


async def find_staff(tx: AsyncConnection, store_id: UUID, email_key: str) -> Credentials | None:
    """The member of staff with that comparable e-mail."""
    row = (await tx.execute(_FIND_STAFF, {"store_id": store_id, "email_key": email_key})).first()
    return Credentials(_staff(row), row.password_hash, row.totp) if row else None


_FIND_STAFF = text(
    """SELECT p.staff_id, p.email, p.name, p.role, p.password_hash, t.staff_id IS NOT NULL AS totp FROM staff p
 LEFT JOIN staff_totp t ON t.store_id = p.store_id AND t.staff_id = p.staff_id AND t.confirmed_at IS NOT NULL
 WHERE p.store_id = :store_id AND p.email_key = :email_key AND p.removed_at IS NULL"""
)


async def count_attempt(
    tx: AsyncConnection, store_id: UUID, subject: bytes, window: timedelta = ATTEMPTS_WINDOW
) -> int:
    """Counts an attempt before it is judged, so that many at once cannot slip by; how many there were in the window."""
    parameters = {"store_id": store_id, "subject": subject, "window": window}
    return int(await tx.scalar(_COUNT_ATTEMPT, parameters))


_COUNT_ATTEMPT = text(
    """INSERT INTO login_attempts AS a (store_id, subject, attempts, since) VALUES (:store_id, :subject, 1, now())
 ON CONFLICT (store_id, subject) DO UPDATE SET
  attempts = CASE WHEN a.since < now() - CAST(:window AS interval) THEN 1 ELSE a.attempts + 1 END,
  since = CASE WHEN a.since < now() - CAST(:window AS interval) THEN now() ELSE a.since END
 RETURNING attempts"""
)


async def touch_attempts(tx: AsyncConnection, store_id: UUID, subject: bytes) -> None:
    """A write that changes nothing, so that a commit takes its time."""
    statement = "UPDATE login_attempts SET attempts = attempts WHERE store_id = :store_id AND subject = :subject"
    await tx.execute(text(statement), {"store_id": store_id, "subject": subject})


async def forget_attempts(tx: AsyncConnection, store_id: UUID, subject: bytes) -> None:
    """The right password came."""
    await tx.execute(
        text("DELETE FROM login_attempts WHERE store_id = :store_id AND subject = :subject"),
        {"store_id": store_id, "subject": subject},
    )


_STORE = ("store_id", "slug", "name", "region", "currency", "timezone", "language", "version")


def store_of(row: Any) -> Store:
    """A store from a row with its columns, of SQLAlchemy's or of the driver's."""
    columns = getattr(row, "_mapping", row)
    return Store(*(columns[name] for name in _STORE))


def _staff(row: Row[Any]) -> StaffMember:
    return StaffMember(row.staff_id, row.email, row.name, StaffRole(row.role))
