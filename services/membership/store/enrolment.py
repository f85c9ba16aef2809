"""Writing a buyer: the hot path of an order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from asyncpg import UniqueViolationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.database import BOUND_TOGETHER, LOCK_TIMEOUT, Statement, Together
from services.common.outbox import Event
from services.membership.domain import Buyer, Enrolled, Hold, Holder, Identifier, SearchText, Status


@dataclass(frozen=True, slots=True)
class Attempt:
    """How far one statement got. What it `wrote` must not be kept unless it `succeeded`."""

    wrote: bool
    succeeded: bool


# A new customer in one statement, so in one round trip: the order's fact, which claims the order; the identifiers, all or
# none; the customer, or the guest of that id who becomes a member; what it is found by; the address; the events. When an
# identifier that the order names is known to be somebody's, nothing is written; only one that is lost in a race leaves something to
# take back.
_INSERT = """WITH {bound},
 held AS (SELECT FROM bound CROSS JOIN LATERAL (SELECT
   FROM unnest(CAST(:named_kinds AS text[]), CAST(:named_digests AS bytea[])) AS w(kind, digest)
   JOIN identifiers i ON i.store_id = bound.store_id AND i.kind = w.kind AND i.digest = w.digest OFFSET 0) AS i),
 fact AS (INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
  SELECT bound.store_id, CAST(:order_id AS uuid), CAST(:customer_id AS uuid), CAST(:customer_id AS uuid),
   CAST(:status AS smallint) = 2, CAST(:placed_at AS timestamptz) FROM bound WHERE NOT EXISTS (SELECT FROM held)
  ON CONFLICT (store_id, order_id) DO NOTHING RETURNING store_id),
 won AS (INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
  SELECT f.store_id, i.kind, i.digest, i.value, CAST(:customer_id AS uuid), 'live' FROM fact f
   CROSS JOIN unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[])) AS i(kind, digest, value)
  ORDER BY i.digest {won_already} RETURNING store_id),
 free AS (SELECT f.store_id FROM fact f WHERE (SELECT count(*) FROM won) = cardinality(CAST(:digests AS bytea[]))),
 customer AS (INSERT INTO customers (store_id, customer_id, status, name, phone, email, language, source, created_at, joined_at, version)
  SELECT free.store_id, CAST(:customer_id AS uuid), CAST(:status AS smallint), CAST(:name AS text), CAST(:phone AS text),
   CAST(:email AS text), CAST(:language AS text), 'order', CAST(:now AS timestamptz),
   CASE WHEN CAST(:status AS smallint) = 2 THEN CAST(:now AS timestamptz) END, 1 FROM free
  {there_already} RETURNING store_id),
 search AS (INSERT INTO customer_search (store_id, customer_id, member, since, haystack, grams)
  SELECT customer.store_id, CAST(:customer_id AS uuid), CAST(:status AS smallint) = 2, CAST(:now AS timestamptz),
   CAST(:haystack AS text), CAST(:grams AS text[]) FROM customer
  ON CONFLICT (store_id, customer_id) DO UPDATE SET member = excluded.member, since = excluded.since,
   haystack = excluded.haystack, grams = excluded.grams),
 address AS (INSERT INTO addresses (store_id, customer_id, digest, content, created_at)
  SELECT customer.store_id, CAST(:customer_id AS uuid), CAST(:address_digest AS bytea), CAST(:address AS jsonb),
   CAST(:now AS timestamptz) FROM customer WHERE CAST(:address AS jsonb) IS NOT NULL
  ON CONFLICT (store_id, customer_id, digest) DO NOTHING),
 event AS ({events} CROSS JOIN customer)
 SELECT EXISTS (SELECT FROM fact) AS wrote, EXISTS (SELECT FROM customer) AS succeeded"""
_INSERT_NEW = Statement(
    _INSERT.format(
        bound="bound AS (SELECT CAST(:store_id AS uuid) AS store_id)",
        won_already="ON CONFLICT (store_id, kind, digest) DO NOTHING",
        there_already="""ON CONFLICT (store_id, customer_id) DO UPDATE SET status = excluded.status, name = excluded.name,
   phone = excluded.phone, email = excluded.email, language = excluded.language, joined_at = excluded.joined_at,
   version = customers.version + 1 WHERE customers.status = 1 AND excluded.status = 2""",
        events=outbox.INSERT,
    )
)
# The same as a transaction of its own. There is nobody who could take anything back, so a race that is lost is an error.
_INSERT_STRANGER = Statement(
    _INSERT.format(bound=BOUND_TOGETHER, won_already="", there_already="", events=outbox.INSERT)
)
# An order of a customer known by id, in one statement: nothing is written unless the customer is there and live. KEY SHARE
# waits for a merge that is under way, and then sees what it did.
_ADD_TO_KNOWN = Statement(
    """WITH owner AS (SELECT store_id, customer_id, status, name FROM customers
  WHERE store_id = :store_id AND customer_id = :customer_id FOR KEY SHARE),
 fact AS (INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
  SELECT store_id, CAST(:order_id AS uuid), customer_id, customer_id, false, CAST(:placed_at AS timestamptz) FROM owner
  WHERE status IN (1, 2) ON CONFLICT (store_id, order_id) DO NOTHING RETURNING order_id)
 SELECT o.customer_id, o.status, o.name FROM owner o CROSS JOIN fact"""
)
# The same for a new customer's order when a live member has the phone, or else the e-mail. An id that is more than a guest's
# by now owns its orders itself.
_ADD_TO_HOLDER = text(
    """WITH holder AS (SELECT i.customer_id
  FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) WITH ORDINALITY AS w(kind, digest, place)
  JOIN identifiers i ON i.store_id = :store_id AND i.kind = w.kind AND i.digest = w.digest AND i.state = 'live'
  ORDER BY w.place LIMIT 1),
 owner AS (SELECT store_id, customer_id, status, name FROM customers
  WHERE store_id = :store_id AND customer_id = (SELECT customer_id FROM holder) FOR KEY SHARE),
 fact AS (INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
  SELECT store_id, CAST(:order_id AS uuid), customer_id, CAST(:customer_id AS uuid), false, CAST(:placed_at AS timestamptz)
  FROM owner WHERE status = 2 AND NOT EXISTS (SELECT FROM customers c WHERE c.store_id = :store_id
   AND c.customer_id = CAST(:customer_id AS uuid) AND c.status <> 1)
  ON CONFLICT (store_id, order_id) DO NOTHING RETURNING order_id)
 SELECT o.customer_id, o.status, o.name FROM owner o CROSS JOIN fact"""
)
# The same for many orders at once.
_ADD_MANY_TO_KNOWN = text(
    """WITH owner AS (SELECT store_id, customer_id FROM customers
  WHERE store_id = :store_id AND customer_id = ANY(CAST(:customer_ids AS uuid[])) AND status IN (1, 2)
  ORDER BY customer_id FOR KEY SHARE),
 fact AS (INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
  SELECT o.store_id, b.order_id, o.customer_id, o.customer_id, false, b.placed_at
  FROM unnest(CAST(:order_ids AS uuid[]), CAST(:customer_ids AS uuid[]), CAST(:placed AS timestamptz[]))
   AS b(order_id, customer_id, placed_at) JOIN owner o ON o.customer_id = b.customer_id
  ORDER BY b.order_id ON CONFLICT (store_id, order_id) DO NOTHING)
 SELECT customer_id FROM owner"""
)
_ADD_FACT = text(
    """INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
 VALUES (:store_id, :order_id, :customer_id, :declared_id, false, :placed_at)
 ON CONFLICT (store_id, order_id) DO NOTHING RETURNING order_id"""
)
_FIND = text(
    """SELECT c.customer_id, f.created_member, c.status, c.name FROM order_facts f
 JOIN customers r ON r.store_id = f.store_id AND r.customer_id = f.customer_id
 JOIN customers c ON c.store_id = r.store_id AND c.customer_id = COALESCE(r.survivor_id, r.customer_id)
 WHERE f.store_id = :store_id AND f.order_id = :order_id"""
)
_HOLDERS = text(
    """SELECT i.kind, i.digest, i.state = 'live' AS live, COALESCE(c.survivor_id, c.customer_id) AS customer_id,
  COALESCE(s.status, c.status) AS status
 FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) AS w(kind, digest)
 JOIN identifiers i ON i.store_id = :store_id AND i.kind = w.kind AND i.digest = w.digest
 JOIN customers c ON c.store_id = i.store_id AND c.customer_id = i.customer_id
 LEFT JOIN customers s ON s.store_id = c.store_id AND s.customer_id = c.survivor_id"""
)


async def insert_new(
    tx: AsyncConnection,
    store_id: UUID,
    buyer: Buyer,
    named: Sequence[Identifier],
    owned: Sequence[Identifier],
    status: Status,
    search: SearchText,
    events: Sequence[Event],
    now: datetime,
) -> Attempt:
    """Writes a new customer with the identifiers that it shall own, unless one of those `named` is anybody's already."""
    row = await _INSERT_NEW.first(tx, _new(store_id, buyer, named, owned, status, search, events, now))
    return Attempt(row["wrote"], row["succeeded"])


