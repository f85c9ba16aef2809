"""Composition root of the membership service: serve | work | migrate."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.common import service, worker
from services.common.bus import Bus
from services.common.config import Environment
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.tokens import TokenSigner
from services.membership import api, commands
from services.membership.clients import Others
from services.membership.consumers import subscriptions
from services.membership.store.queues import QUEUES

# How often the worker looks for what time has brought, and for moves that no event tells of yet.
TIME_SECONDS = 60
TELL_SECONDS = 2
REMOVAL_SECONDS = 2
IMPORT_SECONDS = 0.5
HOLD_SECONDS = 60
LEVELS_SECONDS = 0.3
GUESTS_SECONDS = 0.5
# Beside the size of a batch this is how many invitations go out in a second.
INVITATION_SECONDS = 2
PURGE_SECONDS = 3_600


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    connections = environment.number("CONNECTIONS", 16)
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="membership-serve"))
    server = Server(environment.text("LISTEN"), TokenSigner(environment.secrets("SERVICE_KEY")), database)
    waker = Waker(database)
    context = commands.Context(database, IdentifierHasher(environment.secret("IDENTIFIER_KEY")), waker.wake)
    others = _others(environment)
    api.register(context, others, server.aio)
    await server.start()
    await service.until(stop, waker.run())
    await server.stop()
    await others.close()
    await database.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, does what time brings, runs imports, changes of levels and invitations, resumes
    removals."""
    connections = environment.number("CONNECTIONS", 10)
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="membership-work"))
    bus = Bus.of(environment, "membership-work")
    # The consumer wakes the relay of this very process after each batch; nothing more is needed.
    context = commands.Context(database, IdentifierHasher(environment.secret("IDENTIFIER_KEY")), lambda: None)

    async def pass_time() -> None:
        await commands.expire_points(context)
        await commands.move_due_members(context)
        await commands.give_birthday_points(context)

    async def tell() -> None:
        await commands.tell_moves(context)

    others = _others(environment)

    async def resume() -> None:
        await commands.resume_removals(context, others)

    async def settle_holds() -> None:
        await commands.settle_holds(context, others)

    loops = (
        worker.every(TIME_SECONDS, "time", pass_time),
        worker.every(TELL_SECONDS, "tell_moves", tell),
        worker.every(REMOVAL_SECONDS, "resume_removals", resume),
        worker.every(HOLD_SECONDS, "settle_holds", settle_holds),
        worker.every(IMPORT_SECONDS, "imports", lambda: commands.run_imports(context)),
        worker.every(LEVELS_SECONDS, "levels", lambda: commands.run_level_saves(context)),
        worker.every(GUESTS_SECONDS, "guests", lambda: commands.join_guests(context)),
        worker.every(INVITATION_SECONDS, "invitations", lambda: commands.run_invitations(context)),
        worker.every(PURGE_SECONDS, "purge_imports", lambda: commands.purge_imports(context)),
    )
    listen = environment.text("LISTEN")
    await worker.run("membership", stop, listen, database, bus, subscriptions(context), *loops, queues=QUEUES)
    await others.close()


def _others(environment: Environment) -> Others:
    caller = Caller(TokenSigner(environment.secrets("SERVICE_KEY")), "membership")
    return Others(environment.text("IDENTITY_MERGE_TARGET"), environment.text("ORDERS_TARGET"), caller)


if __name__ == "__main__":
    commands_ = {"serve": serve, "work": work, "migrate": service.migrate_command(Path(__file__).parent / "migrations")}
    service.main("membership", commands_)
