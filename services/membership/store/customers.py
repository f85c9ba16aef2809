"""Reading and locking customers.

Locks: whoever gives an order to a customer takes KEY SHARE on its row, whoever changes sums or points NO KEY UPDATE, a
merge UPDATE. So orders of one customer never wait for each other, and nothing is given to an account that is being
merged. Several rows are locked in the order of their ids, and customers before anything that belongs to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.contact import Address, Contact
from services.common.database import BOUND, Statement, Together
from services.membership.domain import Customer, KnownBuyer, MergedAccount, Status

# The stored balance counts lots that the expiry loop has not yet emptied; nobody is to see those points any more.
_COLUMNS = """c.customer_id, c.status, c.name, c.phone, c.email, c.birthday, c.language, c.created_at, c.joined_at, c.survivor_id,
 c.net_spend, c.orders_count, c.version, c.level_id, c.level_until, c.level_pinned_until, c.tags, c.online_since,
 COALESCE(s.levels -> CAST(c.level_id AS text) ->> 'name', '') AS level_name,
 c.points_balance - COALESCE((SELECT sum(l.remaining) FROM points_lots l
  WHERE l.store_id = c.store_id AND l.customer_id = c.customer_id AND l.remaining > 0 AND l.expires_at <= now()), 0)::bigint
  AS points_balance"""
_SELECT = f"SELECT {_COLUMNS} FROM customers c LEFT JOIN store_settings s ON s.store_id = c.store_id WHERE c.store_id = :store_id AND "
_LOAD = text(_SELECT + "c.customer_id = ANY(CAST(:ids AS uuid[]))")
_LOCK_MANY = text(_SELECT + "c.customer_id = ANY(CAST(:ids AS uuid[])) ORDER BY c.customer_id FOR UPDATE OF c")
_LOCK_ONE = text(_SELECT + "c.customer_id = :id FOR NO KEY UPDATE OF c")
_LOCK_WHOLE = text(_SELECT + "c.customer_id = :id FOR UPDATE OF c")
_SHARE_ONE = text(_SELECT + "c.customer_id = :id FOR KEY SHARE OF c")
_ADDRESSES = text(
    """SELECT customer_id, content FROM addresses WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[]))
 ORDER BY preferred DESC, created_at, digest"""
).columns(customer_id=Uuid, content=JSONB)
# The main one of each kind first.
_IDENTIFIERS = text(
    """SELECT i.customer_id, i.kind, i.value FROM identifiers i
 JOIN customers c ON c.store_id = i.store_id AND c.customer_id = i.customer_id
 WHERE i.store_id = :store_id AND i.customer_id = ANY(CAST(:ids AS uuid[])) AND i.state = 'live'
 ORDER BY i.kind DESC, i.value NOT IN (c.phone, c.email), i.value"""
)
# What an order of a known customer asks first, so all of it in one statement, planned once and in no transaction but its own. Each step
# reads what the one before has found (OFFSET 0 keeps it so), for no row shows before the store is named. Guests who turned out to be the
# member are no merged accounts.
_WHOLE = Statement(
    f"""WITH {BOUND}
 SELECT {_COLUMNS},
  ARRAY(SELECT CAST(a.content AS text) FROM addresses a WHERE a.store_id = c.store_id AND a.customer_id = c.customer_id
   ORDER BY a.preferred DESC, a.created_at, a.digest) AS addresses,
  ARRAY(SELECT ARRAY[i.kind, i.value] FROM identifiers i
   WHERE i.store_id = c.store_id AND i.customer_id = c.customer_id AND i.state = 'live'
   ORDER BY i.kind DESC, i.value NOT IN (c.phone, c.email), i.value) AS identifiers,
  CAST((SELECT json_agg(json_build_array(m.customer_id, m.merge_run_id, m.name, m.merged_at) ORDER BY m.merged_at, m.customer_id)
   FROM customers m WHERE m.store_id = c.store_id AND m.survivor_id = c.customer_id AND m.merge_run_id IS NOT NULL) AS text)
   AS merged_accounts
 FROM bound
 CROSS JOIN LATERAL (SELECT COALESCE(r.survivor_id, r.customer_id) AS customer_id FROM customers r
  WHERE r.store_id = bound.store_id AND r.customer_id = CAST(:id AS uuid) OFFSET 0) AS owner
 CROSS JOIN LATERAL (SELECT * FROM customers o
  WHERE o.store_id = bound.store_id AND o.customer_id = owner.customer_id OFFSET 0) AS c
 LEFT JOIN LATERAL (SELECT levels FROM store_settings s WHERE s.store_id = bound.store_id OFFSET 0) AS s ON true"""
)

# What an order takes over of a known customer, and no more. A row without a customer: nobody has the id.
_BUYER = Statement(
    f"""WITH {BOUND}
 SELECT c.customer_id, c.status, c.name, c.phone, c.email, COALESCE(l.level ->> 'name', '') AS level_name,
  COALESCE(CAST(l.level ->> 'discount' AS int), 0) AS discount
 FROM bound
 LEFT JOIN LATERAL (SELECT COALESCE(r.survivor_id, r.customer_id) AS customer_id FROM customers r
  WHERE r.store_id = bound.store_id AND r.customer_id = CAST(:id AS uuid) OFFSET 0) AS owner ON true
 LEFT JOIN LATERAL (SELECT * FROM customers o
  WHERE o.store_id = bound.store_id AND o.customer_id = owner.customer_id OFFSET 0) AS c ON true
 LEFT JOIN LATERAL (SELECT s.levels -> CAST(c.level_id AS text) AS level FROM store_settings s
  WHERE s.store_id = bound.store_id AND c.level_id IS NOT NULL OFFSET 0) AS l ON true"""
)


async def load_many(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Customers by their own ids, without addresses; pointers are not followed."""
    rows = await tx.execute(_LOAD, {"store_id": store_id, "ids": list(ids)})
    return {row["customer_id"]: _customer(row) for row in rows.mappings()}