async def insert_stranger(
    together: Together,
    store_id: UUID,
    buyer: Buyer,
    named: Sequence[Identifier],
    owned: Sequence[Identifier],
    status: Status,
    search: SearchText,
    events: Sequence[Event],
    now: datetime,
) -> Attempt:
    """The same as a transaction of its own, for an id that no customer has. What does not succeed has written nothing."""
    try:
        row = await _INSERT_STRANGER.first(together, _new(store_id, buyer, named, owned, status, search, events, now))
    except UniqueViolationError:
        return Attempt(wrote=False, succeeded=False)
    return Attempt(row["wrote"], row["succeeded"])


def _new(
    store_id: UUID,
    buyer: Buyer,
    named: Sequence[Identifier],
    owned: Sequence[Identifier],
    status: Status,
    search: SearchText,
    events: Sequence[Event],
    now: datetime,
) -> dict[str, Any]:
    address = buyer.shipping_address
    content = orjson.dumps(address, option=orjson.OPT_SORT_KEYS) if address else None
    reach = {identifier.kind: identifier.value for identifier in owned}
    is_member = status is Status.MEMBER
    return {
        **outbox.columns(store_id, events),
        "order_id": buyer.order_id,
        "customer_id": buyer.customer_id,
        "status": status,
        "name": buyer.contact.name,
        "phone": reach.get("phone", "") if is_member else buyer.contact.phone,
        "email": reach.get("email", "") if is_member else buyer.contact.email,
        "language": buyer.language,
        "placed_at": buyer.placed_at,
        "now": now,
        "named_kinds": [identifier.kind for identifier in named],
        "named_digests": [identifier.digest for identifier in named],
        "kinds": [identifier.kind for identifier in owned],
        "digests": [identifier.digest for identifier in owned],
        "values": [identifier.value for identifier in owned],
        "haystack": search.haystack,
        "grams": list(search.grams),
        "address": content.decode() if content else None,
        "address_digest": hashlib.sha256(content).digest() if content else None,
        "patience": LOCK_TIMEOUT,
    }


