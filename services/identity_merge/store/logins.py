"""Login methods in the database, as they follow what members own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.logins import LoginMethod, LoginState, NewLogin
from services.identity_merge.domain.proofs import Proved
from services.identity_merge.store.tables import login_methods

# The version of who is gone: nothing is newer.
GONE = 2**62


async def add_methods(
    tx: AsyncConnection, store_id: UUID, new: Sequence[NewLogin], retired_customers: Sequence[UUID]
) -> set[UUID]:
    """Writes login methods whose identifier is not known yet; those of `retired_customers` are born retired (T).

    Returns the ids of those that now wait for their owner's proof.
    """
    parameters = {
        "store_id": store_id,
        "ids": [n.login_method_id for n in new],
        "customers": [n.customer_id for n in new],
        "kinds": [n.kind for n in new],
        "digests": [n.digest for n in new],
        "values": [n.value for n in new],
        "retired": list(retired_customers),
    }
    rows = await tx.execute(_ADD_METHODS, parameters)
    return {row.login_method_id for row in rows if row.state == LoginState.UNCONFIRMED}


# Sorted by identifier, so that two batches never wait for one another in a circle.
_ADD_METHODS = text(
    """INSERT INTO login_methods (store_id, login_method_id, customer_id, kind, digest, value, state, retired_at)
 SELECT CAST(:store_id AS uuid), n.id, n.customer, n.kind, n.digest, CASE WHEN r.gone THEN NULL ELSE n.value END,
  CASE WHEN r.gone THEN 3 ELSE 1 END, CASE WHEN r.gone THEN now() END
 FROM unnest(CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[]))
   AS n(id, customer, kind, digest, value)
 CROSS JOIN LATERAL (SELECT n.customer = ANY(CAST(:retired AS uuid[])) AS gone) r
 ORDER BY n.kind, n.digest ON CONFLICT (store_id, kind, digest) DO NOTHING RETURNING login_method_id, state"""
)


async def retire(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> int:
    """Retires all login methods of customers, of whatever kind, and ends what hangs on them (F6, F13); how many methods there were."""
    parameters = await _void_all(tx, store_id, customer_ids)
    return (await tx.execute(_RETIRE, parameters)).rowcount


async def free(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Ends all login methods of customers, and what hangs on them; the identifiers may be another's (C9)."""
    parameters = await _void_all(tx, store_id, customer_ids)
    await tx.execute(_FREE, parameters)


async def _void_all(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> dict[str, Any]:
    """Holds the methods; their confirmations and sessions, and the accounts' passwords, are gone."""
    parameters = {"store_id": store_id, "customers": sorted(customer_ids)}
    await tx.execute(_LOCK_METHODS, parameters)
    for void in (*_VOID, _FORGET_PASSWORDS):
        await tx.execute(void, parameters)
    return parameters


_OF_CUSTOMERS = "store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[])) AND state <> 3"
_LOCK_METHODS = text(f"SELECT 1 FROM login_methods WHERE {_OF_CUSTOMERS} ORDER BY kind, digest FOR UPDATE")
# Membership knows of phones and addresses only: a provider's subject stays until the account ends.
_OTHERS = f"{_OF_CUSTOMERS} AND kind IN ('phone', 'email') AND NOT digest = ANY(CAST(:digests AS bytea[]))"
_VOID, _VOID_OTHERS = (
    [
        text(
            f"""DELETE FROM {table} WHERE store_id = :store_id
 AND login_method_id IN (SELECT login_method_id FROM login_methods WHERE {methods})"""
        )
        for table in ("confirmations", "customer_sessions")
    ]
    for methods in (_OF_CUSTOMERS, _OTHERS)
)
_FORGET_PASSWORDS = text(
    "DELETE FROM customer_passwords WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[]))"
)
_FREE = text(f"DELETE FROM login_methods WHERE {_OF_CUSTOMERS}")
_FREE_OTHERS = text(f"DELETE FROM login_methods WHERE {_OTHERS}")
_PROVED = text(f"SELECT 1 FROM login_methods WHERE {_OF_CUSTOMERS} AND state = 2 LIMIT 1")
_RETIRE = text(
    f"UPDATE login_methods SET state = 3, value = NULL, label = '', retired_at = now() WHERE {_OF_CUSTOMERS}"
)


async def hold_owners(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID], *, alone: bool = False
) -> None:
    """Until the transaction ends nobody who is `alone` with one of these customers comes between, and whoever is so waits for us.

    Statements that follow see what a holder before us has done.
    """
    ids = [str(customer_id) for customer_id in customer_ids]
    await tx.execute(_HOLD_ALONE if alone else _HOLD, {"store_id": str(store_id), "customer_ids": ids})


