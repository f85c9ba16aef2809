"""The `work` process of the notification service among real servers."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message
from nats.js.errors import NotFoundError
from sqlalchemy import Row, text

from deploy.local.nats import Nats
from deploy.local.ports import LOOPBACK, choose
from deploy.local.process import Process, tail
from deploy.local.state import DatabaseUrls
from onefold.common.v1 import common_pb2
from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.identity_merge.v1 import service_pb2 as identity_merge_pb
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common import clock
from services.common.bus import Bus, Outgoing
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.common.ids import new_id
from services.common.outbox import type_of
from services.common.tokens import TokenSigner
from services.common.wire import timestamp
from tests.integration.notification.post_office import Logins, PostOffice
from tests.integration.notification.provider import Provider

SERVICE_KEY = secrets.token_urlsafe(32)
IDENTIFIER_KEY = secrets.token_urlsafe(32)
HASHER = IdentifierHasher(IDENTIFIER_KEY)
SEALING_KEYS = f"test:{secrets.token_urlsafe(32)}"


@dataclass
class Notification:
    """The service under test, its database, and what it hears."""

    bus: Bus
    database: Database
    process: Process
    store_id: UUID = field(default_factory=new_id)

    async def tell(self, *events: Message, store_id: UUID | None = None, event_id: UUID | None = None) -> None:
        """Publishes events as their contexts would."""
        await self.bus.publish(
            [
                Outgoing(
                    type_of(event),
                    event.SerializeToString(),
                    event_id or new_id(),
                    store_id or self.store_id,
                    new_id(),
                    1,
                    clock.now(),
                    "",
                )
                for event in events
            ]
        )

    async def open_store(self, name: str = "Demo Store", language: str = "en", version: int = 1) -> None:
        """The store becomes known, or changes."""
        await self.tell(store_changed(name, language, version))

    async def rows(self) -> Sequence[Row[Any]]:
        """All messages, oldest first."""
        async with self.database.across_stores() as tx:
            return (await tx.execute(text("SELECT * FROM messages ORDER BY message_id"))).all()

    async def states(self) -> list[str]:
        """The messages' states, oldest first."""
        return [row.state for row in await self.rows()]

    async def events(self) -> list[str]:
        """Types of the events it has told, oldest first."""
        async with self.database.across_stores() as tx:
            return list((await tx.execute(text("SELECT type FROM outbox ORDER BY seq"))).scalars())

    async def until_states(self, *states: str, seconds: float = 45) -> None:
        """Waits until the messages are in these states."""
        try:
            async with asyncio.timeout(seconds):
                while await self.states() != list(states):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"messages are {await self.rows()}, wanted {states}") from None

    async def until_rows(self, count: int, seconds: float = 20) -> None:
        """Waits until so many messages are written down, in whatever state. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(await self.rows()) < count:
                await asyncio.sleep(0.05)


def store_changed(name: str = "Demo Store", language: str = "en", version: int = 1) -> identity_merge.StoreChanged:
    store = identity_merge_pb.Store(
        slug="demo", name=name, region="HK", currency="HKD", timezone="Asia/Hong_Kong", language=language
    )
    return identity_merge.StoreChanged(store=store, version=version)


def order_placed(
    address: str,
    *,
    name: str = "Chan Tai Man",
    language: str = "",
    number: int = 1001,
    placed_at: datetime | None = None,
) -> orders.OrderPlaced:
    """An unpaid order of two lines."""
    lines = [
        orders_pb.OrderLine(title="Red tea", quantity=2, unit_price_minor=6000, total_minor=12000),
        orders_pb.OrderLine(title="Cup <blue>", quantity=1, unit_price_minor=118450, total_minor=118450),
    ]
    order = orders_pb.Order(
        order_id=str(new_id()),
        number=number,
        customer_id=str(new_id()),
        status=orders_pb.ORDER_STATUS_UNPAID,
        currency="HKD",
        subtotal_minor=130450,
        discount_minor=1000,
        shipping_minor=3000,
        total_minor=132450,
        contact=common_pb2.Contact(name=name, email=address),
        lines=lines,
        placed_at=timestamp(placed_at or clock.now()),
        language=language,
        version=1,
    )
    return orders.OrderPlaced(order=order)


def confirmation_requested(address: str) -> identity_merge.ConfirmationRequested:
    return identity_merge.ConfirmationRequested(
        login_method_id=str(new_id()), customer_id=str(new_id()), name="陳大文", email=address, language="zh-Hant"
    )


def code_requested(to: str, language: str = "", *, stranger: bool = False) -> identity_merge.CodeRequested:
    """By e-mail or, to a number, by SMS."""
    return identity_merge.CodeRequested(
        code_id=str(new_id()),
        customer_id="" if stranger else str(new_id()),
        kind="phone" if to.startswith("+") else "email",
        value=to,
        language=language,
    )


@pytest.fixture
async def post_office() -> AsyncIterator[PostOffice]:
    office = PostOffice()
    await office.open()
    yield office
    office.released.set()
    await office.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    await provider.open()
    yield provider
    provider.released.set()
    await provider.close()


@pytest.fixture
def logins() -> Logins:
    return Logins(TokenSigner(SERVICE_KEY))


@pytest.fixture
async def bus(nats_server: Nats) -> AsyncIterator[Bus]:
    """The broker with empty streams that nobody reads yet."""
    bus = Bus(nats_server.url, name="test")
    await bus.ensure_streams()
    js = await bus.jetstream()
    for stream in ("ONEFOLD_MEMBERSHIP", "ONEFOLD_ORDERS", "ONEFOLD_IDENTITY_MERGE", "ONEFOLD_NOTIFICATION"):
        await js.purge_stream(stream)
        try:
            await js.delete_consumer(stream, "notification")
        except NotFoundError:
            continue  # nobody has read it before
    yield bus
    await bus.close()


@pytest.fixture
def process(
    service_database: Callable[[str], DatabaseUrls],
    nats_server: Nats,
    post_office: PostOffice,
    provider: Provider,
    logins: Logins,
    tmp_path: Path,
) -> Iterator[Process]:
    """`python -m services.notification.main work`, not started yet."""
    process = Process(
        name="notification-work",
        argv=[sys.executable, "-m", "services.notification.main", "work"],
        log=tmp_path / "work.log",
        environment={
            "ONEFOLD_DATABASE_URL": service_database("notification").worker,
            "ONEFOLD_NATS_URL": nats_server.url,
            "ONEFOLD_LISTEN": f"{LOOPBACK}:{choose(['work'], {})['work']}",
            "ONEFOLD_SERVICE_KEY": SERVICE_KEY,
            "ONEFOLD_IDENTIFIER_KEY": IDENTIFIER_KEY,
            "ONEFOLD_IDENTITY_MERGE_TARGET": f"{LOOPBACK}:{logins.port}",
            "ONEFOLD_SMTP_URL": post_office.url,
            "ONEFOLD_SMTP_SECONDS": "1",
            "ONEFOLD_MAIL_RETRY_SECONDS": "1",
            "ONEFOLD_SMS_URL": provider.url,
            "ONEFOLD_SMS_SECONDS": "2",
            "ONEFOLD_SMS_RETRY_SECONDS": "1",
            "ONEFOLD_MAIL_FROM": "Onefold <no-reply@onefold.example>",
            "ONEFOLD_PUBLIC_URL": "https://shop.example",
            "ONEFOLD_SEALING_KEYS": SEALING_KEYS,
            "ONEFOLD_WEBHOOK_LOOPBACK": "1",
            "ONEFOLD_WEBHOOK_SECONDS": "2",
        },
    )
    yield process
    process.kill()
    print(tail(process.log))  # noqa: T201 - seen when a test fails


@pytest.fixture
async def notification(bus: Bus, process: Process) -> AsyncIterator[Notification]:
    """The service with its process not started, and no store known."""
    database = Database(connect(process.environment["ONEFOLD_DATABASE_URL"], connections=3, name="test"))
    yield Notification(bus, database, process)
    await database.close()