async def load(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer | None:
    """The customer behind any id it ever had (F10), without addresses."""
    found = (await load_many(tx, store_id, [customer_id])).get(customer_id)
    if found and found.survivor_id:
        return (await load_many(tx, store_id, [found.survivor_id])).get(found.survivor_id)
    return found


async def load_whole(connection: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer | None:
    """As `load`, with addresses, identifiers and the accounts merged into it (F13). It needs no transaction."""
    row = await _WHOLE.first(connection, {"store_id": store_id, "id": customer_id})
    if row is None:
        return None
    found = _customer(row)
    found.addresses = [_address(orjson.loads(content)) for content in row["addresses"]]
    found.identifiers = [(kind, value) for kind, value in row["identifiers"]]
    found.merged_accounts = [
        MergedAccount(UUID(merged_id), UUID(run_id), name, datetime.fromisoformat(at))
        for merged_id, run_id, name, at in orjson.loads(row["merged_accounts"] or "[]")
    ]
    return found


async def load_buyer(together: Together, store_id: UUID, customer_id: UUID) -> KnownBuyer | None:
    """What an order takes over of the customer behind any id it ever had (F10)."""
    row = await _BUYER.first(together, {"store_id": store_id, "id": customer_id})
    if row["customer_id"] is None:
        return None
    contact = Contact(row["name"], row["phone"], row["email"])
    return KnownBuyer(row["customer_id"], Status(row["status"]), contact, row["level_name"], row["discount"])


async def load_all(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Customer]:
    """Asked id → the customer behind it (F10), with addresses and identifiers, in as many statements for many as for one."""
    found = await load_many(tx, store_id, ids)
    behind = {asked: customer.survivor_id or asked for asked, customer in found.items()}
    owners = await load_participants(tx, store_id, sorted(set(behind.values())), lock=False)
    return {asked: owners[owner] for asked, owner in behind.items()}


async def lock_owner(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, *, shared: bool = False
) -> Customer | None:
    """As `load`, with the row held against merges, and unless `shared` against other changes of its points."""
    statement = _SHARE_ONE if shared else _LOCK_ONE
    # A merge that was under way may have ended while we waited: then its survivor is the one to lock, and so on.
    while True:
        row = (await tx.execute(statement, {"store_id": store_id, "id": customer_id})).first()
        if row is None or row.survivor_id is None:
            # What the row's sub-select saw may be older than the lock.
            return (await load_many(tx, store_id, [customer_id])).get(customer_id) if row else None
        customer_id = row.survivor_id


async def lock_account(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer | None:
    """The account of that very id, merged or not, held against everything else."""
    if (await tx.execute(_LOCK_WHOLE, {"store_id": store_id, "id": customer_id})).first() is None:
        return None
    return (await load_many(tx, store_id, [customer_id])).get(customer_id)


async def load_participants(
    tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID], *, lock: bool = True
) -> dict[UUID, Customer]:
    """Customers by their own ids with addresses and identifiers; `lock` holds them against everything else."""
    if lock:
        await tx.execute(_LOCK_MANY, {"store_id": store_id, "ids": list(ids)})
    found = await load_many(tx, store_id, ids)
    for customer_id, kept in (await addresses_of(tx, store_id, ids)).items():
        found[customer_id].addresses = kept
    for customer_id, owned in (await identifiers_of(tx, store_id, ids)).items():
        found[customer_id].identifiers = owned
    return found


async def addresses_of(tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Sequence[Address]]:
    """Addresses by customer, the preferred one first."""
    found: dict[UUID, list[Address]] = {}
    for row in await tx.execute(_ADDRESSES, {"store_id": store_id, "ids": list(ids)}):
        found.setdefault(row.customer_id, []).append(_address(row.content))
    return dict(found)


async def identifiers_of(
    tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Sequence[tuple[str, str]]]:
    """Live identifiers as (kind, value) by customer, the main one of each kind first."""
    found: dict[UUID, list[tuple[str, str]]] = {}
    for row in await tx.execute(_IDENTIFIERS, {"store_id": store_id, "ids": list(ids)}):
        found.setdefault(row.customer_id, []).append((row.kind, row.value))
    return dict(found)


def _address(content: Mapping[str, Any]) -> Address:
    return Address(**{**content, "lines": tuple(content["lines"])})


def _customer(row: Any) -> Customer:
    return Customer(
        customer_id=row["customer_id"],
        status=Status(row["status"]),
        name=row["name"],
        phone=row["phone"],
        email=row["email"],
        birthday=row["birthday"],
        language=row["language"],
        created_at=row["created_at"],
        joined_at=row["joined_at"],
        survivor_id=row["survivor_id"],
        net_spend=row["net_spend"],
        orders_count=row["orders_count"],
        points_balance=row["points_balance"],
        version=row["version"],
        level_id=row["level_id"],
        level_name=row["level_name"],
        level_until=row["level_until"],
        level_pinned_until=row["level_pinned_until"],
        tags=row["tags"],
        online_since=row["online_since"],
    )
