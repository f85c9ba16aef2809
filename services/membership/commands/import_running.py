"""The real run of an import: rows become members in batches, each batch whole or not at all, whoever dies on the way (D4)."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, outbox
from services.common.contact import Address
from services.common.database import is_transient
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import Ledger, Reason, StoreSettings, search_text
from services.membership.domain.imports import (
    Candidate,
    Import,
    Judged,
    Problem,
    Row,
    RowState,
    Rules,
    Staged,
    judge_held,
    judge_row,
)

# A batch is what is lost when a process dies, and what a person sees the count rise by.
BATCH = 50
_RUNS_AT_ONCE = 20
_UNKNOWN_DEFECT = Problem("", "internal")
log = structlog.get_logger()


class _LostError(Exception):
    """Somebody was faster with an identifier: what this transaction wrote must not stay."""


async def run_imports(context: Context) -> None:
    """Goes on with every run that is not at its end, in every store, the oldest first. Any number of workers may do so at once."""
    async with context.database.across_stores() as tx:
        runs = await store.imports_under_way(tx, _RUNS_AT_ONCE)
    for store_id, import_id in runs:
        while await _go_on(context, store_id, import_id):
            crash.point("membership.import.after_commit")
            context.wake()


async def _go_on(context: Context, store_id: UUID, import_id: UUID) -> bool:
    """The next batch; False at the end, or when another worker has the import.

    A row that fails by a defect of ours must not hold up the others, nor the worker: then rows go one by one.
    """
    try:
        return await _batch(context, store_id, import_id, BATCH)
    except _LostError:
        return True  # the next try sees whose the identifier is
    except Exception as error:
        if is_transient(error):
            raise
        _log_defect("import_batch_failed", error)
    try:
        return await _batch(context, store_id, import_id, 1)
    except _LostError:
        return True
    except Exception as error:
        if is_transient(error):
            raise
        _log_defect("import_row_failed", error)
    return await _give_up_row(context, store_id, import_id)


async def _batch(context: Context, store_id: UUID, import_id: UUID, most: int) -> bool:
    async with context.database.transaction(store_id) as tx:
        found = await store.take_running(tx, store_id, import_id)
        if found is None:
            return False
        rows = await store.ready_rows(tx, store_id, import_id, most)
        now = clock.now()
        if not rows:
            await store.complete(tx, store_id, import_id, now)
            return False
        settings = replace(await store.load_settings(tx, store_id), region=found.region)
        judged = await _judge(tx, store_id, rows, Rules(context.hasher, settings, now))
        members = [
            _member(each.candidate, row.customer_id, found, settings, now)
            for row, each in zip(rows, judged, strict=True)
            if each.candidate
        ]
        await _enrol(tx, store_id, members, found, now)
        states = [
            (each.row.number, RowState.FAILED if each.problems else RowState.IMPORTED, each.problems) for each in judged
        ]
        await store.settle_rows(tx, store_id, import_id, states)
        crash.point("membership.import.before_commit")
    return True


async def _judge(tx: AsyncConnection, store_id: UUID, rows: Sequence[Staged], rules: Rules) -> list[Judged]:
    """The verdicts of the dry run, with the members of now. Twins within the file are none of the good rows."""
    judged = [judge_row(Row(row.number, tuple(row.cells)), rules) for row in rows]
    held = await store.held(tx, store_id, [i for each in judged for i in each.identifiers])
    return [judge_held(each, held) for each in judged]


async def _enrol(
    tx: AsyncConnection, store_id: UUID, members: Sequence[store.NewMember], run: Import, now: datetime
) -> None:
    """As any other member is enrolled: all identifiers or nobody (T, U). Raises _LostError."""
    if not members:
        return
    if not await store.win_identifiers(tx, store_id, members):
        raise _LostError
    await store.write_members(tx, store_id, members, run.created_by, now)
    told = [events.member_imported(m.customer_id, m.candidate, now, run.send_confirmations) for m in members]
    told += [events.points_posted(m.ledger, Reason.AWARDED, m.version) for m in members if m.ledger.entries]
    await outbox.add(tx, store_id, told)


def _member(
    candidate: Candidate, customer_id: UUID, run: Import, settings: StoreSettings, now: datetime
) -> store.NewMember:
    contact = candidate.contact
    address = Address()
    if candidate.address:
        address = Address(contact.name, contact.phone, candidate.address, country=settings.region)
    ledger = Ledger(customer_id, [], now, run.created_by)
    if candidate.points:
        ledger.award(candidate.points, candidate.expires_at, "")
    search = search_text(contact.name, contact.phone, contact.email)
    return store.NewMember(customer_id, candidate, address, search, ledger)


async def _give_up_row(context: Context, store_id: UUID, import_id: UUID) -> bool:
    async with context.database.transaction(store_id) as tx:
        if await store.take_running(tx, store_id, import_id):
            for row in await store.ready_rows(tx, store_id, import_id, 1):
                failed = (row.number, RowState.FAILED, [_UNKNOWN_DEFECT])
                await store.settle_rows(tx, store_id, import_id, [failed])
    return True


def _log_defect(what: str, error: Exception) -> None:
    """Where it happened, without its words: a database's error may repeat the row."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
    log.error(what, error=type(error).__name__, places=places)
