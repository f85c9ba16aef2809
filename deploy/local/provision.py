"""Roles and databases on a PostgreSQL server, as every deployment needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import asyncpg

from deploy.local.process import ProcessError
from deploy.local.state import CONTEXTS, DatabaseUrls, DataFolder

GROUPS = ("onefold_app", "onefold_worker")
_T = TypeVar("_T")


def run_sync(work: Coroutine[Any, Any, _T]) -> _T:
    """Runs a coroutine to its end, also where an event loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


def with_login(url: str, role: str, password: str, database: str) -> str:
    """The server of `url`, another login and database; the query (such as sslmode) stays."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{host}", path=f"/{database}").geturl()


def database_urls(admin_url: str, data: DataFolder, context: str, database: str = "") -> DatabaseUrls:
    """The URLs of a context's database by role; `database` is the context's name unless told otherwise."""
    name = database or context
    passwords = {kind: data.secret(f"postgres_{context}_{kind}") for kind in ("owner", "app", "worker")}
    logins = {kind: with_login(admin_url, f"{context}_{kind}", word, name) for kind, word in passwords.items()}
    return DatabaseUrls(admin=urlsplit(admin_url)._replace(path=f"/{name}").geturl(), **logins)


async def provision(admin_url: str, data: DataFolder) -> None:
    """Makes group roles, login roles and databases, or brings their passwords and rights up to date.

    Raises ProcessError when the server cannot be reached or refuses.
    """
    try:
        connection = await asyncpg.connect(admin_url)
        try:
            await _provision(connection, data)
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        server = urlsplit(admin_url).netloc.rpartition("@")[2]
        raise ProcessError(f"PostgreSQL at {server}: {type(error).__name__}: {error}") from error


async def _provision(connection: asyncpg.Connection, data: DataFolder) -> None:
    for group in GROUPS:
        await _role(connection, group, "NOLOGIN")
    for context in CONTEXTS:
        await _login_roles(connection, data, context)
        await create_database(connection, context, context)


async def _login_roles(connection: asyncpg.Connection, data: DataFolder, context: str) -> None:
    for kind in ("owner", "app", "worker"):
        password = data.secret(f"postgres_{context}_{kind}")
        literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
        await _role(connection, f"{context}_{kind}", f"LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {literal}")
    await connection.execute(f"GRANT onefold_app TO {context}_app; GRANT onefold_worker TO {context}_worker")


async def _role(connection: asyncpg.Connection, name: str, attributes: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    await connection.execute(f"{'ALTER' if exists else 'CREATE'} ROLE {name} {attributes}")


async def create_database(connection: asyncpg.Connection, name: str, context: str, template: str = "") -> None:
    """A database for a context, unless it exists; only the context's own three roles may connect.

    A copy of `template` is made file by file: through the log, which is what PostgreSQL does unasked, it takes ten times as long.
    """
    # A server that is not a superuser's (managed PostgreSQL) lets one give away only to roles one belongs to.
    await connection.execute(f"GRANT {context}_owner TO CURRENT_USER")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        source = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        await connection.execute(f"CREATE DATABASE {name} OWNER {context}_owner{source}")
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {context}_owner, {context}_app, {context}_worker")
