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
from services.common.sealing import Sealer
from services.common.tokens import TokenSigner
from services.notification import api
from services.notification.clients import (
    Connection,
    MailServer,
    NoProvider,
    Receivers,
    Resolver,
    Secrets,
    Targets,
    Twilio,
    TwilioLane,
)
from services.notification.commands import (
    Notices,
    Sender,
    Way,
    WebhookContext,
    WebhookSender,
    WebhookWay,
    Writer,
    expire_leases,
    forget_in_time,
    purge_webhooks,
    tell_owners,
    tend_webhooks,
)
from services.notification.consumers import SUBSCRIPTIONS
from services.notification.domain import Channel, Mail, Policy, Sms
from services.notification.queries.looks import Previewer
from services.notification.store.queues import QUEUES
from services.notification.templates import Templates, wire_address


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    connections = environment.number("CONNECTIONS", 8)
    database = Database(connect(environment.text("DATABASE_URL"), connections=connections, name="notification-serve"))
    server = Server(environment.text("LISTEN"), TokenSigner(environment.secrets("SERVICE_KEY")), database)
    waker, resolver = Waker(database), Resolver(connections)
    targets = Targets(webhook_policy(environment), resolver)
    public_url = environment.text("PUBLIC_URL").rstrip("/")
    context = WebhookContext(database, waker, targets, Sealer.read(environment))
    notices = Notices(database, waker, _sms_server(environment), public_url)
    api.register(context, notices, Previewer(Templates(), public_url), _mail_from(environment), server.aio)
    await server.start()
    await service.until(stop, waker.run())
    await server.stop()
    resolver.close()
    await database.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, and sends mails, SMS and webhooks."""
    caller = Caller(TokenSigner(environment.secrets("SERVICE_KEY")), "notification")
    async with rpc.channel(environment.text("IDENTITY_MERGE_TARGET")) as channel:
        connections = environment.number("CONNECTIONS", 8) + _lanes(environment, "MAIL") + _lanes(environment, "SMS")
        database = Database(
            connect(environment.text("DATABASE_URL"), connections=connections, name="notification-work")
        )
        writer = Writer(
            templates=Templates(),
            secrets=Secrets(caller, channel),
            links=Links(environment.secrets("SERVICE_KEY")),
            database=database,
            hasher=IdentifierHasher(environment.secret("IDENTIFIER_KEY")),
            mail_from=_mail_from(environment),
            public_url=environment.text("PUBLIC_URL").rstrip("/"),
        )
        mail, sms = mail_way(environment, writer), sms_way(environment, writer)
        webhooks, resolver = webhook_way(environment)
        bus = Bus.of(environment, "notification-work")
        waker = Waker(database)
        mails, texts = Sender(mail, database, waker), Sender(sms, database, waker)
        posts = WebhookSender(webhooks, database, waker)

        def wake() -> None:
            mails.wake()
            texts.wake()
            posts.wake()

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
            posts.run(),
            worker.every(1, "leases", lambda: expire_leases(database)),
            worker.every(1, "webhooks", lambda: tend_webhooks(database)),
            worker.every(600, "forgetting", lambda: forget_in_time(database)),
            worker.every(2, "webhook_owners", lambda: tell_owners(database, writer.secrets)),
            worker.every(600, "webhook_log", lambda: purge_webhooks(database)),
            queues=QUEUES,
            on_events=wake,
        )
        resolver.close()


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
    server = _sms_server(environment)
    return Way(
        channel=Channel.SMS,
        write=writer.sms,
        lane=lambda: TwilioLane(server) if server else NoProvider(),
        lanes=_lanes(environment, "SMS"),
        per_second=_at_least_1(environment, "SMS_PER_SECOND", 20),
        retry_seconds=_at_least_1(environment, "SMS_RETRY_SECONDS", 5),
        lease_seconds=server.longest_step if server else _sms_seconds(environment),
    )


def _sms_server(environment: Environment) -> Twilio | None:
    url = environment.text("SMS_URL", "")
    return Twilio.parse(url, _sms_seconds(environment)) if url else None


def _sms_seconds(environment: Environment) -> int:
    return _at_least_1(environment, "SMS_SECONDS", 10)


def _lanes(environment: Environment, channel: str) -> int:
    return _at_least_1(environment, f"{channel}_CONNECTIONS", 2)


def webhook_way(environment: Environment) -> tuple[WebhookWay, Resolver]:
    """How webhooks are sent, and what is to be closed afterwards. Raises ConfigError."""
    lanes = _at_least_1(environment, "WEBHOOK_CONNECTIONS", 16)
    # Twice as many as there are requests: a name that is given up is still being asked for.
    resolver = Resolver(2 * lanes)
    seconds = _at_least_1(environment, "WEBHOOK_SECONDS", 15)
    receivers = Receivers(Targets(webhook_policy(environment), resolver), seconds)
    each = _at_least_1(environment, "WEBHOOK_CONNECTIONS_EACH", 4)
    return WebhookWay(receivers, Sealer.read(environment), lanes, each, lease_seconds=4 * seconds), resolver


def webhook_policy(environment: Environment) -> Policy:
    """Where webhooks may go. Raises ConfigError."""
    ports = environment.text("WEBHOOK_PORTS", "443").split(",")
    if not all(port.strip().isdecimal() and 0 < int(port) < 65_536 for port in ports):
        raise ConfigError("ONEFOLD_WEBHOOK_PORTS is not a list of ports: 443,8443")
    return Policy(frozenset(map(int, ports)), environment.text("WEBHOOK_LOOPBACK", "") == "1")


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
