"""Imports, their files and their rows (D)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Identifier
from services.membership.domain.imports import Counts, Import, ImportState, Judged, Problem, RowState, Staged

_COLUMNS = """import_id, state, file_name, file_size, recognised, encoding, region, send_confirmations, check_number, rows_total,
 rows_refused, rows_imported, rows_failed, points_total, created_by, created_at, checked_at, started_at, finished_at"""
_ONE = f"SELECT {_COLUMNS} FROM imports WHERE store_id = :store_id AND import_id = :import_id"
_LOAD, _LOCK = text(_ONE), text(f"{_ONE} FOR UPDATE")
# A worker that finds the row held leaves the import to whoever holds it.
_TAKE = text(f"{_ONE} AND state = 4 FOR UPDATE SKIP LOCKED")
_PAGE = text(
    f"""SELECT {_COLUMNS} FROM imports WHERE store_id = :store_id AND state > 1
  AND (CAST(:after AS uuid) IS NULL OR import_id < :after) ORDER BY import_id DESC LIMIT :most"""
)
_INSERT = text(
    """INSERT INTO imports (store_id, import_id, state, file_name, file_size, recognised, encoding, region, send_confirmations,
  check_number, rows_total, rows_refused, rows_imported, rows_failed, points_total, created_by, created_at)
 VALUES (:store_id, :import_id, 1, :file_name, 0, '', '', :region, false, 0, 0, 0, 0, 0, 0, :created_by, :now)"""
)
_ADD_PART = text(
    """WITH part AS (INSERT INTO import_parts (store_id, import_id, place, content)
  VALUES (:store_id, :import_id, :place, :content))
 UPDATE imports SET file_size = file_size + :size WHERE store_id = :store_id AND import_id = :import_id"""
)
_PART = text(
    "SELECT content FROM import_parts WHERE store_id = :store_id AND import_id = :import_id AND place = :place"
)
_FILE = text("SELECT content FROM import_parts WHERE store_id = :store_id AND import_id = :import_id ORDER BY place")
_DELETE_FILE = text("DELETE FROM import_parts WHERE store_id = :store_id AND import_id = :import_id")
_UPLOADED = text(
    "UPDATE imports SET state = 2, recognised = :recognised WHERE store_id = :store_id AND import_id = :import_id"
)
_CHECKED = text(
    """UPDATE imports SET state = 3, encoding = :encoding, check_number = check_number + 1, rows_total = :total,
  rows_refused = :refused, points_total = :points, checked_at = :now
 WHERE store_id = :store_id AND import_id = :import_id"""
)
_RUNNING = text(
    """UPDATE imports SET state = 4, send_confirmations = :send, started_at = :now
 WHERE store_id = :store_id AND import_id = :import_id"""
)
_PROGRESS = text(
    """UPDATE imports SET rows_imported = rows_imported + :imported, rows_failed = rows_failed + :failed
 WHERE store_id = :store_id AND import_id = :import_id"""
)
_COMPLETED = text(
    "UPDATE imports SET state = 5, finished_at = :now WHERE store_id = :store_id AND import_id = :import_id"
)
_DELETE_ROWS = text("DELETE FROM import_rows WHERE store_id = :store_id AND import_id = :import_id")
_STAGE = text(
    """INSERT INTO import_rows (store_id, import_id, number, state, cells, problems, customer_id)
 SELECT CAST(:store_id AS uuid), CAST(:import_id AS uuid), r.number, r.state, r.cells, r.problems, r.customer_id
 FROM jsonb_to_recordset(CAST(:rows AS jsonb))
  AS r(number int, state smallint, cells text[], problems jsonb, customer_id uuid)"""
)
_ROWS = """SELECT r.number, r.state, r.cells, r.problems, r.customer_id, COALESCE(c.name, '') AS name FROM import_rows r
 LEFT JOIN customers c ON c.store_id = r.store_id AND c.customer_id = r.customer_id
 WHERE r.store_id = :store_id AND r.import_id = :import_id AND r.number > :after {condition} ORDER BY r.number LIMIT :most"""
_ALL_ROWS = text(_ROWS.format(condition=""))
_BAD_ROWS = text(_ROWS.format(condition="AND r.state IN (2, 4)"))
_READY_ROWS = text(_ROWS.format(condition="AND r.state = 1"))
_SETTLE = text(
    """UPDATE import_rows r SET state = s.state, problems = s.problems,
  cells = CASE WHEN s.state = 3 THEN CAST('{}' AS text[]) ELSE r.cells END
 FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(number int, state smallint, problems jsonb)
 WHERE r.store_id = :store_id AND r.import_id = :import_id AND r.number = s.number"""
)
_HELD = text(
    """SELECT i.kind, i.digest, i.state = 'live' AS live
 FROM unnest(CAST(:kinds AS text[]), CAST(:digests AS bytea[])) AS w(kind, digest)
 JOIN identifiers i ON i.store_id = :store_id AND i.kind = w.kind AND i.digest = w.digest"""
)
_UNDER_WAY = text("SELECT store_id, import_id FROM imports WHERE state = 4 ORDER BY started_at LIMIT :most")
_OLD = text(
    """SELECT store_id, import_id FROM imports
 WHERE purged_at IS NULL AND state <> 4 AND created_at < :before ORDER BY created_at LIMIT :most"""
)
_DISCARDED = text(
    "UPDATE imports SET state = 7, purged_at = :now WHERE store_id = :store_id AND import_id = :import_id"
)
_PURGED = text(
    """UPDATE imports SET purged_at = :now, state = CASE WHEN state < 4 THEN 6 ELSE state END
 WHERE store_id = :store_id AND import_id = :import_id AND state <> 4"""
)


async def insert_import(
    tx: AsyncConnection, store_id: UUID, import_id: UUID, file_name: str, region: str, created_by: str, now: datetime
) -> None:
    """Makes room for a file."""
    parameters = {"file_name": file_name, "region": region, "created_by": created_by, "now": now}
    await tx.execute(_INSERT, parameters | _key(store_id, import_id))


async def load_import(tx: AsyncConnection, store_id: UUID, import_id: UUID, *, lock: bool = False) -> Import | None:
    """One import; `lock` holds it against everybody else."""
    return _import((await tx.execute(_LOCK if lock else _LOAD, _key(store_id, import_id))).first())


async def take_running(tx: AsyncConnection, store_id: UUID, import_id: UUID) -> Import | None:
    """The import, held, if it runs and nobody else is at it."""
    return _import((await tx.execute(_TAKE, _key(store_id, import_id))).first())


async def imports_page(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> list[Import]:
    """Imports with a whole file, newest first, one more than the page holds. `page.after` is (import_id,)."""
    parameters = {"store_id": store_id, "after": page.after[0] if page.after else None, "most": page.size + 1}
    return [found for row in await tx.execute(_PAGE, parameters) if (found := _import(row))]


async def add_part(tx: AsyncConnection, store_id: UUID, import_id: UUID, place: int, content: bytes) -> None:
    """Keeps a piece of the file; the caller holds the import."""
    parameters = {"place": place, "content": content, "size": len(content)}
    await tx.execute(_ADD_PART, parameters | _key(store_id, import_id))


async def part_at(tx: AsyncConnection, store_id: UUID, import_id: UUID, place: int) -> bytes | None:
    """The piece that begins there."""
    found = await tx.scalar(_PART, {"place": place} | _key(store_id, import_id))
    return None if found is None else bytes(found)


async def load_file(tx: AsyncConnection, store_id: UUID, import_id: UUID) -> bytes:
    """The file as far as it has come in; empty once it is deleted."""
    return b"".join(row.content for row in await tx.execute(_FILE, _key(store_id, import_id)))


async def save_upload(tx: AsyncConnection, store_id: UUID, import_id: UUID, recognised: str) -> None:
    """The file is whole."""
    await tx.execute(_UPLOADED, {"recognised": recognised} | _key(store_id, import_id))


async def save_check(
    tx: AsyncConnection,
    store_id: UUID,
    import_id: UUID,
    encoding: str,
    rows: Sequence[tuple[Judged, UUID]],
    now: datetime,
) -> None:
    """Writes every row with its verdict, in place of those of an earlier dry run; each with the id of the member it may be."""
    refused = sum(1 for judged, _ in rows if judged.problems)
    points = sum(judged.candidate.points for judged, _ in rows if judged.candidate)
    parameters = {"encoding": encoding, "total": len(rows), "refused": refused, "points": points, "now": now}
    await tx.execute(_DELETE_ROWS, _key(store_id, import_id))
    staged = [
        {
            "number": judged.row.number,
            "state": RowState.REFUSED if judged.problems else RowState.READY,
            "cells": judged.row.cells,
            "problems": _problems(judged.problems),
            "customer_id": customer_id,
        }
        for judged, customer_id in rows
    ]
    await tx.execute(_STAGE, {"rows": orjson.dumps(staged).decode()} | _key(store_id, import_id))
    await tx.execute(_CHECKED, parameters | _key(store_id, import_id))


async def start_run(tx: AsyncConnection, store_id: UUID, import_id: UUID, send: bool, now: datetime) -> None:
    """From here on the worker goes on with it."""
    await tx.execute(_RUNNING, {"send": send, "now": now} | _key(store_id, import_id))


async def rows_page(
    tx: AsyncConnection, store_id: UUID, import_id: UUID, page: PageRequest, problems_only: bool
) -> list[Staged]:
    """Rows in the order of the file, one more than the page holds. `page.after` is (number,)."""
    parameters = {"after": page.after[0] if page.after else 0, "most": page.size + 1}
    rows = await tx.execute(_BAD_ROWS if problems_only else _ALL_ROWS, parameters | _key(store_id, import_id))
    return [_staged(row) for row in rows]


async def ready_rows(tx: AsyncConnection, store_id: UUID, import_id: UUID, most: int) -> list[Staged]:
    """The next rows whose turn it is."""
    rows = await tx.execute(_READY_ROWS, {"after": 0, "most": most} | _key(store_id, import_id))
    return [_staged(row) for row in rows]


async def settle_rows(
    tx: AsyncConnection, store_id: UUID, import_id: UUID, rows: Sequence[tuple[int, RowState, Sequence[Problem]]]
) -> None:
    """Writes what became of rows, and counts them; a member's row loses its contents."""
    states = [{"number": n, "state": state, "problems": _problems(problems)} for n, state, problems in rows]
    imported = sum(state is RowState.IMPORTED for _, state, _ in rows)
    await tx.execute(_SETTLE, {"rows": orjson.dumps(states).decode()} | _key(store_id, import_id))
    await tx.execute(_PROGRESS, {"imported": imported, "failed": len(rows) - imported} | _key(store_id, import_id))


