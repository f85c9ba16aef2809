"""Notes about customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import Note

_COLUMNS = "note_id, content, author, at, struck_by, struck_at, origin_customer_id"
_ADD = text(
    """INSERT INTO customer_notes (store_id, customer_id, note_id, content, author, at)
 VALUES (:store_id, :customer_id, :note_id, :content, :author, :at)"""
)
_STRIKE = text(
    f"""UPDATE customer_notes SET struck_by = COALESCE(struck_by, :actor), struck_at = COALESCE(struck_at, :now)
 WHERE store_id = :store_id AND customer_id = :customer_id AND note_id = :note_id RETURNING {_COLUMNS}"""
)
_PAGE = text(
    f"""SELECT {_COLUMNS} FROM customer_notes WHERE store_id = :store_id AND customer_id = :customer_id
  AND (CAST(:after AS uuid) IS NULL OR note_id < :after) ORDER BY note_id DESC LIMIT :most"""
)


async def add_note(tx: AsyncConnection, store_id: UUID, customer_id: UUID, note: Note) -> None:
    """Writes a new note."""
    values = {"note_id": note.note_id, "content": note.content, "author": note.author, "at": note.at}
    await tx.execute(_ADD, {"store_id": store_id, "customer_id": customer_id, **values})


async def strike_note(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, note_id: UUID, actor: str, now: datetime
) -> Note | None:
    """The note, struck by whoever did so first; None when there is no such note."""
    key = {"store_id": store_id, "customer_id": customer_id, "note_id": note_id}
    row = (await tx.execute(_STRIKE, {**key, "actor": actor, "now": now})).first()
    return _note(row) if row else None


async def notes_page(tx: AsyncConnection, store_id: UUID, customer_id: UUID, page: PageRequest) -> list[Note]:
    """Notes newest first, one more than the page holds. `page.after` is (note_id,)."""
    after = page.after[0] if page.after else None
    key = {"store_id": store_id, "customer_id": customer_id}
    return [_note(row) for row in await tx.execute(_PAGE, {**key, "after": after, "most": page.size + 1})]


def _note(row: Row[Any]) -> Note:
    struck_by = row.struck_by or ""
    return Note(row.note_id, row.content, row.author, row.at, struck_by, row.struck_at, row.origin_customer_id)
