"""`python -m deploy.backup take | log | verify | restore | cut` (README.md beside this file says when)."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from deploy.audit.__main__ import database_urls
from deploy.backup import cut, restoring
from deploy.backup.manifest import Manifest
from deploy.backup.programs import BackupError, Server
from deploy.backup.taking import take
from deploy.local.process import ProcessError
from deploy.local.state import DataFolderError, RunningStack, default_folder, read_json

SLOT = "onefold_backup"


def main() -> int:
    """Exit status: 0 done, 1 it cannot be done or something is wrong, with the reason."""
    options = _options()
    try:
        return int(options.run(options))
    except (BackupError, DataFolderError, ProcessError) as error:
        sys.stderr.write(f"backup: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _take(options: argparse.Namespace) -> int:
    began = time.monotonic()
    url, secrets = _server()
    folder = options.into or default_folder().parent / ".backup" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    manifest = take(url, folder, secrets)
    print(f"{folder}: {_words(manifest)}, taken in {time.monotonic() - began:.1f} s")
    return 0


def _log(options: argparse.Namespace) -> NoReturn:
    """Runs until it is stopped. The slot keeps the server from throwing away what has not been fetched."""
    server = Server(_server()[0])
    options.into.mkdir(mode=0o700, parents=True, exist_ok=True)
    server.run("pg_receivewal", f"--slot={SLOT}", "--create-slot", "--if-not-exists", "--no-password")
    receive = (f"--directory={options.into}", f"--slot={SLOT}", "--synchronous", "--no-password")
    argv, environment = server.command("pg_receivewal", *receive)
    os.umask(0o077)
    os.execve(argv[0], argv, environment)


def _verify(options: argparse.Namespace) -> int:
    print(f"{options.backup}: {_words(restoring.verify(options.backup))}, whole")
    return 0


def _restore(options: argparse.Namespace) -> int:
    began = time.monotonic()
    if options.cluster:
        options.cluster.mkdir(mode=0o700, parents=True, exist_ok=True)
        manifest = restoring.unpack(options.backup, options.cluster, options.log, options.until)
    else:
        secrets = options.secrets or default_folder() / "secrets.json"
        manifest = restoring.restore_stack(options.backup, options.data.absolute(), secrets, options.log, options.until)
    target = options.cluster or options.data
    print(f"{target}: {_words(manifest)}, restored in {time.monotonic() - began:.1f} s.")
    print("Start it with an empty broker, then run deploy.reconcile and deploy.audit (deploy/backup/README.md).")
    return 0


def _cut(options: argparse.Namespace) -> int:
    del options
    found = asyncio.run(cut.ahead(database_urls()))
    for one in found:
        print(
            f"{one.reader} knows of {one.count:,} {one.what} that {one.sender} does not: restore {one.reader} to before"
            f" {one.since.isoformat()}"
        )
    if not found:
        print("the databases make one state")
    return 1 if found else 0


def _server() -> tuple[str, dict[str, str]]:
    """URL of ONEFOLD_POSTGRES_URL, else the running stack's with its secrets. Raises DataFolderError."""
    if url := os.environ.get("ONEFOLD_POSTGRES_URL"):
        return url, {}
    running = RunningStack.load()
    return running.postgres_url, {name: str(key) for name, key in read_json(running.data / "secrets.json").items()}


def _words(manifest: Manifest) -> str:
    return f"PostgreSQL {manifest.server_version}, {manifest.bytes / 1e6:,.1f} MB, to {manifest.to_position} of {manifest.ended_at}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.backup", description="Backup and restore of all databases.")
    commands = parser.add_subparsers(dest="command", required=True)
    taking = commands.add_parser("take", help="back the server up while it is at work")
    taking.add_argument("--into", type=Path, metavar="FOLDER", help="a new folder (default: .backup/<time>)")
    taking.set_defaults(run=_take)
    log = commands.add_parser(
        "log", help="keep the server's log as it is written, for a restore to any time; runs until stopped"
    )
    log.add_argument("--into", type=Path, required=True, metavar="FOLDER")
    log.set_defaults(run=_log)
    checking = commands.add_parser("verify", help="unpack a backup and check every file")
    checking.add_argument("backup", type=Path)
    checking.set_defaults(run=_verify)
    _restore_options(commands.add_parser("restore", help="make a data folder of a backup"))
    comparing = commands.add_parser("cut", help="do databases that were restored one by one make one state?")
    comparing.set_defaults(run=_cut)
    return parser.parse_args()


def _restore_options(restore: argparse.ArgumentParser) -> None:
    restore.add_argument("backup", type=Path)
    target = restore.add_mutually_exclusive_group(required=True)
    target.add_argument("--data", type=Path, metavar="FOLDER", help="a data folder for `make up`, empty or new")
    target.add_argument("--cluster", type=Path, metavar="FOLDER", help="a PostgreSQL server's own folder, empty or new")
    restore.add_argument(
        "--secrets", type=Path, metavar="FILE", help="secrets.json of the data (default: of `make up`)"
    )
    restore.add_argument("--log", type=Path, metavar="FOLDER", help="go on by the log that `log` has kept")
    restore.add_argument(
        "--until", type=_time, metavar="TIME", help="… up to this time, such as 2026-11-30T23:15:00+08:00"
    )
    restore.set_defaults(run=_restore)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("a time with its zone, such as 2026-11-30T23:15:00+08:00")
    return found


if __name__ == "__main__":
    sys.exit(main())
