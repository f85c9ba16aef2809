"""Roles and the database of a service on a PostgreSQL server, as every deployment needs them; run by `main.py provision`.

As the server's administrator, who needs no more than CREATEROLE and CREATEDB: managed servers give away no superuser.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import structlog

from services.common.config import ConfigError, Environment

# What migrations grant to (services/common/migrate.py), by the kind of login that is in it; the owner is in none.
GROUPS = {"app": "onefold_app", "worker": "onefold_worker"}
KINDS = ("owner", *GROUPS)
_LOCK = 7_207
log = structlog.get_logger()


async def command(environment: Environment, _: asyncio.Event) -> None:
    """Makes what the three URLs name, or brings passwords and rights up to date. Run again it changes nothing more.

    ONEFOLD_ADMIN_DATABASE_URL is the administrator's; ONEFOLD_OWNER_DATABASE_URL, _APP_ and _WORKER_ name one database and a login
    each. Raises ConfigError naming the variable that is wrong.
    """
    logins = {kind: _Login(environment, kind) for kind in KINDS}
    databases = {login.database for login in logins.values()}
    if len(databases) != 1:
        raise ConfigError(
            f"the URLs of owner, app and worker name more than one database: {', '.join(sorted(databases))}"
        )
    async with administration(environment.text("ADMIN_DATABASE_URL")) as connection:
        await make_groups(connection)
        for kind, login in logins.items():
            await make_login(connection, login.role, login.password, GROUPS.get(kind, ""))
        roles = [login.role for login in logins.values()]
        await make_database(connection, databases.pop(), owner=roles[0], others=roles[1:])
    log.info("provisioned", roles=roles)


class _Login:
    """Role, password and database of a URL."""

    def __init__(self, environment: Environment, kind: str) -> None:
        name = f"{kind.upper()}_DATABASE_URL"
        parts = urlsplit(environment.text(name))
        self.role, self.password = unquote(parts.username or ""), unquote(parts.password or "")
        self.database = parts.path.lstrip("/")
        if not (self.role and self.password and self.database):
            raise ConfigError(f"ONEFOLD_{name} is not postgresql://role:password@host/database")


@asynccontextmanager
async def administration(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as administrator, alone: services provision side by side, and share the groups."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        yield connection
    finally:
        await connection.close()


async def make_groups(connection: asyncpg.Connection) -> None:
    """The roles that migrations grant rights to."""
    for group in GROUPS.values():
        await _role(connection, group, "NOLOGIN")


async def make_login(connection: asyncpg.Connection, role: str, password: str, group: str = "") -> None:
    """A login role in a group, with this password from now on. It is no superuser and does not pass by row-level security."""
    literal = await connection.fetchval("SELECT quote_literal($1::text)", password)
    await _role(connection, role, f"LOGIN PASSWORD {literal}")
    if await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1", role):
        # Only a superuser may say so, even of a role that is none.
        await connection.execute(f"ALTER ROLE {await _quoted(connection, role)} NOSUPERUSER NOBYPASSRLS")
    if group:
        await connection.execute(f"GRANT {group} TO {await _quoted(connection, role)}")


async def make_database(
    connection: asyncpg.Connection, name: str, *, owner: str, others: list[str], template: str = ""
) -> None:
    """A database, unless it exists; only the owner and the other roles may connect.

    A copy of `template` is made file by file: through the log, which is what PostgreSQL does unasked, it takes ten times as long.
    """
    database, owner_name = await _quoted(connection, name), await _quoted(connection, owner)
    # A server that is not a superuser's (managed PostgreSQL) lets one give away only to roles one belongs to.
    await connection.execute(f"GRANT {owner_name} TO CURRENT_USER")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        source = f" TEMPLATE {await _quoted(connection, template)} STRATEGY FILE_COPY" if template else ""
        await connection.execute(f"CREATE DATABASE {database} OWNER {owner_name}{source}")
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    allowed = ", ".join([await _quoted(connection, role) for role in (owner, *others)])
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {allowed}")


async def _role(connection: asyncpg.Connection, name: str, attributes: str) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    await connection.execute(f"{'ALTER' if exists else 'CREATE'} ROLE {await _quoted(connection, name)} {attributes}")


async def _quoted(connection: asyncpg.Connection, name: str) -> Any:
    return await connection.fetchval("SELECT quote_ident($1)", name)
