"""Identifiers that were proved, and guests who become part of the member who has proved theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.ids import new_id
from services.common.searching import fold
from services.membership.domain import Identifier, Joining, Proof

# The value is there while guests are to be looked for; the newest proof of an identifier counts.
_NOTE = text(
    """INSERT INTO proofs (store_id, kind, digest, customer_id, proved_at, value, revision)
 SELECT CAST(:store_id AS uuid), p.kind, p.digest, p.customer_id, p.proved_at, p.value, 1
 FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[]), CAST(:ids AS uuid[]),
   CAST(:times AS timestamptz[])) AS p(kind, digest, value, customer_id, proved_at) ORDER BY p.digest
 ON CONFLICT (store_id, kind, digest) DO UPDATE SET customer_id = excluded.customer_id, proved_at = excluded.proved_at,
  value = excluded.value, revision = proofs.revision + 1 WHERE proofs.proved_at <= excluded.proved_at"""
)
_REOPEN = text(
    """WITH asked AS (SELECT DISTINCT ON (kind, digest) * FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[]),
   CAST(:values AS text[]), CAST(:times AS timestamptz[])) AS w(kind, digest, value, placed_at) ORDER BY kind, digest, placed_at),
 held AS (SELECT p.kind, p.digest, a.value FROM asked a JOIN proofs p ON p.store_id = :store_id AND p.kind = a.kind
   AND p.digest = a.digest AND p.proved_at >= a.placed_at ORDER BY p.digest FOR UPDATE OF p)
 UPDATE proofs p SET value = h.value, revision = p.revision + 1 FROM held h
 WHERE p.store_id = :store_id AND p.kind = h.kind AND p.digest = h.digest"""
)
_PENDING = text(
    """SELECT store_id, kind, digest, value, customer_id, proved_at, revision FROM proofs WHERE value IS NOT NULL
 ORDER BY proved_at LIMIT :most"""
)
_SETTLE = text(
    """UPDATE proofs SET value = NULL
 WHERE store_id = :store_id AND kind = :kind AND digest = :digest AND revision = :revision"""
)
# By the index of texts, which row-level security keeps from a plain query (0005).
_GUESTS = text(
    """SELECT customer_id FROM find_customers('oldest', '{false}', false, CAST(:kind AS text), '{}', ARRAY[CAST(:value AS text)], '{}',
 false, NULL, NULL, NULL, NULL, 0, '{}', NULL, NULL, NULL, NULL, CAST(:most AS int), 1)"""
)
_GUEST_IDS = "customer_id = ANY(CAST(:guest_ids AS uuid[]))"
_FACTS = text(
    f"""UPDATE order_facts SET customer_id = :member_id, earns = earns AND NOT settled
 WHERE store_id = :store_id AND {_GUEST_IDS} RETURNING order_id"""
)
# In this order: customers first (their rows are held already), then what belongs to them.
_MOVE = [
    text(statement)
    for statement in (
        f"""UPDATE customers SET status = 3, survivor_id = :member_id, merged_at = :now, phone = '', email = '', net_spend = 0,
 orders_count = 0, version = version + 1 WHERE store_id = :store_id AND {_GUEST_IDS}""",
        """UPDATE customers SET net_spend = :net_spend, orders_count = :orders_count
 WHERE store_id = :store_id AND customer_id = :member_id""",
        f"DELETE FROM addresses WHERE store_id = :store_id AND {_GUEST_IDS}",
        *(
            f"""UPDATE {table} SET origin_customer_id = COALESCE(origin_customer_id, customer_id), customer_id = :member_id
 WHERE store_id = :store_id AND {_GUEST_IDS}"""
            for table in ("customer_notes", "profile_changes", "use_changes")
        ),
        f"DELETE FROM uses WHERE store_id = :store_id AND {_GUEST_IDS}",
        f"DELETE FROM customer_search WHERE store_id = :store_id AND {_GUEST_IDS}",
    )
]
_NOTE_JOINING = text(
    """INSERT INTO guest_joinings (store_id, customer_id, joining_id, at, kind, guests, orders)
 VALUES (:store_id, :member_id, :joining_id, :now, :kind, :guests, :orders)"""
)


async def note_proofs(tx: AsyncConnection, store_id: UUID, proofs: Sequence[Proof]) -> None:
    """Remembers who has proved what; guests of each are to be looked for. One proof for each identifier."""
    await tx.execute(
        _NOTE,
        {
            "store_id": store_id,
            "kinds": [proof.identifier.kind for proof in proofs],
            "digests": [proof.identifier.digest for proof in proofs],
            "values": [proof.identifier.value for proof in proofs],
            "ids": [proof.customer_id for proof in proofs],
            "times": [proof.proved_at for proof in proofs],
        },
    )


async def reopen_proofs(tx: AsyncConnection, store_id: UUID, contacts: Sequence[tuple[Identifier, datetime]]) -> None:
    """Has guests looked for again where one of these, with the time of its order, was proved after that order was placed."""
    await tx.execute(
        _REOPEN,
        {
            "store_id": store_id,
            "kinds": [identifier.kind for identifier, _ in contacts],
            "digests": [identifier.digest for identifier, _ in contacts],
            "values": [identifier.value for identifier, _ in contacts],
            "times": [placed_at for _, placed_at in contacts],
        },
    )


async def pending_proofs(tx: AsyncConnection, most: int) -> list[tuple[UUID, Proof]]:
    """(store, proof) for which guests are to be looked for, of all stores, the oldest first."""
    return [
        (
            row.store_id,
            Proof(Identifier(row.kind, row.value, row.digest), row.customer_id, row.proved_at, row.revision),
        )
        for row in await tx.execute(_PENDING, {"most": most})
    ]


async def settle_proof(tx: AsyncConnection, store_id: UUID, proof: Proof) -> None:
    """No more guests of this one, unless somebody has seen a reason to look again since it was read."""
    key = {"kind": proof.identifier.kind, "digest": proof.identifier.digest, "revision": proof.revision}
    await tx.execute(_SETTLE, {"store_id": store_id, **key})


async def guests_with(tx: AsyncConnection, identifier: Identifier, most: int) -> list[UUID]:
    """Guests of the transaction's store who gave this phone or e-mail, the oldest first."""
    value = fold(identifier.value)
    rows = await tx.execute(_GUESTS, {"kind": identifier.kind, "value": value, "most": most})
    return [row.customer_id for row in rows]


async def take_orders(tx: AsyncConnection, store_id: UUID, member_id: UUID, guest_ids: Sequence[UUID]) -> list[UUID]:
    """Gives the guests' orders to the member; their ids. What was paid as a guest's earns no points later."""
    rows = await tx.execute(_FACTS, {"store_id": store_id, "member_id": member_id, "guest_ids": list(guest_ids)})
    return [row.order_id for row in rows]


async def join_guests(tx: AsyncConnection, store_id: UUID, joining: Joining) -> None:
    """Lets the guests lead to the member, with what staff have written about them; profile and addresses are written apart."""
    names = {
        "store_id": store_id,
        "member_id": joining.member.customer_id,
        "guest_ids": list(joining.guest_ids),
        "now": joining.at,
        "net_spend": joining.member.net_spend,
        "orders_count": joining.member.orders_count,
    }
    for statement in _MOVE:
        await tx.execute(statement, names)
    counts = {"guests": len(joining.guest_ids), "orders": len(joining.order_ids)}
    await tx.execute(_NOTE_JOINING, {**names, **counts, "joining_id": new_id(), "kind": joining.kind})
