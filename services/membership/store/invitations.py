"""Invitations of guests, and what stands in their way (A5). Time is the database's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import REST, Invitation, Wanted

_COLUMNS = """i.invitation_id, i.digest, i.customer_id, i.email, i.invited_at, i.invited_by, i.times, i.accepted_at, i.accepted_by"""
# Held against edits, merges and removals; orders that only change sums wait for a moment.
_HOLD = text(
    """SELECT 1 FROM customers WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[]))
 ORDER BY customer_id FOR SHARE"""
)
_LAST_ORDERS = text(
    """SELECT customer_id, max(placed_at) AS last FROM order_facts
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) GROUP BY customer_id"""
)
# Whoever else invites the address is waited for, and has then done it.
_INVITE = text(
    f"""INSERT INTO invitations AS i (store_id, digest, invitation_id, customer_id, email, invited_by)
 SELECT CAST(:store_id AS uuid), w.digest, w.invitation_id, w.customer_id, w.email, CAST(:invited_by AS text)
 FROM unnest(CAST(:digests AS bytea[]), CAST(:invitation_ids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:emails AS text[]))
  AS w(digest, invitation_id, customer_id, email) ORDER BY w.digest
 ON CONFLICT (store_id, digest) DO UPDATE SET invitation_id = excluded.invitation_id, customer_id = excluded.customer_id,
  email = excluded.email, invited_at = now(), invited_by = excluded.invited_by, times = i.times + 1, accepted_at = NULL,
  accepted_by = NULL WHERE i.invited_at <= now() - CAST(:rest AS interval)
 RETURNING {_COLUMNS}"""
)
_OF = text(
    f"""SELECT {_COLUMNS}, c.name, i.invited_at > now() - CAST(:rest AS interval) AS lately FROM invitations i
 JOIN customers c ON c.store_id = i.store_id AND c.customer_id = i.customer_id
 WHERE i.store_id = :store_id AND i.digest = ANY(CAST(:digests AS bytea[]))"""
)
_PAGE = text(
    f"""SELECT {_COLUMNS}, c.name FROM invitations i JOIN customers c ON c.store_id = i.store_id AND c.customer_id = i.customer_id
 WHERE i.store_id = :store_id AND (CAST(:after AS uuid) IS NULL OR i.invitation_id < CAST(:after AS uuid))
 ORDER BY i.invitation_id DESC LIMIT :most"""
)
_COUNT = text("SELECT count(*) AS invited, count(accepted_at) AS accepted FROM invitations WHERE store_id = :store_id")
_ACCEPT = text(
    """WITH proved AS (SELECT i.digest, p.customer_id, p.at FROM unnest(CAST(:digests AS bytea[]), CAST(:ids AS uuid[]),
   CAST(:times AS timestamptz[])) AS p(digest, customer_id, at)
   JOIN invitations i ON i.store_id = :store_id AND i.digest = p.digest AND i.accepted_at IS NULL
   ORDER BY i.digest FOR UPDATE OF i)
 UPDATE invitations i SET accepted_at = p.at, accepted_by = p.customer_id FROM proved p
 WHERE i.store_id = :store_id AND i.digest = p.digest"""
)


async def hold_guests(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> None:
    """Until the transaction ends none of these customers is edited, merged or removed."""
    await tx.execute(_HOLD, {"store_id": store_id, "ids": list(ids)})


async def last_orders(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """Customer → when the newest order was placed; who has ordered nothing is left out."""
    rows = await tx.execute(_LAST_ORDERS, {"store_id": store_id, "ids": list(ids)})
    return {row.customer_id: row.last for row in rows}


async def invite(
    tx: AsyncConnection, store_id: UUID, wanted: Sequence[Wanted], invited_by: str
) -> dict[bytes, Invitation]:
    """By digest those who are invited now; addresses that were invited lately are left out. Each address once."""
    parameters = {
        "store_id": store_id,
        "digests": [each.digest for each in wanted],
        "invitation_ids": [each.invitation_id for each in wanted],
        "customer_ids": [each.customer.customer_id for each in wanted],
        "emails": [each.customer.email for each in wanted],
        "invited_by": invited_by,
        "rest": REST,
    }
    names = {each.digest: each.customer.name for each in wanted}
    rows = (await tx.execute(_INVITE, parameters)).all() if wanted else []
    return {bytes(row.digest): _invitation(row, names[bytes(row.digest)]) for row in rows}


async def invitations_of(
    tx: AsyncConnection, store_id: UUID, digests: Iterable[bytes]
) -> dict[bytes, tuple[Invitation, bool]]:
    """The last invitation to each of the addresses, and whether it still forbids another one."""
    rows = await tx.execute(_OF, {"store_id": store_id, "digests": list(digests), "rest": REST})
    return {bytes(row.digest): (_invitation(row, row.name), row.lately) for row in rows}


async def invitations_page(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> list[Invitation]:
    """Invitations newest first, one more than the page holds. `page.after` is (invitation id,)."""
    after = page.after[0] if page.after else None
    rows = await tx.execute(_PAGE, {"store_id": store_id, "after": after, "most": page.size + 1})
    return [_invitation(row, row.name) for row in rows]


async def count_invitations(tx: AsyncConnection, store_id: UUID) -> tuple[int, int]:
    """How many addresses were invited, and how many of them a member has proved since."""
    row = (await tx.execute(_COUNT, {"store_id": store_id})).one()
    return row.invited, row.accepted


async def accept_invitations(
    tx: AsyncConnection, store_id: UUID, proved: Sequence[tuple[bytes, UUID, datetime]]
) -> None:
    """(digest, member, when) of addresses that were proved, each once: who was invited there has come."""
    parameters = {
        "store_id": store_id,
        "digests": [digest for digest, _, _ in proved],
        "ids": [customer_id for _, customer_id, _ in proved],
        "times": [at for _, _, at in proved],
    }
    await tx.execute(_ACCEPT, parameters)


def _invitation(row: Row[Any], name: str) -> Invitation:
    return Invitation(
        invitation_id=row.invitation_id,
        digest=bytes(row.digest),
        customer_id=row.customer_id,
        email=row.email,
        invited_at=row.invited_at,
        invited_by=row.invited_by,
        times=row.times,
        name=name,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
    )
