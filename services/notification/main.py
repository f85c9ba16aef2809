"""Composition root of the notification service: serve | work | migrate."""

from __future__ import annotations

import asyncio
from email.utils import parseaddr
from pathlib import Path

from services.common import rpc, service, worker
from services.common.bus import Bus
from services.common.config import ConfigError, Environment
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.common.links import Links
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.tokens import TokenSigner
from services.notification import api
from services.notification.clients import Connection, MailServer, NoProvider, Secrets, Twilio, TwilioLane
from services.notification.commands import Sender, Way, Writer, expire_leases, forget_in_time
from services.notification.consumers import SUBSCRIPTIONS
from services.notification.domain import Channel, Mail, Sms
from services.notification.queries.looks import Previewer
from services.notification.templates import Templates, wire_address


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    connections = environment.number("CONNECTIONS", 8)
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="notification-serve"))
    server = Server(environment.text("LISTEN"), TokenSigner(environment.secret("SERVICE_KEY")))
    waker = Waker(database)
    previewer = Previewer(Templates(), environment.text("PUBLIC_URL").rstrip("/"))
    api.register(database, waker, previewer, _mail_from(environment), server.aio)
    await server.start()
    await service.until(stop, waker.run())
    await server.stop()
    await database.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, and sends mails and SMS."""
    caller = Caller(TokenSigner(environment.secret("SERVICE_KEY")), "notification")
    async with rpc.channel(environment.text("IDENTITY_MERGE_TARGET")) as channel:
        connections = environment.number("CONNECTIONS", 6) + _lanes(environment, "MAIL") + _lanes(environment, "SMS")
        database = Database(
            connect(environment.text("DATABASE_URL"), connections=connections, name="notification-work")
        )
        writer = Writer(
            templates=Templates(),
            secrets=Secrets(caller, channel),
            links=Links(environment.secret("SERVICE_KEY")),
            database=database,
            hasher=IdentifierHasher(environment.secret("IDENTIFIER_KEY")),
            mail_from=_mail_from(environment),
            public_url=environment.text("PUBLIC_URL").rstrip("/"),
        )
        mail, sms = mail_way(environment, writer), sms_way(environment, writer)
        bus = Bus.of(environment, "notification-work")
        waker = Waker(database)
        mails, texts = Sender(mail, database, waker), Sender(sms, database, waker)

        def wake() -> None:
            mails.wake()
            texts.wake()

        await worker.run(
            "notification",
            stop,
            environment.text("LISTEN"),
            database,
            bus,
            SUBSCRIPTIONS,
            waker.run(),
            mails.run(),
            texts.run(),
            worker.every(1, "leases", lambda: expire_leases(database)),
            worker.every(600, "forgetting", lambda: forget_in_time(database)),
            on_events=wake,
        )


def mail_way(environment: Environment, writer: Writer) -> Way[Mail]:
    """How mail is sent. Raises ConfigError naming the variable that is wrong."""
    server = MailServer.parse(environment.text("SMTP_URL"), _at_least_1(environment, "SMTP_SECONDS", 20))
    return Way(
        channel=Channel.EMAIL,
        write=writer.mail,
        lane=lambda: Connection(server, writer.mail_from.rpartition("@")[2]),
        lanes=_lanes(environment, "MAIL"),
        per_second=_at_least_1(environment, "MAIL_PER_SECOND", 50),
        retry_seconds=_at_least_1(environment, "MAIL_RETRY_SECONDS", 10),
        lease_seconds=server.longest_step,
    )


def sms_way(environment: Environment, writer: Writer) -> Way[Sms]:
    """How SMS are sent; without ONEFOLD_SMS_URL they end as failed, and say why. Raises ConfigError."""
    seconds = _at_least_1(environment, "SMS_SECONDS", 10)
    url = environment.text("SMS_URL", "")
    server = Twilio.parse(url, seconds) if url else None
    return Way(
        channel=Channel.SMS,
        write=writer.sms,
        lane=lambda: TwilioLane(server) if server else NoProvider(),
        lanes=_lanes(environment, "SMS"),
        per_second=_at_least_1(environment, "SMS_PER_SECOND", 20),
        retry_seconds=_at_least_1(environment, "SMS_RETRY_SECONDS", 5),
        lease_seconds=server.longest_step if server else seconds,
    )


def _lanes(environment: Environment, channel: str) -> int:
    return _at_least_1(environment, f"{channel}_CONNECTIONS", 2)


def _at_least_1(environment: Environment, name: str, default: int) -> int:
    value = environment.number(name, default)
    if value < 1:
        raise ConfigError(f"ONEFOLD_{name} must be at least 1")
    return value


def _mail_from(environment: Environment) -> str:
    try:
        return wire_address(parseaddr(environment.text("MAIL_FROM"))[1])
    except ValueError as error:
        raise ConfigError(f"ONEFOLD_MAIL_FROM is not an address: {error}") from None


if __name__ == "__main__":
    service.main(
        "notification",
        {"serve": serve, "work": work, "migrate": service.migrate_command(Path(__file__).parent / "migrations")},
    )
