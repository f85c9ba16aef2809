"""Roles and databases of all services on the PostgreSQL server of a local stack."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import asyncpg

from deploy.local.process import ProcessError
from deploy.local.state import CONTEXTS, DatabaseUrls, DataFolder
from services.common.provision import GROUPS, KINDS, administration, make_database, make_groups, make_login

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
    passwords = {kind: data.secret(f"postgres_{context}_{kind}") for kind in KINDS}
    logins = {kind: with_login(admin_url, f"{context}_{kind}", word, name) for kind, word in passwords.items()}
    return DatabaseUrls(admin=urlsplit(admin_url)._replace(path=f"/{name}").geturl(), **logins)


async def provision(admin_url: str, data: DataFolder) -> None:
    """Makes group roles, login roles and databases, or brings their passwords and rights up to date.

    Raises ProcessError when the server cannot be reached or refuses.
    """
    try:
        async with administration(admin_url) as connection:
            await _provision(connection, data)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        server = urlsplit(admin_url).netloc.rpartition("@")[2]
        raise ProcessError(f"PostgreSQL at {server}: {type(error).__name__}: {error}") from error


async def _provision(connection: asyncpg.Connection, data: DataFolder) -> None:
    await make_groups(connection)
    for context in CONTEXTS:
        for kind in KINDS:
            password = data.secret(f"postgres_{context}_{kind}")
            await make_login(connection, f"{context}_{kind}", password, GROUPS.get(kind, ""))
        await create_database(connection, context, context)


async def create_database(connection: asyncpg.Connection, name: str, context: str, template: str = "") -> None:
    """A database for a context, or a copy of `template`, unless it exists; only the context's own three roles may connect."""
    owner, *others = (f"{context}_{kind}" for kind in KINDS)
    await make_database(connection, name, owner=owner, others=others, template=template)
