"""The data folder of a local stack: who holds it, its secrets, and what a running stack tells other commands."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.local.process import ROOT

CONTEXTS = ("membership", "orders", "identity_merge", "notification")
_MARK = "onefold-data"


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why."""


def default_folder() -> Path:
    """ONEFOLD_DATA, or `.run` in the checkout."""
    return Path(os.environ.get("ONEFOLD_DATA") or ROOT / ".run").absolute()


def write_private(path: Path, value: Any) -> None:
    """Writes JSON readable by the owner only, whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file, indent=2)
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty when there is no file."""
    if not path.exists():
        return {}
    value = json.loads(path.read_text())
    if not isinstance(value, dict):
        raise DataFolderError(f"{path} holds no JSON object")
    return value


class DataFolder:
    """A folder that belongs to one stack; at most one runner holds it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets = threading.RLock()
        self._lock: IO[bytes] | None = None

    @property
    def state_file(self) -> Path:
        """Addresses and database URLs of the running stack (mode 600)."""
        return self.path / "stack.json"

    @property
    def logs(self) -> Path:
        """One file for each process."""
        return self.path / "log"

    def acquire(self) -> None:
        """Makes the folder if need be and takes hold of it. Raises DataFolderError when it is another's or in use."""
        if self.path.exists() and any(self.path.iterdir()) and not (self.path / _MARK).exists():
            raise DataFolderError(f"{self.path} holds something else; set ONEFOLD_DATA to an empty folder")
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / _MARK).touch()
        self.logs.mkdir(exist_ok=True)
        lock = (self.path / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DataFolderError(f"a stack runs from {self.path} already") from None
        self._lock = lock

    def release(self) -> None:
        """Lets go of the folder."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def in_use(self) -> bool:
        """Whether a runner holds the folder."""
        if not (self.path / "lock").exists():
            return False
        with (self.path / "lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def remove(self) -> bool:
        """Deletes the folder; False when there is none. Raises DataFolderError unless it is ours and idle."""
        if not self.path.exists():
            return False
        if not (self.path / _MARK).exists():
            raise DataFolderError(f"{self.path} is not a data folder of Onefold; nothing was deleted")
        if self.in_use():
            raise DataFolderError(f"a stack runs from {self.path}; stop it first")
        for outside in read_json(self.path / "outside.json").values():
            shutil.rmtree(outside, ignore_errors=True)
        shutil.rmtree(self.path)
        return True

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """A secret kept in the folder, made at random when first asked for."""
        with self._secrets:
            known = self.known_secret(name)
            if known is None:
                known = make()
                self.keep_secret(name, known)
            return known

    def keep_secret(self, name: str, value: str) -> None:
        """Keeps a secret that was made elsewhere."""
        with self._secrets:
            write_private(self.path / "secrets.json", read_json(self.path / "secrets.json") | {name: value})

    def known_secret(self, name: str) -> str | None:
        """A secret if it was kept."""
        value = read_json(self.path / "secrets.json").get(name)
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database, by the role that connects. `admin` is a superuser, for audits and benches only."""

    admin: str
    owner: str
    app: str
    worker: str


@dataclass(frozen=True, slots=True)
class RunningStack:
    """What a stack that runs tells other commands (`stack.json`)."""

    pid: int
    gateway_url: str
    mail_url: str
    payments_url: str
    social_url: str
    smtp_url: str
    nats_url: str
    nats_monitor_url: str
    postgres_url: str
    targets: dict[str, str]
    databases: dict[str, DatabaseUrls]
    processes: dict[str, int]
    # Where each process tells its metrics.
    metrics: dict[str, str]
    service_key: str
    data: Path

    @classmethod
    def load(cls, folder: Path | None = None) -> RunningStack:
        """The stack that runs from the folder (default: `default_folder()`). Raises DataFolderError when none does."""
        data = DataFolder(folder or default_folder())
        if not data.in_use() or not data.state_file.exists():
            raise DataFolderError(f"no stack runs from {data.path}; start one with `make up`")
        state = read_json(data.state_file)
        databases = {context: DatabaseUrls(**urls) for context, urls in state["databases"].items()}
        return cls(**{**state, "databases": databases, "data": data.path})
