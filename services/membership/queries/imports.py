"""Reads of imports (D)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain.imports import (
    Encoding,
    Import,
    ImportState,
    Problem,
    Staged,
    preview,
    read_encoding,
    read_rows,
    sample_file,
)
from services.membership.queries.tokens import token_id


@dataclass(frozen=True, slots=True)
class Preview:
    """A file as one encoding reads it: its first lines, and what is wrong with it as a whole."""

    found: Import
    encoding: Encoding
    lines: Sequence[Sequence[str]]
    problems: Sequence[Problem]


def get_sample_file(claims: ServiceClaims) -> bytes:
    """The sample file, with phones and streets of the store's region (D1)."""
    return sample_file(claims.region, clock.now().astimezone(ZoneInfo(claims.timezone)).date())


async def preview_import(database: Database, claims: ServiceClaims, import_id: UUID, encoding: str) -> Preview:
    """What the file looks like, before anything is judged (D5); "" asks for the guessed encoding.

    Raises NotFound, StateConflict (import_expired, import_discarded: the file is not kept any more), InvalidInput.
    """
    async with database.transaction(claims.store) as tx:
        found = await _load(tx, claims.store, import_id)
        data = await store.load_file(tx, claims.store, import_id)
    if not data:
        raise StateConflict("import_discarded" if found.state is ImportState.DISCARDED else "import_expired")
    chosen = read_encoding(encoding or found.encoding or found.recognised)
    lines, problems = await asyncio.to_thread(_look, data, chosen)
    return Preview(found, chosen, lines, problems)


async def get_import(database: Database, claims: ServiceClaims, import_id: UUID) -> Import:
    """One import as it stands. Raises NotFound (import_not_found)."""
    async with database.transaction(claims.store) as tx:
        return await _load(tx, claims.store, import_id)


async def list_imports(database: Database, claims: ServiceClaims, size: int, token: str) -> Page[Import]:
    """Imports with a whole file, newest first. Raises InvalidInput."""
    page = PageRequest.read(size, token, keys=1)
    if page.after:
        page = PageRequest(page.size, (token_id(page.after[0]),))
    async with database.transaction(claims.store) as tx:
        found = await store.imports_page(tx, claims.store, page)
    return page.cut(found, lambda each: (str(each.import_id),))


async def list_import_rows(
    database: Database, claims: ServiceClaims, size: int, token: str, import_id: UUID, problems_only: bool
) -> Page[Staged]:
    """Rows in the order of the file (D3). Raises NotFound, InvalidInput."""
    page = PageRequest.read(size, token, keys=1)
    if page.after and not isinstance(page.after[0], int):
        raise InvalidInput.of("page.token", "invalid_page_token")
    async with database.transaction(claims.store) as tx:
        await _load(tx, claims.store, import_id)
        rows = await store.rows_page(tx, claims.store, import_id, page, problems_only)
    return page.cut(rows, lambda row: (row.number,))


def _look(data: bytes, encoding: Encoding) -> tuple[list[list[str]], Sequence[Problem]]:
    try:
        read_rows(data, encoding)
    except InvalidInput as error:
        return preview(data, encoding), error.violations
    return preview(data, encoding), ()


async def _load(tx: AsyncConnection, store_id: UUID, import_id: UUID) -> Import:
    found = await store.load_import(tx, store_id, import_id)
    if found is None:
        raise NotFound("import_not_found", import_id=str(import_id))
    return found
