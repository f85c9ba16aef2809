"""Pairs of accounts that may be one person's (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.identity_merge.domain.duplicates import Found, Pair

# Advisory locks are per database; the first number says what for, the second for which store.
_LOCK_KIND = 0x0A0D18
MOST_COUNTED = 10_000
_DELETE_AT_ONCE = 5_000


async def hold_pairs(tx: AsyncConnection, store_id: UUID) -> None:
    """Keeps merges, deletions and erasures from ending between what a batch knows of accounts and what it writes of them."""
    await tx.execute(_HOLD, {"kind": _LOCK_KIND, "store_id": store_id})


async def forget_pairs(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Nothing is suggested of these customers any more, nor remembered. Part of the transaction that ends them."""
    await tx.execute(_SHARE, {"kind": _LOCK_KIND, "store_id": store_id})
    await tx.execute(_FORGET, {"store_id": store_id, "customers": list(customer_ids)})


_LOCKED = "SELECT {lock}(CAST(:kind AS int), hashtext(CAST(CAST(:store_id AS uuid) AS text)))"
_HOLD = text(_LOCKED.format(lock="pg_advisory_xact_lock"))
_SHARE = text(_LOCKED.format(lock="pg_advisory_xact_lock_shared"))
_FORGET = text(
    """DELETE FROM duplicate_pairs WHERE store_id = :store_id
 AND (first_id = ANY(CAST(:customers AS uuid[])) OR second_id = ANY(CAST(:customers AS uuid[])))"""
)


async def write_pairs(tx: AsyncConnection, store_id: UUID, scan_id: UUID, pairs: Sequence[Found]) -> None:
    """Suggests pairs; who holds the pairs calls it. Left out are accounts that have meanwhile ended.

    What was dismissed stays so, as long as both are known by what they were known by then.
    """
    await tx.execute(
        _WRITE,
        {
            "store_id": store_id,
            "scan_id": scan_id,
            "firsts": [pair.customer_ids[0] for pair in pairs],
            "seconds": [pair.customer_ids[1] for pair in pairs],
            "scores": [pair.score for pair in pairs],
            # Arrays of arrays must be even; a word has no blank.
            "reasons": [" ".join(pair.reasons) for pair in pairs],
            "first_digests": [pair.digests[0] for pair in pairs],
            "second_digests": [pair.digests[1] for pair in pairs],
        },
    )


_SAME = "p.first_digest = excluded.first_digest AND p.second_digest = excluded.second_digest"
_WRITE = text(
    f"""INSERT INTO duplicate_pairs AS p (store_id, first_id, second_id, score, reasons, first_digest, second_digest, scan_id)
 SELECT CAST(:store_id AS uuid), f.first_id, f.second_id, f.score, string_to_array(f.reasons, ' '), f.first_digest, f.second_digest,
   CAST(:scan_id AS uuid)
 FROM unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]), CAST(:scores AS int[]), CAST(:reasons AS text[]),
   CAST(:first_digests AS bytea[]), CAST(:second_digests AS bytea[])) AS f(first_id, second_id, score, reasons, first_digest, second_digest)
 WHERE NOT EXISTS (SELECT 1 FROM login_owners o
   WHERE o.store_id = :store_id AND o.customer_id IN (f.first_id, f.second_id) AND o.gone)
  AND NOT EXISTS (SELECT 1 FROM merge_participants m
   WHERE m.store_id = :store_id AND m.customer_id IN (f.first_id, f.second_id) AND m.merged AND (m.active OR m.logins_retired))
 ON CONFLICT (store_id, first_id, second_id) DO UPDATE SET score = excluded.score, reasons = excluded.reasons,
  scan_id = excluded.scan_id, first_digest = excluded.first_digest, second_digest = excluded.second_digest,
  dismissed_at = CASE WHEN {_SAME} THEN p.dismissed_at END,
  dismissed_by = CASE WHEN {_SAME} THEN p.dismissed_by ELSE '' END,
  found_at = CASE WHEN {_SAME} THEN p.found_at ELSE excluded.found_at END"""
)


