"""The audit log in the database: added to, and never changed (revision 0006 sees to that)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Statement
from services.common.paging import PageRequest
from services.identity_merge.domain.audit import BEGINNING, AuditFilter, Doing, Entry, Link, Written

# Advisory locks are per database; the first number says what for, the second for which store.
_LOCK_KIND = 0x0A0D17


async def hold_chain(tx: AsyncConnection, store_id: UUID) -> Link:
    """The end of the store's chain, to which nobody else adds until the transaction ends. Part of the inbox transaction."""
    await _HOLD.first(tx, {"kind": _LOCK_KIND, "store_id": store_id})
    row = await _LAST.first(tx, {"store_id": store_id})  # a snapshot taken after the former holder's commit
    return Link(row["seq"], row["hash"]) if row else BEGINNING


_HOLD = Statement("SELECT pg_advisory_xact_lock(CAST(:kind AS int), hashtext(CAST(CAST(:store_id AS uuid) AS text)))")
_LAST = Statement("SELECT seq, hash FROM audit_entries WHERE store_id = :store_id ORDER BY seq DESC LIMIT 1")


async def add_entries(tx: AsyncConnection, store_id: UUID, entries: Sequence[Entry]) -> None:
    """Writes entries that follow the end of the chain."""
    doings = [entry.doing for entry in entries]
    parameters: dict[str, Any] = {
        "store_id": store_id,
        "seqs": [entry.link.seq for entry in entries],
        "hashes": [entry.link.hash for entry in entries],
        "changes": [orjson.dumps(doing.changes).decode() for doing in doings],
    }
    for plural, name in _PLURALS.items():
        parameters[plural] = [getattr(doing, name) for doing in doings]
    await _ADD.all(tx, parameters)


_PLURALS = {
    "events": "event_id",
    "services": "service",
    "times": "at",
    "actors": "actor",
    "actions": "action",
    "kinds": "subject_kind",
    "subjects": "subject_id",
    "requests": "request_id",
}
_ADD = Statement(
    """INSERT INTO audit_entries (store_id, seq, event_id, service, at, actor, action, subject_kind, subject_id, changes, request_id, hash)
 SELECT CAST(:store_id AS uuid), e.*
 FROM unnest(CAST(:seqs AS bigint[]), CAST(:events AS uuid[]), CAST(:services AS text[]), CAST(:times AS timestamptz[]),
   CAST(:actors AS text[]), CAST(:actions AS text[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:changes AS jsonb[]),
   CAST(:requests AS text[]), CAST(:hashes AS bytea[]))
  AS e(seq, event_id, service, at, actor, action, kind, subject_id, changes, request_id, hash)"""
)


async def find_entries(tx: AsyncConnection, asked: AuditFilter, page: PageRequest) -> list[Written]:
    """Entries of the transaction's store, newest first, one more than the page holds. `page.after` is (at, seq).

    `find_audit_entries` is a door past row-level security, as `find_orders` is one: words are found by an index (revision 0006).
    """
    after: tuple[datetime, int] | tuple[None, None] = (page.after[0], page.after[1]) if page.after else (None, None)
    parameters = {
        "actor": asked.actor,
        "action": asked.action,
        "subject_id": asked.subject_id,
        "since": asked.since,
        "before": asked.before,
        "words": [f"%{_escape(word)}%" for word in asked.words],
        "after_at": after[0],
        "after_seq": after[1],
        "most": page.size + 1,
    }
    return [Written(_entry(row), row.actor_name or "") for row in await tx.execute(_FIND, parameters)]


_FIND = text(
    """SELECT e.*, coalesce(p.name, k.name) AS actor_name
 FROM find_audit_entries(CAST(:actor AS text), CAST(:action AS text), CAST(:subject_id AS uuid),
  CAST(:since AS timestamptz), CAST(:before AS timestamptz), CAST(:words AS text[]), CAST(:after_at AS timestamptz),
  CAST(:after_seq AS bigint), CAST(:most AS int)) AS f
 JOIN audit_entries e ON e.store_id = NULLIF(current_setting('app.store_id', true), '')::uuid AND e.seq = f.seq
 LEFT JOIN staff p ON p.store_id = e.store_id AND e.actor LIKE 'staff:%' AND p.staff_id::text = substr(e.actor, 7)
 LEFT JOIN api_keys k ON k.store_id = e.store_id AND e.actor LIKE 'api_key:%' AND k.api_key_id::text = substr(e.actor, 9)
 ORDER BY e.at DESC, e.seq DESC"""
)


async def list_actors(tx: AsyncConnection, store_id: UUID, most: int) -> list[tuple[str, str]]:
    """(actor, name) of staff and API keys, by name."""
    rows = await tx.execute(_ACTORS, {"store_id": store_id, "most": most})
    return [(row.actor, row.name) for row in rows]


_ACTORS = text(
    """SELECT 'staff:' || staff_id AS actor, name FROM staff WHERE store_id = :store_id
 UNION ALL SELECT 'api_key:' || api_key_id, name FROM api_keys WHERE store_id = :store_id ORDER BY name, actor LIMIT :most"""
)


def _entry(row: Any) -> Entry:
    changes = tuple((field, before, after) for field, before, after in row.changes)
    doing = Doing(
        row.event_id,
        row.service,
        row.at,
        row.actor,
        row.action,
        row.subject_kind,
        row.subject_id,
        changes,
        row.request_id,
    )
    return Entry(Link(row.seq, row.hash), doing)


def _escape(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
