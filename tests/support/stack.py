"""Real servers for tests: one PostgreSQL and one NATS for a whole run, a database of its own for whoever asks."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from deploy.local.nats import Nats
from deploy.local.ports import choose
from deploy.local.postgres import Postgres
from deploy.local.process import ROOT, Process, run_once
from deploy.local.provision import create_database, database_urls, provision, run_sync
from deploy.local.state import DatabaseUrls, DataFolder
from tests.support.emptying import Shape

TEST_FOLDER = ROOT / ".test"
# Test databases are thrown away, so they need not survive a power cut; a killed server they do survive.
_FAST = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "512MB"}


def session_folder(kind: str) -> Path:
    """A data folder for this test run; those of runs that are gone are deleted first."""
    TEST_FOLDER.mkdir(exist_ok=True)
    for old in TEST_FOLDER.glob("*-[0-9]*"):
        if not Path(f"/proc/{old.name.rpartition('-')[2]}").exists() and not DataFolder(old).in_use():
            shutil.rmtree(old, ignore_errors=True)
    return TEST_FOLDER / f"{kind}-{os.getpid()}"


@dataclass
class TestServers:
    """A provisioned PostgreSQL server and the folder with its passwords."""

    __test__ = False

    admin_url: str
    data: DataFolder
    _templates: dict[str, str] = field(default_factory=dict)
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _lent: dict[str, str] = field(default_factory=dict)
    _empty: dict[str, list[DatabaseUrls]] = field(default_factory=dict)

    def borrow(self, context: str) -> DatabaseUrls:
        """A database as `fresh_database` gives it: one that was given back, or a new one."""
        if empty := self._empty.setdefault(context, []):
            urls = empty.pop()
        else:
            urls = self.fresh_database(context)
            if context not in self._shapes:
                self._shapes[context] = run_sync(Shape.of(urls.admin))
        self._lent[urls.admin] = context
        return urls

    def give_back(self, urls: DatabaseUrls) -> None:
        """Empties a borrowed database for the next one; drops it when it is no longer what it was."""
        context = self._lent.pop(urls.admin)
        if run_sync(self._shapes[context].restore(urls.admin)):
            self._empty[context].append(urls)
        else:
            self.drop(urls)

    def fresh_database(self, context: str) -> DatabaseUrls:
        """A new database at the newest revision of the context's migrations, copied from one that was migrated once."""
        if context not in self._templates:
            name = f"{context}_template"
            run_sync(self._create(name, context))
            run_once(self._migration(context, database_urls(self.admin_url, self.data, context, name)))
            self._templates[context] = name
        return self.empty_database(context, self._templates[context])

    def empty_database(self, context: str, template: str = "") -> DatabaseUrls:
        """A new database without a table, or with what the template has."""
        name = f"{context}_{secrets.token_hex(4)}"
        run_sync(self._create(name, context, template))
        return database_urls(self.admin_url, self.data, context, name)

    def drop(self, urls: DatabaseUrls) -> None:
        """Deletes a database, sessions and all."""
        run_sync(self._execute(f"DROP DATABASE {urls.admin.rpartition('/')[2]} WITH (FORCE)"))

    async def _create(self, name: str, context: str, template: str = "") -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await create_database(connection, name, context, template)
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _migration(self, context: str, urls: DatabaseUrls) -> Process:
        return Process(
            name=f"{context}-migrate",
            argv=[sys.executable, "-m", f"services.{context}.main", "migrate"],
            log=self.data.logs / f"{context}-migrate.log",
            environment={"ONEFOLD_DATABASE_URL": urls.owner},
        )


@contextmanager
def postgres_servers() -> Iterator[TestServers]:
    """The server named by ONEFOLD_TEST_POSTGRES_URL (a superuser's), or one of our own."""
    data = DataFolder(session_folder("postgres"))
    data.acquire()
    own = None
    try:
        admin_url = os.environ.get("ONEFOLD_TEST_POSTGRES_URL", "")
        if not admin_url:
            own = Postgres(data, choose(["postgres"], {})["postgres"], _FAST)
            own.start()
            admin_url = own.admin_url
        run_sync(provision(admin_url, data))
        yield TestServers(admin_url, data)
    finally:
        if own:
            own.stop()
        data.release()
        data.remove()


@contextmanager
def nats_servers() -> Iterator[Nats]:
    """A nats-server of our own."""
    data = DataFolder(session_folder("nats"))
    data.acquire()
    ports = choose(["nats", "nats_monitor"], {})
    server = Nats(data, ports["nats"], ports["nats_monitor"])
    try:
        server.start()
        yield server
    finally:
        server.stop()
        data.release()
        data.remove()