async def drop_others(tx: AsyncConnection, store_id: UUID, scan_id: UUID) -> bool:
    """Takes away a batch of suggestions that this scan has not found any more; whether there may be others."""
    parameters = {"store_id": store_id, "scan_id": scan_id, "most": _DELETE_AT_ONCE}
    return (await tx.execute(_DROP, parameters)).rowcount == _DELETE_AT_ONCE


_DROP = text(
    """DELETE FROM duplicate_pairs WHERE store_id = :store_id AND (first_id, second_id) IN (SELECT first_id, second_id
 FROM duplicate_pairs WHERE store_id = :store_id AND dismissed_at IS NULL AND scan_id <> :scan_id LIMIT :most)"""
)


async def load_pair(tx: AsyncConnection, store_id: UUID, ids: tuple[UUID, UUID]) -> Pair | None:
    """One pair, held against others who judge it."""
    row = (await tx.execute(_LOAD, {"store_id": store_id, "first": ids[0], "second": ids[1]})).first()
    return _pair(row) if row else None


async def save_judgement(tx: AsyncConnection, store_id: UUID, ids: tuple[UUID, UUID], dismissed_by: str) -> Pair:
    """Dismisses a pair, or with "" takes that back."""
    parameters = {"store_id": store_id, "first": ids[0], "second": ids[1], "by": dismissed_by}
    return _pair((await tx.execute(_JUDGE, parameters)).one())


_COLUMNS = "first_id, second_id, score, reasons, found_at, dismissed_at, dismissed_by"
_LOAD = text(
    f"""SELECT {_COLUMNS} FROM duplicate_pairs
 WHERE store_id = :store_id AND first_id = :first AND second_id = :second FOR UPDATE"""
)
_JUDGE = text(
    f"""UPDATE duplicate_pairs SET dismissed_by = CAST(:by AS text), dismissed_at = CASE WHEN CAST(:by AS text) <> '' THEN now() END
 WHERE store_id = :store_id AND first_id = :first AND second_id = :second RETURNING {_COLUMNS}"""
)


async def suggested_page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_id: UUID | None
) -> list[Pair]:
    """Suggestions, the likeliest first, one more than the page holds. `page.after` is (score, first, second)."""
    return await _page(tx, store_id, page, customer_id, ("score", "int", "dismissed_at IS NULL"))


async def dismissed_page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_id: UUID | None
) -> list[Pair]:
    """Dismissed pairs, the latest first, one more than the page holds. `page.after` is (dismissed_at, first, second)."""
    return await _page(tx, store_id, page, customer_id, ("dismissed_at", "timestamptz", "dismissed_at IS NOT NULL"))


async def _page(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, customer_id: UUID | None, by: tuple[str, str, str]
) -> list[Pair]:
    key, kind, condition = by
    after = page.after or (None, None, None)
    mine = " AND (first_id = :customer_id OR second_id = :customer_id)" if customer_id else ""
    later = (
        f" AND ({key}, first_id, second_id) < (CAST(:key AS {kind}), CAST(:first AS uuid), CAST(:second AS uuid))"
        if page.after
        else ""
    )
    statement = text(
        f"""SELECT {_COLUMNS} FROM duplicate_pairs WHERE store_id = :store_id AND {condition}{mine}{later}
 ORDER BY {key} DESC, first_id DESC, second_id DESC LIMIT :most"""
    )
    parameters: dict[str, Any] = {"store_id": store_id, "most": page.size + 1}
    parameters |= {"customer_id": customer_id} if customer_id else {}
    parameters |= {"key": after[0], "first": after[1], "second": after[2]} if page.after else {}
    return [_pair(row) for row in await tx.execute(statement, parameters)]


async def count_suggested(tx: AsyncConnection, store_id: UUID) -> int:
    """Suggestions, counted up to MOST_COUNTED."""
    return int(await tx.scalar(_COUNT, {"store_id": store_id, "most": MOST_COUNTED}) or 0)


_COUNT = text(
    """SELECT count(*) FROM (SELECT FROM duplicate_pairs WHERE store_id = :store_id AND dismissed_at IS NULL
 LIMIT CAST(:most AS int)) AS pairs"""
)


def _pair(row: Row[Any]) -> Pair:
    return Pair(
        (row.first_id, row.second_id), row.score, tuple(row.reasons), row.found_at, row.dismissed_by, row.dismissed_at
    )
