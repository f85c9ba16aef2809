"""What browsers have proved, in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.identity_merge.domain.logins import OWNED_KINDS, LoginState
from services.identity_merge.domain.proofs import LIFETIME, Claimed, Proved

MOST_PROOFS = 10


async def put(
    tx: AsyncConnection, store_id: UUID, browser_digest: bytes, proved: Proved, code_id: UUID | None = None
) -> None:
    """Writes a proof, good for LIFETIME. Those that have become an account leave: what comes now may be another person's.

    With a `code_id` it waits for that code, which connects it with an account (`take_connected`).
    """
    key = {"store_id": store_id, "browser": browser_digest}
    await tx.execute(_FORGET, key)
    values = {"kind": proved.kind, "digest": proved.digest, "value": proved.value, "label": proved.label}
    await tx.execute(_PUT, {**key, **values, "name": proved.name, "code_id": code_id, "lifetime": LIFETIME})


_FORGET = text(
    "DELETE FROM proofs WHERE store_id = :store_id AND browser_digest = :browser AND (used_at IS NOT NULL OR expires_at <= now())"
)
_PUT = text(
    """INSERT INTO proofs (store_id, browser_digest, kind, digest, value, label, name, code_id, expires_at)
 VALUES (:store_id, :browser, :kind, :digest, :value, :label, :name, :code_id, now() + CAST(:lifetime AS interval))
 ON CONFLICT (store_id, browser_digest, kind, digest) DO UPDATE SET label = excluded.label, name = excluded.name,
  code_id = excluded.code_id, expires_at = excluded.expires_at"""
)
_MINE = "store_id = :store_id AND browser_digest = :browser AND expires_at > now()"


async def list_of(tx: AsyncConnection, store_id: UUID, browser_digest: bytes) -> list[Proved]:
    """What the browser has proved and not used, the last first."""
    rows = await tx.execute(_LIST, {"store_id": store_id, "browser": browser_digest, "most": MOST_PROOFS})
    return [Proved(row.kind, row.digest, row.value, row.label, row.name) for row in rows]


_LIST = text(
    f"""SELECT kind, digest, value, label, name FROM proofs WHERE {_MINE} AND code_id IS NULL AND used_at IS NULL
 ORDER BY created_at DESC, kind, digest LIMIT :most"""
)


async def claim(tx: AsyncConnection, store_id: UUID, browser_digest: bytes, fresh_id: UUID) -> Claimed | None:
    """The browser's proofs, the last first, and the id of the account to be, which stays the same from now on; None without any.

    They are held until the transaction ends. A provider's subject is reserved for that id, for nobody else knows whose it is: another
    browser that has proved the same makes the same account of it.
    """
    key = {"store_id": store_id, "browser": browser_digest}
    rows = (await tx.execute(_HOLD, {**key, "most": MOST_PROOFS})).all()
    if not rows:
        return None
    proved = [Proved(row.kind, row.digest, row.value, row.label, row.name) for row in rows]
    before: UUID | None = next((row.customer_id for row in rows if row.customer_id), None)
    customer_id = before or fresh_id
    state = LoginState.UNCONFIRMED
    for proof in (proof for proof in proved if proof.kind not in OWNED_KINDS):
        values = {"store_id": store_id, "kind": proof.kind, "digest": proof.digest}
        reserved = (
            await tx.execute(_RESERVE, {**values, "customer_id": customer_id, "login_method_id": new_id()})
        ).one()
        customer_id, state = reserved.customer_id, max(state, LoginState(reserved.state))
    await tx.execute(_CLAIM, {**key, "customer_id": customer_id})
    return Claimed(customer_id, proved, state, again=customer_id != fresh_id)


_HOLD = text(
    f"""SELECT kind, digest, value, label, name, customer_id FROM proofs WHERE {_MINE} AND code_id IS NULL
 ORDER BY created_at DESC, kind, digest LIMIT :most FOR UPDATE"""
)
# Of a subject that is only reserved, no more is kept than the digest. The update changes nothing and makes the row be returned.
_RESERVE = text(
    """INSERT INTO login_methods AS m (store_id, login_method_id, customer_id, kind, digest, value, state)
 VALUES (:store_id, :login_method_id, :customer_id, :kind, :digest, '', 1)
 ON CONFLICT (store_id, kind, digest) DO UPDATE SET kind = m.kind RETURNING customer_id, state"""
)
_CLAIM = text(f"UPDATE proofs SET customer_id = :customer_id WHERE {_MINE} AND code_id IS NULL")


async def mark_used(tx: AsyncConnection, store_id: UUID, browser_digest: bytes, customer_id: UUID) -> None:
    """The proofs are an account now; until they run out, a repeat finds them."""
    parameters = {"store_id": store_id, "browser": browser_digest, "customer_id": customer_id}
    await tx.execute(_MARK_USED, parameters)


_MARK_USED = text(f"UPDATE proofs SET used_at = COALESCE(used_at, now()) WHERE {_MINE} AND customer_id = :customer_id")


async def take_connected(tx: AsyncConnection, store_id: UUID, browser_digest: bytes, code_id: UUID) -> list[Proved]:
    """The proofs of the browser that waited for this code; they are gone from here."""
    parameters = {"store_id": store_id, "browser": browser_digest, "code_id": code_id}
    rows = await tx.execute(_TAKE_CONNECTED, parameters)
    return [Proved(row.kind, row.digest, row.value, row.label, row.name) for row in rows]


_TAKE_CONNECTED = text(
    f"DELETE FROM proofs WHERE {_MINE} AND code_id = :code_id RETURNING kind, digest, value, label, name"
)
