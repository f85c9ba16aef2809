"""Login methods as they are proved, in the database: by confirmation, code, link or provider."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import BOUND, Statement
from services.common.ids import new_id
from services.identity_merge.domain.logins import LoginMethod, LoginState
from services.identity_merge.domain.proofs import Proved
from services.identity_merge.store.logins import method_of

CONFIRMATION_LIFETIME = timedelta(days=7)


async def add_confirmation(
    connection: AsyncConnection, store_id: UUID, login_method_id: UUID, digest: bytes
) -> str | None:
    """Writes a token for a login method that waits for proof; the store's slug, or None when there is nothing to prove.

    One statement that is a transaction of its own (Database.at_once): each new member with an e-mail costs it.
    """
    parameters = {
        "store_id": store_id,
        "login_method_id": login_method_id,
        "digest": digest,
        "lifetime": CONFIRMATION_LIFETIME,
    }
    row = await _ADD_CONFIRMATION.first(connection, parameters)
    return str(row["slug"]) if row else None


# LATERAL, and the lock or OFFSET in it: the rows must be looked for after the store has been named, whatever the planner thinks.
_ADD_CONFIRMATION = Statement(
    f"""WITH {BOUND},
 made AS (INSERT INTO confirmations (store_id, token_digest, login_method_id, expires_at)
  SELECT m.store_id, CAST(:digest AS bytea), m.login_method_id, now() + CAST(:lifetime AS interval)
  FROM bound CROSS JOIN LATERAL (SELECT l.store_id, l.login_method_id FROM login_methods l
   WHERE l.store_id = bound.store_id AND l.login_method_id = CAST(:login_method_id AS uuid) AND l.state = 1 FOR UPDATE) m
  RETURNING store_id)
 SELECT s.slug FROM made CROSS JOIN LATERAL (SELECT slug FROM stores WHERE stores.store_id = made.store_id OFFSET 0) s"""
)


async def find_confirmation(
    tx: AsyncConnection, store_id: UUID, digest: bytes
) -> tuple[LoginMethod, LoginState] | None:
    """What a token proves that has not expired; holds the login method until the end of the transaction."""
    row = (await tx.execute(_FIND_CONFIRMATION, {"store_id": store_id, "digest": digest})).first()
    return (method_of(row), LoginState(row.state)) if row else None


_FIND_CONFIRMATION = text(
    """SELECT m.* FROM confirmations c
 JOIN login_methods m ON m.store_id = c.store_id AND m.login_method_id = c.login_method_id
 WHERE c.store_id = :store_id AND c.token_digest = :digest AND c.expires_at > now() FOR UPDATE OF m"""
)


async def confirm(tx: AsyncConnection, store_id: UUID, login_method_id: UUID, digest: bytes) -> None:
    """Marks the method proved and the token used."""
    await prove(tx, store_id, login_method_id)
    await tx.execute(_USE, {"store_id": store_id, "digest": digest})


_USE = text(
    "UPDATE confirmations SET used_at = COALESCE(used_at, now()) WHERE store_id = :store_id AND token_digest = :digest"
)


async def hold_method(
    tx: AsyncConnection, store_id: UUID, kind: str, digest: bytes
) -> tuple[LoginMethod, LoginState] | None:
    """The login method of an identifier, retired or not; held, so that it is proved or retired first and never both."""
    row = (await tx.execute(_HOLD_METHOD, {"store_id": store_id, "kind": kind, "digest": digest})).first()
    return (method_of(row), LoginState(row.state)) if row else None


_HOLD_METHOD = text(
    "SELECT * FROM login_methods WHERE store_id = :store_id AND kind = :kind AND digest = :digest FOR UPDATE"
)


async def prove(tx: AsyncConnection, store_id: UUID, login_method_id: UUID) -> None:
    """Marks a method that is held as proved, unless it is."""
    await tx.execute(_PROVE, {"store_id": store_id, "login_method_id": login_method_id})


_PROVE = text(
    """UPDATE login_methods SET state = 2, confirmed_at = now()
 WHERE store_id = :store_id AND login_method_id = :login_method_id AND state = 1"""
)


async def own(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, proved: Sequence[Proved]
) -> dict[bytes, tuple[LoginMethod, bool]]:
    """Makes proved identifiers the customer's login methods; digest → (method, whether it is proved only now).

    Whatever is another's or retired is left as it is, and out. What a provider's subject was only reserved for, may change.
    """
    parameters = {
        "store_id": store_id,
        "customer_id": customer_id,
        "ids": [new_id() for _ in proved],
        "kinds": [p.kind for p in proved],
        "digests": [p.digest for p in proved],
        "values": [p.value for p in proved],
        "labels": [p.label for p in proved],
    }
    return {row.digest: (method_of(row), row.fresh) for row in await tx.execute(_OWN, parameters)}


# Sorted as in _ADD_METHODS. now() is the transaction's: what it confirms bears exactly that.
_OWN = text(
    """INSERT INTO login_methods AS m (store_id, login_method_id, customer_id, kind, digest, value, label, state, confirmed_at)
 SELECT CAST(:store_id AS uuid), n.id, CAST(:customer_id AS uuid), n.kind, n.digest, n.value, n.label, 2, now()
 FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[]), CAST(:labels AS text[]))
   AS n(id, kind, digest, value, label)
 ORDER BY n.kind, n.digest ON CONFLICT (store_id, kind, digest) DO UPDATE SET state = 2, customer_id = excluded.customer_id,
  confirmed_at = COALESCE(m.confirmed_at, now()), value = COALESCE(NULLIF(m.value, ''), excluded.value), label = excluded.label
  WHERE m.state <> 3 AND (m.customer_id = excluded.customer_id OR m.state = 1 AND m.value = '')
 RETURNING m.*, m.confirmed_at = now() AS fresh"""
)


async def states_of(tx: AsyncConnection, store_id: UUID, proved: Sequence[Proved]) -> dict[bytes, LoginState]:
    """Digest → how the identifier's method stands, for those that have one."""
    parameters = {"store_id": store_id, "kinds": [p.kind for p in proved], "digests": [p.digest for p in proved]}
    return {row.digest: LoginState(row.state) for row in await tx.execute(_STATES, parameters)}


_STATES = text(
    """SELECT m.digest, m.state FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) AS w(kind, digest)
 JOIN login_methods m ON m.store_id = :store_id AND m.kind = w.kind AND m.digest = w.digest"""
)
