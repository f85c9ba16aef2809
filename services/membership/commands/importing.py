"""A CSV file on its way in: upload, encoding, dry run, confirmation (D). The real run is the worker's (import_running.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.contact import clean_text
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain.imports import (
    LARGEST_FILE,
    LARGEST_PART,
    Encoding,
    Import,
    ImportState,
    Judged,
    Rules,
    check_kind,
    judge,
    judge_held,
    read_encoding,
    read_rows,
    recognise,
)

LONGEST_FILE_NAME = 200
# How long files and rows are kept; what is confirmed must be confirmed within it.
KEPT = timedelta(days=7)
_PURGED_AT_ONCE = 100
_WITHOUT_FILE = (ImportState.COMPLETED, ImportState.EXPIRED, ImportState.DISCARDED)
log = structlog.get_logger()


async def start_import(
    context: Context, claims: ServiceClaims, once: Once[UUID], file_name: str, file_size: int
) -> UUID:
    """Makes room for a file of `file_size` bytes (0: not known). Raises InvalidInput (file_too_large, too_long), Replayed."""
    _check_size(file_size)
    name = clean_text(file_name, "file_name", LONGEST_FILE_NAME)
    import_id = new_id()
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.insert_import(tx, claims.store, import_id, name, claims.region, claims.actor, clock.now())
        return await once.finish(tx, import_id)


async def append_file(context: Context, claims: ServiceClaims, import_id: UUID, offset: int, content: bytes) -> int:
    """Adds the piece at `offset`; how many bytes have come in. A piece that is there already is left alone.

    Raises InvalidInput (file_too_large, part_too_large, part_missing), NotFound, StateConflict (upload_finished),
    Conflict (idempotency_key_reused: other bytes were sent for the same place).
    """
    if not 0 < len(content) <= LARGEST_PART:
        raise InvalidInput.of("content", "part_too_large", largest=str(LARGEST_PART))
    _check_size(offset + len(content))
    async with context.database.transaction(claims.store) as tx:
        found = await _load(tx, claims.store, import_id, lock=True)
        if offset < found.file_size:
            kept = await store.part_at(tx, claims.store, import_id, offset)
            # A file that has served its purpose is gone; then a repeat is believed.
            gone = kept is None and found.state in _WITHOUT_FILE
            if kept != content and not gone:
                raise Conflict("idempotency_key_reused", "the upload was begun with another file")
            return found.file_size
        if found.state is not ImportState.UPLOADING:
            raise StateConflict("upload_finished")
        if offset > found.file_size:
            raise InvalidInput.of("offset", "part_missing", received=str(found.file_size))
        await store.add_part(tx, claims.store, import_id, offset, content)
        return offset + len(content)


async def finish_upload(context: Context, claims: ServiceClaims, import_id: UUID) -> Import:
    """Ends the upload and guesses the encoding (D5). Once ended it stays so, and the answer the same.

    Raises NotFound, InvalidInput (empty_file, spreadsheet_file, packed_file, not_a_csv).
    """
    async with context.database.transaction(claims.store) as tx:
        found = await _load(tx, claims.store, import_id)
        data = await store.load_file(tx, claims.store, import_id)
    if found.state is not ImportState.UPLOADING:
        return found
    check_kind(data)
    encoding = await asyncio.to_thread(recognise, data, found.region)
    async with context.database.transaction(claims.store) as tx:
        found = await _load(tx, claims.store, import_id, lock=True)
        if found.state is ImportState.UPLOADING:
            await store.save_upload(tx, claims.store, import_id, encoding)
        return await _load(tx, claims.store, import_id)


async def check_import(
    context: Context, claims: ServiceClaims, once: Once[Import], import_id: UUID, encoding: str
) -> Import:
    """The dry run (D4): judges every row as the real run will, and makes nobody a member. May be repeated until confirmed.

    Raises NotFound, StateConflict (upload_unfinished, import_confirmed, import_expired, import_discarded),
    InvalidInput on `file` or `encoding`, Conflict, Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
        found = await _load(tx, claims.store, import_id)
        _check_open(found)
        data = await store.load_file(tx, claims.store, import_id)
        settings = replace(await store.load_settings(tx, claims.store), region=found.region)
    chosen = read_encoding(encoding or found.recognised)
    rules = Rules(context.hasher, settings, clock.now())
    judged = await asyncio.to_thread(_judge, data, chosen, rules)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        _check_open(await _load(tx, claims.store, import_id, lock=True))
        held = await store.held(tx, claims.store, [i for each in judged for i in each.identifiers])
        rows = [(judge_held(each, held), new_id()) for each in judged]
        await store.save_check(tx, claims.store, import_id, chosen, rows, rules.now)
        return await once.finish(tx, await _load(tx, claims.store, import_id))


