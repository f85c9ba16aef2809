"""Which databases need `migrate` at this start: Alembic takes a second of CPU for each to say "nothing to do"."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import asyncpg

from deploy.local.process import ROOT
from deploy.local.provision import run_sync
from deploy.local.state import DatabaseUrls, DataFolder, read_json, write_private


class Migrations:
    """Remembers, for each context, the revision that its migrations led to. The database has the last word."""

    def __init__(self, data: DataFolder, databases: Mapping[str, DatabaseUrls]) -> None:
        self._file = data.path / "migrated.json"
        self._databases = databases

    def pending(self) -> list[str]:
        """The contexts whose migrations changed, or whose database is not where they led to."""
        known, now = read_json(self._file), self._state()
        return [context for context in self._databases if known.get(context) != now[context]]

    def note(self) -> None:
        """All contexts are migrated."""
        write_private(self._file, self._state())

    def _state(self) -> dict[str, Any]:
        revisions = run_sync(self._revisions())
        return {context: [_digest(context), revisions[context]] for context in self._databases}

    async def _revisions(self) -> dict[str, list[str]]:
        found = await asyncio.gather(*(_revision(urls.admin) for urls in self._databases.values()))
        return dict(zip(self._databases, found, strict=True))


async def _revision(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT to_regclass('alembic_version')"):
            return []
        return [row[0] for row in await connection.fetch("SELECT version_num FROM alembic_version ORDER BY 1")]
    finally:
        await connection.close()


def _digest(context: str) -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "services" / context / "migrations").rglob("*.[ps][yq]*")):  # .py and .sql
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
