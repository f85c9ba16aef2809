"""Composition root of the notification service: serve | work | migrate."""

from __future__ import annotations

import asyncio
from email.utils import parseaddr
from pathlib import Path

from onefold.notification.v1 import service_pb2_grpc
from services.common import rpc, service, worker
from services.common.bus import Bus
from services.common.config import ConfigError, Environment
from services.common.database import Database, connect
from services.common.links import Links
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.tokens import TokenSigner
from services.notification.api import NotificationApi
from services.notification.clients import MailServer, Secrets
from services.notification.commands import Sender, SenderSettings
from services.notification.consumers import SUBSCRIPTIONS
from services.notification.templates import Templates, wire_address


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    connections = environment.number("CONNECTIONS", 8)
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="notification-serve"))
    server = Server(environment.text("LISTEN"), TokenSigner(environment.secret("SERVICE_KEY")))
    service_pb2_grpc.add_NotificationServiceServicer_to_server(NotificationApi(database), server.aio)
    await server.start()
    await service.until(stop)
    await server.stop()
    await database.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, and sends mail."""
    settings = sender_settings(environment)
    caller = Caller(TokenSigner(environment.secret("SERVICE_KEY")), "notification")
    connections = environment.number("CONNECTIONS", 6) + settings.connections
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="notification-work"))
    bus = Bus(
        environment.text("NATS_URL"),
        name="notification-work",
        replicas=environment.number("NATS_REPLICAS", 1),
        ack_seconds=environment.number("NATS_ACK_SECONDS", 30),
    )
    waker = Waker(database)
    async with rpc.channel(environment.text("IDENTITY_MERGE_TARGET")) as channel:
        sender = Sender(settings, database, Secrets(caller, channel), Templates(), waker)
        await worker.run(
            "notification",
            stop,
            environment.text("LISTEN"),
            database,
            bus,
            SUBSCRIPTIONS,
            waker.run(),
            sender.run(),
            on_events=sender.wake,
        )


def sender_settings(environment: Environment) -> SenderSettings:
    """How mail is sent. Raises ConfigError naming the variable that is wrong."""
    numbers = {
        name: environment.number(name, default)
        for name, default in (
            ("MAIL_CONNECTIONS", 2),
            ("MAIL_PER_SECOND", 50),
            ("MAIL_RETRY_SECONDS", 10),
            ("SMTP_SECONDS", 20),
        )
    }
    for name, value in numbers.items():
        if value < 1:
            raise ConfigError(f"ONEFOLD_{name} must be at least 1")
    try:
        mail_from = wire_address(parseaddr(environment.text("MAIL_FROM"))[1])
    except ValueError as error:
        raise ConfigError(f"ONEFOLD_MAIL_FROM is not an address: {error}") from None
    return SenderSettings(
        server=MailServer.parse(environment.text("SMTP_URL"), numbers["SMTP_SECONDS"]),
        mail_from=mail_from,
        public_url=environment.text("PUBLIC_URL").rstrip("/"),
        links=Links(environment.secret("SERVICE_KEY")),
        connections=numbers["MAIL_CONNECTIONS"],
        per_second=numbers["MAIL_PER_SECOND"],
        retry_seconds=numbers["MAIL_RETRY_SECONDS"],
    )


if __name__ == "__main__":
    service.main(
        "notification",
        {"serve": serve, "work": work, "migrate": service.migrate_command(Path(__file__).parent / "migrations")},
    )
