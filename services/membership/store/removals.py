"""Deletions and erasures, and what they take away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership.domain import DeletionPolicy, Removal, RemovalKind, RemovalState, Status

# Longer than the calls that a removal makes; then whoever began it is dead.
LEASE = timedelta(seconds=15)
_COLUMNS = "removal_id, customer_id, kind, state, requested_by, requested_at, finished_at, refusal, key, fingerprint"
_CLAIM = text(
    """INSERT INTO removals (store_id, removal_id, customer_id, kind, state, requested_by, requested_at, key, fingerprint, claimed_until)
 VALUES (:store_id, :removal_id, :customer_id, :kind, 'claimed', :requested_by, :requested_at, :key, :fingerprint,
  now() + CAST(:lease AS interval))"""
)
_LATEST = text(
    f"""SELECT {_COLUMNS} FROM removals WHERE store_id = :store_id AND customer_id = :customer_id
 ORDER BY removal_id DESC LIMIT 1"""
)
_HOLD = text(f"SELECT {_COLUMNS} FROM removals WHERE store_id = :store_id AND removal_id = :removal_id FOR UPDATE")
_UNDER_WAY = text(
    """SELECT customer_id FROM removals
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND state = 'claimed' LIMIT 1"""
)
_ALL_UNDER_WAY = text(
    """SELECT customer_id FROM removals
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) AND state = 'claimed'"""
)
_FINISH = text(
    """UPDATE removals SET state = :state, refusal = :refusal, finished_at = :now
 WHERE store_id = :store_id AND removal_id = :removal_id AND state = 'claimed'"""
)
_TAKE_DUE = text(
    f"""UPDATE removals SET claimed_until = now() + CAST(:lease AS interval) WHERE (store_id, removal_id) IN (
  SELECT store_id, removal_id FROM removals WHERE state = 'claimed' AND claimed_until <= now()
  ORDER BY claimed_until LIMIT :most FOR UPDATE SKIP LOCKED) RETURNING store_id, {_COLUMNS}"""
)
_MERGED = text(
    """SELECT customer_id FROM customers WHERE store_id = :store_id AND survivor_id = :customer_id
  AND (:guests OR merge_run_id IS NOT NULL) ORDER BY 1"""
)
_MINE = "store_id = :store_id AND customer_id = :customer_id"
_ALL = "store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[]))"
# In this order: the customer's row is held already, then what belongs to it.
_WIPE = [
    text(statement)
    for statement in (
        f"""UPDATE customers SET status = :status, name = '', phone = '', email = '', birthday = NULL, language = '', tags = '{{}}',
 level_id = NULL, level_since = NULL, level_until = NULL, level_pinned_until = NULL, level_due_at = NULL, online_since = NULL,
 cart_since = NULL, version = version + 1 WHERE {_MINE}""",
        """UPDATE customers SET name = '', birthday = NULL, language = '', tags = '{}', online_since = NULL
 WHERE store_id = :store_id AND survivor_id = :customer_id""",
        f"DELETE FROM customer_search WHERE {_MINE}",
        f"DELETE FROM addresses WHERE {_MINE}",
        f"DELETE FROM cart_facts WHERE {_MINE}",
        f"DELETE FROM customer_notes WHERE {_MINE}",
        f"DELETE FROM uses WHERE {_MINE}",
        f"DELETE FROM proofs WHERE {_ALL}",
        f"DELETE FROM use_changes WHERE {_MINE}",
        # The digest stays: the address is not written to again for a while, whoever gives it next.
        """UPDATE invitations SET email = '' WHERE store_id = :store_id
 AND (customer_id = ANY(CAST(:ids AS uuid[])) OR accepted_by = ANY(CAST(:ids AS uuid[])))""",
        f"UPDATE consents SET old_phone = '', new_phone = '', note = '' WHERE {_MINE}",
        f"UPDATE points_entries SET note = '' WHERE {_ALL} AND note <> ''",
        # Whoever took part in a merge is its primary, or has become part of it.
        "UPDATE absorptions SET personal = NULL WHERE store_id = :store_id AND primary_id = ANY(CAST(:ids AS uuid[]))",
        f"UPDATE level_changes SET reason = '' WHERE {_ALL} AND reason <> ''",
    )
]
# Freed: the same phone later is a new member (C9). Or never to come back (C12).
_LET_GO = {
    RemovalKind.DELETE: text(f"DELETE FROM identifiers WHERE {_MINE} AND state = 'live'"),
    RemovalKind.ERASE: text(
        f"UPDATE identifiers SET state = 'retired', value = NULL, retired_at = :now WHERE {_MINE} AND state = 'live'"
    ),
}
_POLICY = text("SELECT deletion FROM store_settings WHERE store_id = :store_id")
# The store itself may not be known yet: version 0 gives way to whatever its event says.
_SET_POLICY = text(
    """INSERT INTO store_settings (store_id, region, currency, timezone, language, version, deletion)
 VALUES (:store_id, :region, :currency, :timezone, :language, 0, :deletion)
 ON CONFLICT (store_id) DO UPDATE SET deletion = excluded.deletion"""
)


async def claim_removal(tx: AsyncConnection, store_id: UUID, removal: Removal) -> None:
    """Holds the account for a removal; its row is held by the caller, so nobody else can at the same time."""
    await tx.execute(
        _CLAIM,
        {
            "store_id": store_id,
            "removal_id": removal.removal_id,
            "customer_id": removal.customer_id,
            "kind": removal.kind.value,
            "requested_by": removal.requested_by,
            "requested_at": removal.requested_at,
            "key": removal.key,
            "fingerprint": removal.fingerprint,
            "lease": LEASE,
        },
    )


async def latest_removal(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Removal | None:
    """The last one that was tried."""
    row = (await tx.execute(_LATEST, {"store_id": store_id, "customer_id": customer_id})).first()
    return _removal(row) if row else None


async def hold_removal(tx: AsyncConnection, store_id: UUID, removal_id: UUID) -> Removal:
    """The removal, with its row held."""
    return _removal((await tx.execute(_HOLD, {"store_id": store_id, "removal_id": removal_id})).one())


async def being_removed(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> UUID | None:
    """One of the customers that a removal holds, if any."""
    found: UUID | None = await tx.scalar(_UNDER_WAY, {"store_id": store_id, "ids": list(ids)})
    return found


async def all_being_removed(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the customers that a removal holds."""
    rows = await tx.execute(_ALL_UNDER_WAY, {"store_id": store_id, "ids": list(ids)})
    return {row.customer_id for row in rows}


