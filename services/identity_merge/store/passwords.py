"""Customers' passwords in the database: hashes only, one for each account that has set one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


async def find(tx: AsyncConnection, store_id: UUID, kind: str, digest: bytes, *, hold: bool = False) -> str | None:
    """The hash of the account that logs in by the identifier, which it must have proved; with `hold` it stays so until the end."""
    parameters = {"store_id": store_id, "kind": kind, "digest": digest}
    found: str | None = await tx.scalar(_HOLD if hold else _FIND, parameters)
    return found


_FIND_SQL = """SELECT p.password_hash FROM login_methods m
 JOIN customer_passwords p ON p.store_id = m.store_id AND p.customer_id = m.customer_id
 WHERE m.store_id = :store_id AND m.kind = :kind AND m.digest = :digest AND m.state = 2"""
_FIND, _HOLD = text(_FIND_SQL), text(f"{_FIND_SQL} FOR SHARE OF p")


async def load(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> str | None:
    """The account's hash; None where it has no password."""
    found: str | None = await tx.scalar(_LOAD, {"store_id": store_id, "customer_id": customer_id})
    return found


_LOAD = text("SELECT password_hash FROM customer_passwords WHERE store_id = :store_id AND customer_id = :customer_id")


async def put(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, password_hash: str, *, replace: bool = True
) -> None:
    """Writes the account's hash; without `replace` only where there is none."""
    parameters = {"store_id": store_id, "customer_id": customer_id, "hash": password_hash, "replace": replace}
    await tx.execute(_PUT, parameters)


_PUT = text(
    """INSERT INTO customer_passwords AS p (store_id, customer_id, password_hash) VALUES (:store_id, :customer_id, :hash)
 ON CONFLICT (store_id, customer_id) DO UPDATE SET password_hash = excluded.password_hash, set_at = now() WHERE :replace"""
)
