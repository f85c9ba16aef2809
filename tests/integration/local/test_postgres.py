"""The PostgreSQL of the local runner."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local.ports import choose
from deploy.local.postgres import Postgres
from deploy.local.process import wait_until
from deploy.local.provision import provision, run_sync, with_login
from deploy.local.state import CONTEXTS, DataFolder
from services.common.config import ConfigError, Environment
from services.common.provision import KINDS, command
from tests.support.ended import gone
from tests.support.stack import TestServers


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataFolder]:
    """A data folder inside one that nobody but us may enter, as pytest makes them."""
    folder = DataFolder(tmp_path / "data")
    folder.acquire()
    yield folder
    folder.release()
    folder.remove()


@pytest.fixture
def server(data: DataFolder) -> Iterator[Postgres]:
    """A server that runs."""
    server = Postgres(data, choose(["postgres"], {})["postgres"])
    server.start()
    yield server
    server.process.kill()


async def ask(url: str, question: str) -> object:
    """One value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_it_never_runs_as_root_and_its_files_are_closed_to_others(server: Postgres) -> None:
    assert psutil.Process(server.process.pid).uids().effective != 0
    assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700


async def test_a_folder_that_the_server_cannot_enter_stays_closed(server: Postgres, data: DataFolder) -> None:
    assert stat.S_IMODE(data.path.parent.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        assert not server.cluster.is_relative_to(data.path)
        assert str(server.cluster.parent) in server.notice
    else:
        assert server.cluster.is_relative_to(data.path)
        assert server.notice == ""


async def test_deleting_the_data_deletes_what_lies_outside_too(server: Postgres, data: DataFolder) -> None:
    server.stop()
    data.release()
    assert data.remove()
    assert not server.cluster.exists()


async def test_durability_is_on(server: Postgres) -> None:
    assert await ask(server.admin_url, "SELECT current_setting('fsync')") == "on"
    assert await ask(server.admin_url, "SELECT current_setting('synchronous_commit')") == "on"


async def test_a_wrong_password_is_refused(server: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(with_login(server.admin_url, "postgres", "guess", "postgres"))


async def test_it_listens_on_the_loopback_interface_only(server: Postgres) -> None:
    listening = [one for one in psutil.Process(server.process.pid).net_connections() if one.status == "LISTEN"]
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


async def test_chinese_letters_are_letters(server: Postgres) -> None:
    """(C2) Trigram search knows no Chinese when the server's locale is "C"."""
    await ask(server.admin_url, "CREATE EXTENSION pg_trgm")
    assert await ask(server.admin_url, "SELECT cardinality(show_trgm('陳大文'))") == 4


async def test_a_stopped_server_starts_again_with_its_data(server: Postgres, data: DataFolder) -> None:
    await ask(server.admin_url, "CREATE TABLE kept AS SELECT 7 AS value")
    server.stop()
    assert server.process.exit_code == 0
    again = Postgres(data, choose(["postgres"], {})["postgres"])
    again.start()
    assert await ask(again.admin_url, "SELECT value FROM kept") == 7
    again.stop()


async def test_a_killed_server_comes_back_on_its_port_with_what_was_committed(server: Postgres) -> None:
    await ask(server.admin_url, "CREATE TABLE kept AS SELECT 7 AS value")
    busy = await asyncpg.connect(server.admin_url)
    server.process.kill()
    server.start()
    assert await ask(server.admin_url, "SELECT value FROM kept") == 7
    with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
        await busy.fetchval("SELECT 1")


async def test_the_server_of_a_runner_that_is_gone_is_stopped_before_a_new_one_starts(
    server: Postgres, data: DataFolder
) -> None:
    old = psutil.Process(server.process.pid)
    new = Postgres(data, choose(["postgres"], {})["postgres"])
    new.start()
    assert wait_until(lambda: gone(old), 5)
    assert await ask(new.admin_url, "SELECT 1") == 1
    new.stop()


async def test_a_pid_file_that_names_some_other_process_harms_nobody(server: Postgres, data: DataFolder) -> None:
    server.process.kill()
    pid_file = server.cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    alarms: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: alarms.append(number))
    try:
        server.start()
    finally:
        signal.signal(signal.SIGINT, before)
    assert alarms == []
    assert await ask(server.admin_url, "SELECT 1") == 1


async def test_each_context_has_a_database_that_only_its_own_roles_may_enter(postgres_server: TestServers) -> None:
    for context in CONTEXTS:
        for kind in ("owner", "app", "worker"):
            password = postgres_server.data.secret(f"postgres_{context}_{kind}")
            url = with_login(postgres_server.admin_url, f"{context}_{kind}", password, context)
            assert await ask(url, "SELECT current_database()") == context
            stranger = next(other for other in CONTEXTS if other != context)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(url.removesuffix(context) + stranger)


async def test_roles_have_no_way_around_row_level_security(postgres_server: TestServers) -> None:
    """(S) Neither bypass nor superuser nor membership in the owner."""
    question = """
        SELECT count(*) FROM pg_roles WHERE rolname ~ '_(owner|app|worker)$'
        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)
    """
    assert await ask(postgres_server.admin_url, question) == 0
    member = "SELECT pg_has_role('orders_app', 'orders_owner', 'MEMBER') OR pg_has_role('orders_app', 'onefold_worker', 'MEMBER')"
    assert await ask(postgres_server.admin_url, member) is False


async def test_providing_roles_and_databases_twice_changes_nothing(postgres_server: TestServers) -> None:
    count = "SELECT count(*) FROM pg_database"
    before = await ask(postgres_server.admin_url, count)
    run_sync(provision(postgres_server.admin_url, postgres_server.data))
    assert await ask(postgres_server.admin_url, count) == before


async def test_an_administrator_who_is_no_superuser_provides_for_services_side_by_side(server: Postgres) -> None:
    """As on managed servers (H6): `main.py provision`, two at once, and again with other passwords."""
    await ask(server.admin_url, "CREATE ROLE keeper LOGIN CREATEROLE CREATEDB PASSWORD 'keeper'")
    keeper = with_login(server.admin_url, "keeper", "keeper", "postgres")
    for password in ("p'a:s/s", "another"):
        urls = {
            context: {kind: with_login(keeper, f"{context}_{kind}", password, f"{context}_db") for kind in KINDS}
            for context in CONTEXTS[:2]
        }
        given = [{f"ONEFOLD_{kind.upper()}_DATABASE_URL": url for kind, url in own.items()} for own in urls.values()]
        environments = [Environment(own | {"ONEFOLD_ADMIN_DATABASE_URL": keeper}) for own in given]
        await asyncio.gather(*(command(environment, asyncio.Event()) for environment in environments))
        for own in urls.values():
            assert [await ask(url, "SELECT 1") for url in own.values()] == [1, 1, 1]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(with_login(keeper, "orders_app", "another", "membership_db"))
    assert await ask(server.admin_url, "SELECT pg_has_role('orders_app', 'onefold_app', 'MEMBER')")


async def test_urls_that_do_not_belong_together_provide_nothing() -> None:
    urls = {f"ONEFOLD_{kind.upper()}_DATABASE_URL": f"postgresql://{kind}:x@nowhere/{kind}" for kind in KINDS}
    with pytest.raises(ConfigError, match="more than one database: app, owner, worker"):
        await command(Environment(urls), asyncio.Event())
    with pytest.raises(ConfigError, match="ONEFOLD_APP_DATABASE_URL is not postgresql://role:password@host/database"):
        await command(Environment(urls | {"ONEFOLD_APP_DATABASE_URL": "postgresql://nowhere/app"}), asyncio.Event())
