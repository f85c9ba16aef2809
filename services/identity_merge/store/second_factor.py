"""Staff's second factor in the database: the sealed secret, the newest step that was used, recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Factor:
    """Somebody's second factor. `now` is the database's time in seconds since 1970."""

    sealed: bytes
    last_step: int
    on: bool
    now: float


async def hold(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> Factor | None:
    """The second factor, on or begun; held, so that two who bring one code come one after the other."""
    row = (await tx.execute(_HOLD, {"store_id": store_id, "staff_id": staff_id})).first()
    return Factor(bytes(row.sealed), row.last_step, row.on, float(row.now)) if row else None


_HOLD = text(
    """SELECT sealed, last_step, confirmed_at IS NOT NULL AS on, extract(epoch FROM clock_timestamp()) AS now FROM staff_totp
 WHERE store_id = :store_id AND staff_id = :staff_id FOR UPDATE"""
)


async def put(tx: AsyncConnection, store_id: UUID, staff_id: UUID, sealed: bytes) -> bool:
    """Writes a secret that does not count yet, in the place of an earlier such; False where one is on."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "sealed": sealed}
    return (await tx.execute(_PUT, parameters)).rowcount > 0


_PUT = text(
    """INSERT INTO staff_totp AS t (store_id, staff_id, sealed) VALUES (:store_id, :staff_id, :sealed)
 ON CONFLICT (store_id, staff_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0, created_at = now() WHERE t.confirmed_at IS NULL"""
)


async def use_step(tx: AsyncConnection, store_id: UUID, staff_id: UUID, step: int) -> None:
    """A code of this step came; it and those before are good no more, and the factor is on."""
    await tx.execute(_USE_STEP, {"store_id": store_id, "staff_id": staff_id, "step": step})


_USE_STEP = text(
    """UPDATE staff_totp SET last_step = :step, confirmed_at = COALESCE(confirmed_at, now())
 WHERE store_id = :store_id AND staff_id = :staff_id"""
)


async def put_recovery_codes(tx: AsyncConnection, store_id: UUID, staff_id: UUID, digests: Iterable[bytes]) -> None:
    """Writes fresh codes in the place of all earlier ones."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "digests": list(digests)}
    await tx.execute(_END_CODES, parameters)
    await tx.execute(_PUT_CODES, parameters)


_END_CODES = text("DELETE FROM staff_recovery_codes WHERE store_id = :store_id AND staff_id = :staff_id")
_PUT_CODES = text(
    """INSERT INTO staff_recovery_codes (store_id, staff_id, code_digest)
 SELECT CAST(:store_id AS uuid), CAST(:staff_id AS uuid), d FROM unnest(CAST(:digests AS bytea[])) d"""
)


async def use_recovery_code(tx: AsyncConnection, store_id: UUID, staff_id: UUID, digest: bytes) -> bool:
    """Takes one of the codes away; False where it is none."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "digest": digest}
    return (await tx.execute(_USE_CODE, parameters)).rowcount > 0


_USE_CODE = text(
    "DELETE FROM staff_recovery_codes WHERE store_id = :store_id AND staff_id = :staff_id AND code_digest = :digest"
)


async def count_recovery_codes(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> int:
    """How many are left."""
    return int(await tx.scalar(_COUNT_CODES, {"store_id": store_id, "staff_id": staff_id}))


_COUNT_CODES = text("SELECT count(*) FROM staff_recovery_codes WHERE store_id = :store_id AND staff_id = :staff_id")


async def end(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> None:
    """Turns the second factor off."""
    for statement in (_END_CODES, _END):
        await tx.execute(statement, {"store_id": store_id, "staff_id": staff_id})


_END = text("DELETE FROM staff_totp WHERE store_id = :store_id AND staff_id = :staff_id")