async def finish_removal(
    tx: AsyncConnection, store_id: UUID, removal_id: UUID, state: RemovalState, now: datetime, refusal: str = ""
) -> None:
    """Done or refused; one that has ended stays as it is."""
    values = {"state": state.value, "refusal": refusal, "now": now}
    await tx.execute(_FINISH, {"store_id": store_id, "removal_id": removal_id, **values})


async def take_due_removals(tx: AsyncConnection, most: int) -> list[tuple[UUID, Removal]]:
    """(store, removal) of those whose process has died, of all stores; ours until the lease ends."""
    rows = await tx.execute(_TAKE_DUE, {"lease": LEASE, "most": most})
    return [(row.store_id, _removal(row)) for row in rows]


async def merged_into(tx: AsyncConnection, store_id: UUID, customer_id: UUID, *, guests: bool = False) -> list[UUID]:
    """Accounts that lead to this one; with `guests` also those who turned out to be this member (A7)."""
    rows = await tx.execute(_MERGED, {"store_id": store_id, "customer_id": customer_id, "guests": guests})
    return [row.customer_id for row in rows]


async def wipe(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, merged: Sequence[UUID], kind: RemovalKind, now: datetime
) -> None:
    """Takes away everything personal of a customer whose row is held, and of the accounts merged into it.

    What remains: ids, times, amounts, the ledger's numbers.
    """
    status = Status.DELETED if kind is RemovalKind.DELETE else Status.ERASED
    names = {
        "store_id": store_id,
        "customer_id": customer_id,
        "status": status,
        "ids": [customer_id, *merged],
        "now": now,
    }
    for statement in _WIPE:
        await tx.execute(statement, names)
    await tx.execute(_LET_GO[kind], names)


async def load_policy(tx: AsyncConnection, store_id: UUID) -> DeletionPolicy:
    """The store's policy of deletion, or the default."""
    found = await tx.scalar(_POLICY, {"store_id": store_id})
    return DeletionPolicy(found) if found else DeletionPolicy.UNLESS_ONLINE


async def save_policy(tx: AsyncConnection, store_id: UUID, policy: DeletionPolicy, store: dict[str, str]) -> None:
    """Sets it; `store` is region, currency, timezone and language, for a store that no event has told of yet."""
    await tx.execute(_SET_POLICY, {"store_id": store_id, "deletion": policy.value, **store})


def _removal(row: Row[Any]) -> Removal:
    return Removal(
        removal_id=row.removal_id,
        customer_id=row.customer_id,
        kind=RemovalKind(row.kind),
        state=RemovalState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        finished_at=row.finished_at,
        refusal=row.refusal,
        key=row.key,
        fingerprint=row.fingerprint,
    )