async def complete(tx: AsyncConnection, store_id: UUID, import_id: UUID, now: datetime) -> None:
    """Ends a run; the file is not needed any more."""
    await tx.execute(_DELETE_FILE, _key(store_id, import_id))
    await tx.execute(_COMPLETED, {"now": now} | _key(store_id, import_id))


async def held(tx: AsyncConnection, store_id: UUID, wanted: Iterable[Identifier]) -> Mapping[tuple[str, bytes], bool]:
    """Which identifiers somebody has or had, and whether a live member has them."""
    unique = list({(i.kind, i.digest) for i in wanted})
    parameters = {
        "store_id": store_id,
        "kinds": [kind for kind, _ in unique],
        "digests": [digest for _, digest in unique],
    }
    return {(row.kind, bytes(row.digest)): row.live for row in await tx.execute(_HELD, parameters)}


async def imports_under_way(tx: AsyncConnection, most: int) -> list[tuple[UUID, UUID]]:
    """(store, import) of runs that are not at their end, in all stores, the oldest first."""
    return [(row.store_id, row.import_id) for row in await tx.execute(_UNDER_WAY, {"most": most})]


async def old_imports(tx: AsyncConnection, before: datetime, most: int) -> list[tuple[UUID, UUID]]:
    """(store, import) whose files and rows have been kept long enough, in all stores."""
    return [(row.store_id, row.import_id) for row in await tx.execute(_OLD, {"before": before, "most": most})]


