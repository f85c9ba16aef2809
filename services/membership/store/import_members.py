"""Writing many new members at once: the batch of an import."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.contact import Address
from services.common.ids import new_id
from services.membership.domain import Ledger, SearchText
from services.membership.domain.imports import Candidate
from services.membership.store.points import write_ledgers


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be written, with what it is found by; the ledger holds its points, if any."""

    customer_id: UUID
    candidate: Candidate
    address: Address
    search: SearchText
    ledger: Ledger

    @property
    def version(self) -> int:
        """Points are the second thing that happens to a member."""
        return 2 if self.ledger.entries else 1


# In the order of digests, as everybody takes them, so that no two writers block each other. A row that somebody else is
# writing is waited for.
_WIN = text(
    """INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
 SELECT CAST(:store_id AS uuid), i.kind, i.digest, i.value, i.customer_id, 'live'
 FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[]), CAST(:values AS text[]), CAST(:owners AS uuid[]))
  AS i(kind, digest, value, customer_id)
 ORDER BY i.digest ON CONFLICT (store_id, kind, digest) DO NOTHING RETURNING digest"""
)
# No order tells of them, so the worker that judges levels is told to look: the lowest level may begin at nothing (B1).
_WRITE = text(
    """WITH m AS (SELECT * FROM jsonb_to_recordset(CAST(:members AS jsonb)) AS m(customer_id uuid, name text, phone text, email text,
   birthday date, language text, tags text[], points bigint, version bigint, haystack text, grams text[], address jsonb,
   address_digest text, note_id uuid, note text)),
 customer AS (INSERT INTO customers (store_id, customer_id, status, name, phone, email, birthday, language, source, tags,
   created_at, joined_at, level_due_at, points_balance, version)
  SELECT CAST(:store_id AS uuid), customer_id, 2, name, phone, email, birthday, language, 'import', tags,
   CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz), points, version FROM m),
 search AS (INSERT INTO customer_search (store_id, customer_id, member, since, haystack, grams)
  SELECT CAST(:store_id AS uuid), customer_id, true, CAST(:now AS timestamptz), haystack, grams FROM m),
 note AS (INSERT INTO customer_notes (store_id, customer_id, note_id, content, author, at)
  SELECT CAST(:store_id AS uuid), customer_id, note_id, note, CAST(:author AS text), CAST(:now AS timestamptz) FROM m
  WHERE note <> '')
 INSERT INTO addresses (store_id, customer_id, digest, content, created_at)
 SELECT CAST(:store_id AS uuid), customer_id, decode(address_digest, 'hex'), address, CAST(:now AS timestamptz)
 FROM m WHERE address_digest <> ''"""
)


async def win_identifiers(tx: AsyncConnection, store_id: UUID, members: Sequence[NewMember]) -> bool:
    """Gives the members their identifiers; False when one of them is somebody's, and then nothing may be kept."""
    pairs = [(member.customer_id, each) for member in members for each in member.candidate.identifiers]
    parameters = {
        "store_id": store_id,
        "kinds": [each.kind for _, each in pairs],
        "digests": [each.digest for _, each in pairs],
        "values": [each.value for _, each in pairs],
        "owners": [owner for owner, _ in pairs],
    }
    return len((await tx.execute(_WIN, parameters)).all()) == len(pairs)


async def write_members(
    tx: AsyncConnection, store_id: UUID, members: Sequence[NewMember], author: str, now: datetime
) -> None:
    """Writes members whose identifiers are won: profile, what they are found by, address, note, points."""
    content = orjson.dumps([_content(member) for member in members]).decode()
    await tx.execute(_WRITE, {"store_id": store_id, "members": content, "now": now, "author": author})
    await write_ledgers(tx, store_id, [member.ledger for member in members])


def _content(member: NewMember) -> dict[str, Any]:
    candidate = member.candidate
    address = orjson.dumps(member.address, option=orjson.OPT_SORT_KEYS) if member.address else b""
    return {
        "customer_id": str(member.customer_id),
        "name": candidate.contact.name,
        "phone": candidate.contact.phone,
        "email": candidate.contact.email,
        "birthday": candidate.birthday,
        "language": candidate.language,
        "tags": candidate.tags,
        "points": member.ledger.balance,
        "version": member.version,
        "haystack": member.search.haystack,
        "grams": member.search.grams,
        "address": orjson.Fragment(address or b"null"),
        "address_digest": hashlib.sha256(address).hexdigest() if address else "",
        "note_id": str(new_id()),
        "note": candidate.note,
    }
