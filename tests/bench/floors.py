"""What the machine itself can do: the services' own SQL run by pgbench, without any of our processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.postgres import installation
from deploy.local.process import Process, run_once
from deploy.local.provision import create_database, database_urls, run_sync
from deploy.local.state import DataFolder, RunningStack
from tests.bench.job import percentiles


class FloorFailed(Exception):
    """pgbench failed; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Floor:
    """Transactions per second, and milliseconds of each, of one script."""

    per_second: float
    latency: dict[str, float]


@contextmanager
def scratch_database(running: RunningStack, context: str) -> Iterator[str]:
    """The app role's URL of a new, migrated database of the context in the stack's own server; dropped at the end."""
    data, name = DataFolder(running.data), f"bench_{context}"
    urls = database_urls(running.postgres_url, data, context, name)
    run_sync(_recreate(running.postgres_url, name, context))
    command = [sys.executable, "-m", f"services.{context}.main", "migrate"]
    log = data.logs / f"{name}-migrate.log"
    try:
        run_once(Process(f"{name}-migrate", command, log, environment={"ONEFOLD_DATABASE_URL": urls.owner}))
        yield urls.app
    finally:
        run_sync(_execute(running.postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def _recreate(admin_url: str, name: str, context: str) -> None:
    await _execute(admin_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    connection = await asyncpg.connect(admin_url)
    try:
        await create_database(connection, name, context)
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def pgbench(url: str, script: str, clients: int, seconds: float) -> Floor:
    """Runs the script by so many clients for so long, statements prepared. Raises FloorFailed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        options = ["--no-vacuum", "--protocol=prepared", "--log", f"--file={file}"]
        options += [f"--client={clients}", "--jobs=1", f"--time={max(1, round(seconds))}"]
        done = subprocess.run(
            [str(installation() / "bin" / "pgbench"), *options, url],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise FloorFailed(done.stderr[-2_000:])
        return _read(_log_lines(Path(folder)), seconds)


def _log_lines(folder: Path) -> Iterator[Sequence[str]]:
    for file in folder.glob("pgbench_log.*"):
        for line in file.read_text().splitlines():
            yield line.split()


def _read(lines: Iterator[Sequence[str]], seconds: float) -> Floor:
    """pgbench's log: client, transaction, microseconds, script, epoch seconds, microseconds."""
    latencies = [int(fields[2]) / 1e3 for fields in lines]
    return Floor(len(latencies) / max(1, round(seconds)), percentiles(latencies))
