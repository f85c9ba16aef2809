"""Takes a backup of a running server: every database to one point in time, while everybody goes on writing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from deploy.backup.manifest import KEYS, Manifest, digest_of, fingerprint
from deploy.backup.programs import BackupError, Server
from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS

_OPTIONS = (
    *("--format=tar", "--compress=client-gzip:1", "--wal-method=stream", "--checkpoint=fast"),
    *("--manifest-checksums=SHA256", "--label=onefold", "--no-password"),
)
# Of pg_basebackup: the files, the log that makes them one point, and the checksum of each file.
_FILES = ("base.tar.gz", "pg_wal.tar.gz", "backup_manifest")


def take(url: str, folder: Path, secrets: Mapping[str, str]) -> Manifest:
    """Backs the server up into a new folder; `url` is a login's that may replicate, `secrets` hold the keys whose fingerprints are kept.

    What is in the folder is whole: it has another name until then. Raises BackupError.
    """
    draft = folder.with_name(f"{folder.name}.draft")
    if folder.exists() or draft.exists():
        raise BackupError(f"{folder if folder.exists() else draft} exists already; nothing was overwritten")
    before, began_at = os.umask(0o077), _now()
    try:
        version, revisions = run_sync(_look(url))
        draft.mkdir(parents=True)
        Server(url).run("pg_basebackup", f"--pgdata={draft}", *_OPTIONS)
        manifest = _describe(draft, began_at, version, revisions, secrets)
        manifest.write(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    finally:
        os.umask(before)
    return manifest


def _describe(
    folder: Path, began_at: str, version: str, revisions: dict[str, list[str]], secrets: Mapping[str, str]
) -> Manifest:
    found = sorted(path.name for path in folder.iterdir())
    if found != sorted(_FILES):
        raise BackupError(f"the server has table spaces of its own, which is not provided for: {', '.join(found)}")
    [log] = json.loads((folder / "backup_manifest").read_text())["WAL-Ranges"]
    return Manifest(
        began_at=began_at,
        ended_at=_now(),
        server_version=version,
        from_position=log["Start-LSN"],
        to_position=log["End-LSN"],
        bytes=sum((folder / name).stat().st_size for name in _FILES),
        revisions=revisions,
        keys={name: fingerprint(secrets[name]) for name in KEYS if name in secrets},
        files={name: digest_of(folder / name) for name in _FILES},
    )


async def _look(url: str) -> tuple[str, dict[str, list[str]]]:
    """Version of the server, and how far each service's migrations are."""
    revisions = {}
    for context in CONTEXTS:
        connection = await _connect(url, context)
        try:
            version = str(await connection.fetchval("SHOW server_version"))
            rows = await connection.fetch("SELECT version_num FROM alembic_version ORDER BY 1")
            revisions[context] = [str(row[0]) for row in rows]
        except asyncpg.PostgresError as error:
            raise BackupError(f"database {context}: {error}") from error
        finally:
            await connection.close()
    return version, revisions


async def _connect(url: str, database: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, database=database, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise BackupError(f"database {database}: {type(error).__name__}: {error}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