async def purge(tx: AsyncConnection, store_id: UUID, import_id: UUID, now: datetime) -> None:
    """Deletes file and rows; what is left names nobody but who imported. One that was never confirmed has expired."""
    for statement in (_DELETE_FILE, _DELETE_ROWS):
        await tx.execute(statement, _key(store_id, import_id))
    await tx.execute(_PURGED, {"now": now} | _key(store_id, import_id))


async def discard(tx: AsyncConnection, store_id: UUID, import_id: UUID, now: datetime) -> None:
    """Deletes file and rows of an import that nobody will confirm; the caller holds it."""
    for statement in (_DELETE_FILE, _DELETE_ROWS):
        await tx.execute(statement, _key(store_id, import_id))
    await tx.execute(_DISCARDED, {"now": now} | _key(store_id, import_id))


def _key(store_id: UUID, import_id: UUID) -> dict[str, Any]:
    return {"store_id": store_id, "import_id": import_id}


def _problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [asdict(problem) for problem in problems]


def _staged(row: Row[Any]) -> Staged:
    problems = [Problem(**each) for each in row.problems]
    return Staged(row.number, RowState(row.state), row.cells, problems, row.customer_id, row.name)


def _import(row: Row[Any] | None) -> Import | None:
    if row is None:
        return None
    counts = Counts(row.rows_total, row.rows_refused, row.rows_imported, row.rows_failed, row.points_total)
    return Import(
        import_id=row.import_id,
        state=ImportState(row.state),
        file_name=row.file_name,
        file_size=row.file_size,
        recognised=row.recognised,
        encoding=row.encoding,
        region=row.region,
        send_confirmations=row.send_confirmations,
        check_number=row.check_number,
        counts=counts,
        created_by=row.created_by,
        created_at=row.created_at,
        checked_at=row.checked_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
