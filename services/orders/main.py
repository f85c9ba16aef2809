"""Composition root of the orders service: serve | work | migrate."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.common import service, worker
from services.common.bus import Bus
from services.common.config import Environment
from services.common.database import Database, connect
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.tokens import TokenSigner
from services.orders import api
from services.orders.clients import Membership, Providers
from services.orders.commands import Context, Numbers, drop_stale_carts, erase_contacts, run_bulk, tend_payments
from services.orders.consumers import SUBSCRIPTIONS
from services.orders.store.queues import QUEUES

ERASURE_SECONDS = 1
BULK_SECONDS = 0.3
PAYMENTS_SECONDS = 1
STALE_CARTS_SECONDS = 3_600


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    database = Database(
        connect(
            environment.text("DATABASE_URL"), connections=environment.number("CONNECTIONS", 16), name="orders-serve"
        )
    )
    server = Server(environment.text("LISTEN"), TokenSigner(environment.secrets("SERVICE_KEY")), database)
    waker = Waker(database)
    caller = Caller(TokenSigner(environment.secrets("SERVICE_KEY")), "orders")
    membership = Membership(environment.text("MEMBERSHIP_TARGET"), caller)
    providers = Providers.read(environment)
    api.register(Context(database, Numbers(database), waker, membership, providers), server.aio)
    await server.start()
    await service.until(stop, waker.run())
    await server.stop()
    await membership.close()
    await database.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, strips orders of the erased, sees after payments, changes many orders at once."""
    providers = Providers.read(environment)
    database = Database(
        connect(environment.text("DATABASE_URL"), connections=environment.number("CONNECTIONS", 6), name="orders-work")
    )
    bus = Bus.of(environment, "orders-work")

    async def erase() -> None:
        await erase_contacts(database)

    async def drop_stale() -> None:
        await drop_stale_carts(database)

    async def tend() -> None:
        await tend_payments(database, providers)

    loops = (
        worker.every(STALE_CARTS_SECONDS, "drop_stale_carts", drop_stale),
        worker.every(ERASURE_SECONDS, "erase_contacts", erase),
        worker.every(PAYMENTS_SECONDS, "tend_payments", tend),
        worker.every(BULK_SECONDS, "bulk", lambda: run_bulk(database)),
    )
    listen = environment.text("LISTEN")
    await worker.run("orders", stop, listen, database, bus, SUBSCRIPTIONS, *loops, queues=QUEUES)


if __name__ == "__main__":
    service.main(
        "orders",
        {"serve": serve, "work": work, "migrate": service.migrate_command(Path(__file__).parent / "migrations")},
    )
