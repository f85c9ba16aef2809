"""The message log over gRPC (G2, S)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.ports import LOOPBACK, choose
from deploy.local.state import DatabaseUrls
from onefold.common.v1 import common_pb2
from onefold.notification.v1 import service_pb2 as pb
from onefold.notification.v1 import service_pb2_grpc
from services.common import rpc
from services.common.database import Database, connect
from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.rpc import Caller, Server
from services.common.tokens import TokenSigner
from services.notification import commands, store
from services.notification.api import NotificationApi
from services.notification.domain import Channel, Intent, Kind
from tests.support.calls import claims

KEY = "k" * 32


class Log:
    """ListMessages, as the gateway calls it."""

    def __init__(self, database: Database, target: str) -> None:
        self.database = database
        self.store_id = new_id()
        self._channel = rpc.channel(target)
        self._stub = service_pb2_grpc.NotificationServiceStub(self._channel)

    async def list(self, request: pb.ListMessagesRequest, store_id: UUID | None = None) -> pb.ListMessagesResponse:
        caller = Caller(TokenSigner(KEY), "gateway")
        return await caller.call(self._stub.ListMessages, request, claims(str(store_id or self.store_id)), seconds=10)

    async def write(self, order_id: UUID, customer_id: UUID, count: int) -> None:
        async with self.database.transaction(self.store_id) as tx:
            for n in range(count):
                intent = Intent(new_id(), Kind.ORDER_PLACED, f"{n}@mail.example", "", {}, order_id, customer_id)
                await store.insert_intents(tx, self.store_id, [intent])

    async def close(self) -> None:
        await self._channel.close()


@pytest.fixture
def urls(service_database: Callable[[str], DatabaseUrls]) -> DatabaseUrls:
    return service_database("notification")


@pytest.fixture
async def worker(urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The database as `work` has it, which sees all stores."""
    database = Database(connect(urls.worker, connections=1, name="test"))
    yield database
    await database.close()


@pytest.fixture
async def log(urls: DatabaseUrls) -> AsyncIterator[Log]:
    database = Database(connect(urls.app, connections=2, name="test"))
    target = f"{LOOPBACK}:{choose(['grpc'], {})['grpc']}"
    server = Server(target, TokenSigner(KEY))
    service_pb2_grpc.add_NotificationServiceServicer_to_server(NotificationApi(database), server.aio)
    await server.start()
    log = Log(database, target)
    yield log
    await log.close()
    await server.stop()
    await database.close()


async def test_messages_are_read_newest_first_page_by_page(log: Log) -> None:
    await log.write(new_id(), new_id(), 25)
    seen: list[str] = []
    token = ""
    while True:
        page = await log.list(pb.ListMessagesRequest(page=common_pb2.PageRequest(size=10, token=token)))
        seen += [message.recipient for message in page.messages]
        token = page.next_page_token
        if not token:
            break
    assert seen == [f"{n}@mail.example" for n in reversed(range(25))]


async def test_messages_are_found_by_order_and_by_customer(log: Log) -> None:
    order, customer = new_id(), new_id()
    await log.write(order, customer, 1)
    await log.write(new_id(), customer, 2)
    await log.write(new_id(), new_id(), 3)
    by_order = await log.list(pb.ListMessagesRequest(order_id=str(order)))
    by_customer = await log.list(pb.ListMessagesRequest(customer_id=str(customer)))
    by_both = await log.list(pb.ListMessagesRequest(order_id=str(order), customer_id=str(customer)))
    neither = await log.list(pb.ListMessagesRequest(order_id=str(order), customer_id=str(new_id())))
    assert [len(answer.messages) for answer in (by_order, by_customer, by_both, neither)] == [1, 3, 1, 0]
    [message] = by_order.messages
    assert (message.order_id, message.customer_id, message.kind) == (str(order), str(customer), "order_placed")
    assert (message.state, message.attempts, message.error) == (pb.MESSAGE_STATE_QUEUED, 0, "")
    assert not message.HasField("sent_at")


async def test_messages_to_several_accounts_of_one_person_are_one_list(log: Log) -> None:
    """F13."""
    customers = [new_id(), new_id()]
    for customer in customers:
        await log.write(new_id(), customer, 2)
    found = await log.list(pb.ListMessagesRequest(customer_ids=[str(i) for i in customers]))
    assert [message.customer_id for message in found.messages] == [str(customers[1])] * 2 + [str(customers[0])] * 2
    with pytest.raises(InvalidInput, match="too_large"):
        await log.list(pb.ListMessagesRequest(customer_ids=[str(new_id())] * 51))


