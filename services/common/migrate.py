"""Alembic, one history per service, run by `main.py migrate` as the database's owner; never at application start."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from alembic import command, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from services.common.config import Environment
from services.common.database import address_of

_CREATED = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)
_PLUMBING = ("outbox", "inbox", "dead_letters", "idempotency_keys")


async def upgrade(environment: Environment, migrations: Path, revision: str = "head") -> None:
    """Brings the database to a revision, the newest if none is named, under an advisory lock, so that two runs do not meet."""
    address, own = address_of(environment.text("DATABASE_URL"))
    engine = create_async_engine(address, connect_args=own)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, migrations, revision)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection, migrations: Path, revision: str) -> None:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7206)")
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def run_env(metadata: MetaData) -> None:
    """The body of every service's migrations/env.py."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()


def protect(tables: Sequence[str], queues: Sequence[str] = ()) -> None:
    """Rights and row-level security for new tables (rule 6).

    `queues` are tables that the worker reads across stores: its own work lists. Plumbing tables are always such.
    """
    for table in tables:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO onefold_app, onefold_worker")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_store ON {table} TO onefold_app, onefold_worker"
            # NULLIF: a setting that was local to an ended transaction reads as the empty text.
            " USING (store_id = NULLIF(current_setting('app.store_id', true), '')::uuid)"
        )
        if table in queues or table in _PLUMBING:
            op.execute(f"CREATE POLICY all_stores ON {table} TO onefold_worker USING (true)")


def create_from(statements: Path, queues: Sequence[str] = ()) -> None:
    """A revision's new tables, from a file of SQL that stays as it is while the code's metadata goes on; all protected."""
    text = statements.read_text()
    for statement in text.split(";\n"):
        if statement.strip():
            op.execute(statement)
    protect(_CREATED.findall(text), queues)


def never_changed(table: str) -> None:
    """Makes a new table, already protected, one to which the worker adds and of which nobody changes or deletes a row.

    The roles lose the right; the trigger refuses whoever has it all the same, the owner and superusers included, until they switch it
    off, which is a deed of its own.
    """
    op.execute(f"REVOKE ALL ON {table} FROM onefold_app, onefold_worker")
    op.execute(f"GRANT SELECT ON {table} TO onefold_app, onefold_worker")
    op.execute(f"GRANT INSERT ON {table} TO onefold_worker")
    op.execute(
        f"""CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '{table} is only added to' USING ERRCODE = 'insufficient_privilege'; END $$"""
    )
    for what, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_stay_{each.lower()} BEFORE {what} ON {table} FOR EACH {each} EXECUTE FUNCTION {table}_stay()"
        )
