"""PostgreSQL's own programs, run against a server or a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.local.postgres import installation
from deploy.local.process import ProcessError


class BackupError(Exception):
    """A backup cannot be taken, is not whole, or cannot be restored there; the message says why."""


def program(name: str) -> str:
    """In ONEFOLD_POSTGRES_BIN if set, else the environment's own, else the machine's. Raises BackupError."""
    if folder := os.environ.get("ONEFOLD_POSTGRES_BIN"):
        return str(Path(folder) / name)
    try:
        return str(installation() / "bin" / name)
    except ProcessError:
        if found := shutil.which(name):
            return found
    raise BackupError(f"{name} is not installed; ONEFOLD_POSTGRES_BIN names the folder of PostgreSQL's programs")


@dataclass(frozen=True, slots=True)
class Server:
    """A server by the URL of a login that may replicate, such as a superuser's."""

    url: str

    def command(self, name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """The program with its connection, and its environment: a password in the arguments could be read by everybody here."""
        parts = urlsplit(self.url)
        login, _, host = parts.netloc.rpartition("@")
        user, _, password = login.partition(":")
        address = parts._replace(netloc=f"{user}@{host}", path="").geturl()
        return [program(name), f"--dbname={address}", *arguments], {**os.environ, "PGPASSWORD": unquote(password)}

    def run(self, name: str, *arguments: str) -> None:
        """Runs it to its end. Raises BackupError with what it said."""
        argv, environment = self.command(name, *arguments)
        run(argv, environment)


def run(argv: list[str], environment: dict[str, str] | None = None) -> str:
    """What it printed. Raises BackupError with what it said."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, env=environment)
    except OSError as error:
        raise BackupError(f"{argv[0]}: {error.strerror}") from error
    if done.returncode:
        raise BackupError(f"{Path(argv[0]).name}: {(done.stderr or done.stdout).strip()[-2_000:]}")
    return done.stdout
