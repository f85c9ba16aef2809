"""Changing a customer's profile. The caller holds the customer's row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.contact import Address
from services.common.ids import new_id
from services.membership.domain import Consent, Customer, Identifier, SearchText

_SAVE = text(
    """UPDATE customers SET name = :name, phone = :phone, email = :email, birthday = :birthday, language = :language,
  tags = CAST(:tags AS text[]), version = :version WHERE store_id = :store_id AND customer_id = :customer_id"""
)
_FOUND_BY = text(
    """UPDATE customer_search SET haystack = :haystack, grams = CAST(:grams AS text[])
 WHERE store_id = :store_id AND customer_id = :customer_id"""
)
# Those that stay keep the day on which they came.
_DROP_ADDRESSES = text(
    """DELETE FROM addresses WHERE store_id = :store_id AND customer_id = :customer_id
  AND NOT digest = ANY(CAST(:digests AS bytea[]))"""
)
_KEEP_ADDRESSES = text(
    """INSERT INTO addresses (store_id, customer_id, digest, content, created_at, preferred)
 SELECT CAST(:store_id AS uuid), CAST(:customer_id AS uuid), a.digest, a.content::jsonb,
  CAST(:now AS timestamptz) + a.place * interval '1 microsecond', a.place = 1
 FROM unnest(CAST(:digests AS bytea[]), CAST(:contents AS text[])) WITH ORDINALITY AS a(digest, content, place)
 ON CONFLICT (store_id, customer_id, digest) DO UPDATE SET preferred = excluded.preferred"""
)
_NOTE_CHANGE = text(
    """INSERT INTO profile_changes (store_id, customer_id, change_id, at, actor, fields)
 VALUES (:store_id, :customer_id, :change_id, :now, :actor, CAST(:fields AS text[]))"""
)
# In one order everywhere, so that two people who swap phones do not wait for each other in a circle.
_HOLD_IDENTIFIERS = text(
    """SELECT i.digest FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) AS w(kind, digest)
 JOIN identifiers i ON i.store_id = :store_id AND i.kind = w.kind AND i.digest = w.digest ORDER BY i.digest FOR UPDATE OF i"""
)
_TAKE_IDENTIFIER = text(
    """INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
 VALUES (:store_id, :kind, :digest, :value, :customer_id, 'live')
 ON CONFLICT (store_id, kind, digest) DO NOTHING RETURNING digest"""
)
_FREE_IDENTIFIER = text(
    """DELETE FROM identifiers WHERE store_id = :store_id AND kind = :kind AND digest = :digest
  AND customer_id = :customer_id AND state = 'live'"""
)
_OWNED = text(
    """SELECT kind, digest, value FROM identifiers
 WHERE store_id = :store_id AND customer_id = :customer_id AND state = 'live' ORDER BY kind DESC, digest"""
)
_ADD_CONSENT = text(
    """INSERT INTO consents (store_id, customer_id, consent_id, given, taken_by, at, old_phone, new_phone, note)
 VALUES (:store_id, :customer_id, :consent_id, :given, :taken_by, :now, :old_phone, :new_phone, :note)"""
)


async def save_profile(
    tx: AsyncConnection, store_id: UUID, customer: Customer, search: SearchText, now: datetime
) -> None:
    """Writes profile, addresses and what the customer is found by."""
    mine = {"store_id": store_id, "customer_id": customer.customer_id}
    profile = {name: getattr(customer, name) for name in ("name", "phone", "email", "birthday", "language", "version")}
    await tx.execute(_SAVE, {**mine, **profile, "tags": list(customer.tags)})
    await tx.execute(_FOUND_BY, {**mine, "haystack": search.haystack, "grams": list(search.grams)})
    contents = [orjson.dumps(address, option=orjson.OPT_SORT_KEYS) for address in customer.addresses]
    digests = [address_digest(address) for address in customer.addresses]
    await tx.execute(_DROP_ADDRESSES, {**mine, "digests": digests})
    if contents:
        kept = {"digests": digests, "contents": [content.decode() for content in contents], "now": now}
        await tx.execute(_KEEP_ADDRESSES, {**mine, **kept})


def address_digest(address: Address) -> bytes:
    """Under which an address is kept once."""
    return hashlib.sha256(orjson.dumps(address, option=orjson.OPT_SORT_KEYS)).digest()


async def note_change(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, fields: Sequence[str], actor: str, now: datetime
) -> None:
    """Remembers who changed what, without the values."""
    mine = {"store_id": store_id, "customer_id": customer_id}
    await tx.execute(_NOTE_CHANGE, {**mine, "change_id": new_id(), "fields": list(fields), "actor": actor, "now": now})


async def hold_identifiers(tx: AsyncConnection, store_id: UUID, identifiers: Sequence[Identifier]) -> None:
    """Holds those that anybody has or had; others that are free can still be lost to somebody faster."""
    kinds, digests = [i.kind for i in identifiers], [i.digest for i in identifiers]
    await tx.execute(_HOLD_IDENTIFIERS, {"store_id": store_id, "kinds": kinds, "digests": digests})


async def take_identifier(tx: AsyncConnection, store_id: UUID, customer_id: UUID, identifier: Identifier) -> bool:
    """Makes the identifier the customer's; False when it is or was anybody's (T, U)."""
    values = {"kind": identifier.kind, "digest": identifier.digest, "value": identifier.value}
    taken = await tx.execute(_TAKE_IDENTIFIER, {"store_id": store_id, "customer_id": customer_id, **values})
    return taken.first() is not None


async def free_identifier(tx: AsyncConnection, store_id: UUID, customer_id: UUID, identifier: Identifier) -> None:
    """Gives up an identifier: it may be another person's tomorrow."""
    key = {"kind": identifier.kind, "digest": identifier.digest}
    await tx.execute(_FREE_IDENTIFIER, {"store_id": store_id, "customer_id": customer_id, **key})


async def owned_identifiers(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> list[Identifier]:
    """What a member owns, phones first."""
    rows = await tx.execute(_OWNED, {"store_id": store_id, "customer_id": customer_id})
    return [Identifier(row.kind, row.value, row.digest) for row in rows]


async def add_consent(
    tx: AsyncConnection, store_id: UUID, customer: Customer, phone: str, consent: Consent, actor: str, now: datetime
) -> None:
    """Records a member's consent to another phone (C5)."""
    await tx.execute(
        _ADD_CONSENT,
        {
            "store_id": store_id,
            "customer_id": customer.customer_id,
            "consent_id": new_id(),
            "given": consent.given,
            "taken_by": actor,
            "now": now,
            "old_phone": customer.phone,
            "new_phone": phone,
            "note": consent.note,
        },
    )