async def test_messages_of_an_erased_person_name_nobody_and_are_not_sent_any_more(log: Log) -> None:
    """C12: by customer and by order, again and again; another's stay."""
    order, customer, other = new_id(), new_id(), new_id()
    await log.write(new_id(), customer, 1)
    await log.write(order, new_id(), 1)
    await log.write(new_id(), other, 1)
    for _ in range(2):
        async with log.database.transaction(log.store_id) as tx:
            await commands.forget(tx, log.store_id, customers=[customer])
            await commands.forget(tx, log.store_id, orders=[order])
    found = (await log.list(pb.ListMessagesRequest())).messages
    assert [(message.recipient, message.state) for message in found] == [
        ("0@mail.example", pb.MESSAGE_STATE_QUEUED),
        ("", pb.MESSAGE_STATE_CANCELLED),
        ("", pb.MESSAGE_STATE_CANCELLED),
    ]


async def test_strangers_are_forgotten_after_thirty_days_and_so_is_what_codes_were_sent_for(
    log: Log, worker: Database
) -> None:
    """C12: the log keeps that a message was sent; to a customer, whose log it is, also where to."""
    customer = new_id()
    intents = [
        Intent(new_id(), Kind.LOGIN_CODE, "stranger@mail.example", "", {"name": "", "code_id": "c"}),
        Intent(new_id(), Kind.LOGIN_CODE, "+85294512053", "", {"code_id": "c"}, None, customer, Channel.SMS),
        Intent(
            new_id(), Kind.CONFIRM_LOGIN, "c@mail.example", "", {"name": "C", "login_method_id": "m"}, None, customer
        ),
        Intent(new_id(), Kind.ORDER_PLACED, "o@mail.example", "", {"name": "C"}, new_id(), customer),
        Intent(new_id(), Kind.STAFF_INVITATION, "staff@mail.example", "", {"name": "S"}),
    ]
    async with log.database.transaction(log.store_id) as tx:
        await store.insert_intents(tx, log.store_id, intents)
        await tx.execute(text("UPDATE messages SET created_at = now() - interval '30 days 1 second'"))
        await store.insert_intents(
            tx, log.store_id, [replace(intents[0], event_id=new_id(), recipient="young@mail.example")]
        )
        await tx.execute(
            text(
                "UPDATE messages SET state = 'sent' WHERE kind <> 'staff_invitation' AND recipient <> 'young@mail.example'"
            )
        )
    for _ in range(2):
        await commands.forget_in_time(worker, batch=2)
    async with worker.across_stores() as tx:
        rows = (await tx.execute(text("SELECT recipient, params, state FROM messages ORDER BY message_id"))).all()
    assert [tuple(row) for row in rows] == [
        ("", {}, "sent"),
        ("+85294512053", {}, "sent"),
        ("c@mail.example", {"login_method_id": "m"}, "sent"),
        ("o@mail.example", {"name": "C"}, "sent"),
        ("", {}, "cancelled"),
        ("young@mail.example", {"name": "", "code_id": "c"}, "queued"),
    ]
    found = (await log.list(pb.ListMessagesRequest(customer_id=str(customer)))).messages
    assert [message.channel for message in found] == ["email", "email", "sms"]


async def test_another_stores_messages_are_never_shown(log: Log) -> None:
    """S, fault 30."""
    order = new_id()
    await log.write(order, new_id(), 1)
    assert not (await log.list(pb.ListMessagesRequest(), new_id())).messages
    assert not (await log.list(pb.ListMessagesRequest(order_id=str(order)), new_id())).messages


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (pb.ListMessagesRequest(order_id="x"), "order_id", "invalid_id"),
        (pb.ListMessagesRequest(customer_id="x"), "customer_id", "invalid_id"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(size=101)), "page.size", "too_large"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(token="x")), "page.token", "invalid_page_token"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(token="WzFd")), "page.token", "invalid_page_token"),
    ],
)
async def test_bad_requests_name_the_field(log: Log, request_: pb.ListMessagesRequest, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await log.list(request_)
    assert [(v.field, v.reason) for v in caught.value.violations] == [(field, reason)]