async def confirm_import(
    context: Context,
    claims: ServiceClaims,
    once: Once[Import],
    import_id: UUID,
    check_number: int,
    send_confirmations: bool,
) -> Import:
    """Starts the real run of the dry run that was seen.

    Raises NotFound, StateConflict (import_not_checked, import_confirmed, import_expired, import_discarded,
    nothing_to_import), Conflict (stale_check: somebody has checked it anew), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        found = await _load(tx, claims.store, import_id, lock=True)
        _check_open(found)
        if found.state is not ImportState.CHECKED:
            raise StateConflict("import_not_checked")
        if found.check_number != check_number:
            raise Conflict("stale_check", check_number=str(found.check_number))
        if found.counts.refused == found.counts.total:
            raise StateConflict("nothing_to_import")
        await store.start_run(tx, claims.store, import_id, send_confirmations, clock.now())
        rows = audit.change("rows", "", found.counts.total - found.counts.refused)
        mails = audit.change("send_confirmations", "", send_confirmations)
        noted = events.noted(claims.actor, "import.confirmed", "import", import_id, [rows, mails])
        await outbox.add(tx, claims.store, [noted])
        started = await once.finish(tx, await _load(tx, claims.store, import_id))
    context.wake()
    return started


async def discard_import(context: Context, claims: ServiceClaims, once: Once[Import], import_id: UUID) -> Import:
    """Lets go of a file that nobody has confirmed: bytes and rows go at once, the record stays. Repeating it changes nothing.

    Raises NotFound, StateConflict (import_confirmed, import_expired), Conflict, Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        found = await _load(tx, claims.store, import_id, lock=True)
        if found.state not in (ImportState.UPLOADING, ImportState.DISCARDED):
            _check_open(found)
        if found.state is not ImportState.DISCARDED:
            await store.discard(tx, claims.store, import_id, clock.now())
        return await once.finish(tx, await _load(tx, claims.store, import_id))


async def purge_imports(context: Context) -> None:
    """Deletes files and rows that have been kept long enough, in every store."""
    before = clock.now() - KEPT
    while True:
        async with context.database.across_stores() as tx:
            old = await store.old_imports(tx, before, _PURGED_AT_ONCE)
        for store_id, import_id in old:
            async with context.database.transaction(store_id) as tx:
                await store.purge(tx, store_id, import_id, clock.now())
        if len(old) < _PURGED_AT_ONCE:
            return


def _judge(data: bytes, encoding: Encoding, rules: Rules) -> Sequence[Judged]:
    return judge(read_rows(data, encoding), rules)


def _check_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise InvalidInput.of("file", "file_too_large", largest=str(LARGEST_FILE // 1024 // 1024))


def _check_open(found: Import) -> None:
    """Whether it can still be checked or confirmed. Raises StateConflict."""
    if found.state is ImportState.UPLOADING:
        raise StateConflict("upload_unfinished")
    if found.state is ImportState.EXPIRED:
        raise StateConflict("import_expired")
    if found.state is ImportState.DISCARDED:
        raise StateConflict("import_discarded")
    if found.state not in (ImportState.UPLOADED, ImportState.CHECKED):
        raise StateConflict("import_confirmed")


async def _load(tx: AsyncConnection, store_id: UUID, import_id: UUID, *, lock: bool = False) -> Import:
    found = await store.load_import(tx, store_id, import_id, lock=lock)
    if found is None:
        raise NotFound("import_not_found", import_id=str(import_id))
    return found