_HOLD_SQL = """SELECT {lock}(k) FROM (SELECT DISTINCT hashtextextended(CAST(:store_id AS text) || c, 1) AS k
 FROM unnest(CAST(:customer_ids AS text[])) c ORDER BY k) AS held"""
_HOLD = text(_HOLD_SQL.format(lock="pg_advisory_xact_lock_shared"))
_HOLD_ALONE = text(_HOLD_SQL.format(lock="pg_advisory_xact_lock"))


async def known_owners(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Customer → the version that membership last told of; for those who are gone one that nothing is newer than."""
    rows = await tx.execute(_KNOWN_OWNERS, {"store_id": store_id, "customers": list(customer_ids)})
    return {row.customer_id: row.version for row in rows}


_KNOWN_OWNERS = text(
    f"""SELECT customer_id, CASE WHEN gone THEN {GONE} ELSE version END AS version FROM login_owners
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:customers AS uuid[]))"""
)


async def note_owner(tx: AsyncConnection, store_id: UUID, customer_id: UUID, version: int) -> None:
    """Remembers what membership last told of a member."""
    await tx.execute(_NOTE_OWNER, {"store_id": store_id, "customer_id": customer_id, "version": version})


_NOTE_OWNER = text(
    """INSERT INTO login_owners (store_id, customer_id, version) VALUES (:store_id, :customer_id, :version)
 ON CONFLICT (store_id, customer_id) DO UPDATE SET version = GREATEST(login_owners.version, excluded.version)"""
)


async def note_gone(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """From now on nothing is made for these customers."""
    await tx.execute(_NOTE_GONE, {"store_id": store_id, "customers": list(customer_ids)})


_NOTE_GONE = text(
    """INSERT INTO login_owners (store_id, customer_id, version, gone)
 SELECT CAST(:store_id AS uuid), c, 0, true FROM unnest(CAST(:customers AS uuid[])) c ORDER BY c
 ON CONFLICT (store_id, customer_id) DO UPDATE SET gone = true"""
)


async def free_others(tx: AsyncConnection, store_id: UUID, customer_id: UUID, digests: Sequence[bytes]) -> int:
    """Ends the customer's phones and addresses but for those of `digests`, with their sessions; they may be another's. How many it were."""
    parameters = {"store_id": store_id, "customers": [customer_id], "digests": list(digests)}
    await tx.execute(_LOCK_METHODS, parameters)
    for void in _VOID_OTHERS:
        await tx.execute(void, parameters)
    return (await tx.execute(_FREE_OTHERS, parameters)).rowcount


async def has_proved(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> bool:
    """Whether one of the customers has proved a login; their methods are held from here on."""
    parameters = {"store_id": store_id, "customers": list(customer_ids)}
    await tx.execute(_LOCK_METHODS, parameters)
    return await tx.scalar(_PROVED, parameters) is not None


async def owners_of(tx: AsyncConnection, store_id: UUID, methods: Sequence[NewLogin | Proved]) -> dict[bytes, UUID]:
    """Digest → whose method that identifier is, for those of the methods that are somebody's and not retired."""
    parameters = {"store_id": store_id, "kinds": [m.kind for m in methods], "digests": [m.digest for m in methods]}
    return {row.digest: row.customer_id for row in await tx.execute(_OWNERS, parameters)}


_OWNERS = text(
    """SELECT m.digest, m.customer_id FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) AS w(kind, digest)
 JOIN login_methods m ON m.store_id = :store_id AND m.kind = w.kind AND m.digest = w.digest AND m.state <> 3"""
)


async def list_of(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> list[LoginMethod]:
    """Login methods of customers that are not retired, oldest first."""
    query = (
        select(login_methods)
        .where(
            login_methods.c.store_id == store_id,
            login_methods.c.customer_id.in_(customer_ids),
            login_methods.c.state != LoginState.RETIRED,
        )
        .order_by(login_methods.c.login_method_id)
    )
    return [method_of(row) for row in await tx.execute(query)]


def method_of(row: Row[Any]) -> LoginMethod:
    """A login method from a row with its columns."""
    return LoginMethod(row.login_method_id, row.customer_id, row.kind, row.value, row.confirmed_at, row.label)