async def add_to_known(tx: AsyncConnection, store_id: UUID, buyer: Buyer) -> Enrolled | None:
    """Gives the order to the live customer that it names; None when there is none, or the order has its buyer already."""
    parameters = {
        "store_id": store_id,
        "customer_id": buyer.customer_id,
        "order_id": buyer.order_id,
        "placed_at": buyer.placed_at,
    }
    row = await _ADD_TO_KNOWN.first(tx, parameters)
    return Enrolled(row["customer_id"], False, Status(row["status"]), row["name"]) if row else None


async def add_to_holder(
    tx: AsyncConnection, store_id: UUID, buyer: Buyer, identifiers: Sequence[Identifier]
) -> Enrolled | None:
    """Gives a new customer's order to the live member who has one of the identifiers; None when it is not as simple as that."""
    parameters = {
        "store_id": store_id,
        "customer_id": buyer.customer_id,
        "order_id": buyer.order_id,
        "placed_at": buyer.placed_at,
        "kinds": [identifier.kind for identifier in identifiers],
        "digests": [identifier.digest for identifier in identifiers],
    }
    row = (await tx.execute(_ADD_TO_HOLDER, parameters)).first()
    return Enrolled(row.customer_id, False, Status(row.status), row.name) if row else None


async def add_many_to_known(tx: AsyncConnection, store_id: UUID, buyers: Sequence[Buyer]) -> bool:
    """Gives each order to the live customer that it names, unless it has a buyer; False when one of them is not live."""
    if not buyers:
        return True
    rows = await tx.execute(
        _ADD_MANY_TO_KNOWN,
        {
            "store_id": store_id,
            "order_ids": [buyer.order_id for buyer in buyers],
            "customer_ids": [buyer.customer_id for buyer in buyers],
            "placed": [buyer.placed_at for buyer in buyers],
        },
    )
    return {row.customer_id for row in rows} == {buyer.customer_id for buyer in buyers}


async def add_fact(tx: AsyncConnection, store_id: UUID, buyer: Buyer, owner_id: UUID) -> bool:
    """Gives the order to a customer whose row the caller holds; False when the order has its buyer already."""
    row = await tx.execute(
        _ADD_FACT,
        {
            "store_id": store_id,
            "order_id": buyer.order_id,
            "customer_id": owner_id,
            "declared_id": buyer.customer_id,
            "placed_at": buyer.placed_at,
        },
    )
    return row.first() is not None


async def find_enrolled(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> Enrolled | None:
    """The order's buyer, if it was enrolled before."""
    row = (await tx.execute(_FIND, {"store_id": store_id, "order_id": order_id})).first()
    return Enrolled(row.customer_id, row.created_member, Status(row.status), row.name) if row else None


async def holders_of(tx: AsyncConnection, store_id: UUID, identifiers: Sequence[Identifier]) -> list[Holder]:
    """Who has each identifier, in the order given."""
    parameters = {
        "store_id": store_id,
        "kinds": [identifier.kind for identifier in identifiers],
        "digests": [identifier.digest for identifier in identifiers],
    }
    found = {(row.kind, row.digest): row for row in await tx.execute(_HOLDERS, parameters)}
    holders = []
    for identifier in identifiers:
        row = found.get((identifier.kind, identifier.digest))
        if row is None:
            holders.append(Holder(identifier.kind, Hold.FREE))
        elif row.status != Status.MEMBER:
            holders.append(Holder(identifier.kind, Hold.GONE))
        else:
            holders.append(Holder(identifier.kind, Hold.LIVE if row.live else Hold.MERGED, row.customer_id))
    return holders
