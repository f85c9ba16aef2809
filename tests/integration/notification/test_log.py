"""The message log over gRPC (G2, S)."""

from __future__ import annotations

import asyncio
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
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.common.outbox import Waker
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

    async def get(self, message_id: str, store_id: UUID | None = None) -> pb.GetMessageResponse:
        caller, request = Caller(TokenSigner(KEY), "gateway"), pb.GetMessageRequest(message_id=message_id)
        return await caller.call(self._stub.GetMessage, request, claims(str(store_id or self.store_id)), seconds=10)

    async def decide(
        self,
        message_id: str,
        decision: pb.MessageDecision.ValueType,
        attempts: int,
        key: str = "",
        store_id: UUID | None = None,
    ) -> pb.Message:
        caller = Caller(TokenSigner(KEY), "gateway")
        answer = await caller.call(
            self._stub.DecideMessage,
            pb.DecideMessageRequest(message_id=message_id, decision=decision, attempts=attempts),
            claims(str(store_id or self.store_id)),
            seconds=10,
            idempotency_key=key or str(new_id()),
        )
        return answer.message

    async def set(self, recipient: str, values: str) -> None:
        """What a sender would have written."""
        async with self.database.transaction(self.store_id) as tx:
            await tx.execute(text(f"UPDATE messages SET {values} WHERE recipient = :to"), {"to": recipient})

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
    service_pb2_grpc.add_NotificationServiceServicer_to_server(NotificationApi(database, Waker(database)), server.aio)
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


async def test_the_log_is_searched_by_recipient_kind_channel_state_and_day(log: Log) -> None:
    """G2: in part or whole, capital or small; what stands for anything in a pattern stands for itself."""
    customer = new_id()
    intents = [
        Intent(new_id(), Kind.ORDER_PLACED, "Tai.Man@mail.example", "", {}, new_id(), customer),
        Intent(new_id(), Kind.ACCOUNT_NOTICE, "tai_man@mail.example", "", {}, None, customer),
        Intent(new_id(), Kind.LOGIN_CODE, "+85294512053", "", {}, None, customer, Channel.SMS),
    ]
    for intent in intents:
        async with log.database.transaction(log.store_id) as tx:
            await store.insert_intents(tx, log.store_id, [intent])
    await log.set("+85294512053", "state = 'failed', cause = 'not_a_mobile'")
    now = (await log.list(pb.ListMessagesRequest())).messages[0].created_at
    later = type(now)(seconds=now.seconds + 5)
    for asked, found in (
        (pb.ListMessagesRequest(recipient="TAI"), ["tai_man@mail.example", "Tai.Man@mail.example"]),
        (pb.ListMessagesRequest(recipient="i_m"), ["tai_man@mail.example"]),
        (pb.ListMessagesRequest(recipient="9451"), ["+85294512053"]),
        (pb.ListMessagesRequest(recipient="tai.man@mail.example", whole_recipient=True), ["Tai.Man@mail.example"]),
        (pb.ListMessagesRequest(recipient="man@mail.example", whole_recipient=True), []),
        (pb.ListMessagesRequest(recipient="man", kinds=["account_notice"]), ["tai_man@mail.example"]),
        (pb.ListMessagesRequest(channel="sms"), ["+85294512053"]),
        (pb.ListMessagesRequest(states=[pb.MESSAGE_STATE_FAILED]), ["+85294512053"]),
        (pb.ListMessagesRequest(states=[pb.MESSAGE_STATE_SENT]), []),
        (pb.ListMessagesRequest(since=later), []),
        (pb.ListMessagesRequest(before=later, kinds=["order_placed"]), ["Tai.Man@mail.example"]),
    ):
        assert [message.recipient for message in (await log.list(asked)).messages] == found, asked
    assert not (await log.list(pb.ListMessagesRequest(recipient="tai"), new_id())).messages


async def test_a_person_says_that_an_unknown_message_arrived_or_has_it_sent_again_once(
    log: Log, worker: Database
) -> None:
    """E, E7: by what they saw, whoever is first; the sender whose attempt it was changes nothing any more."""
    await log.write(new_id(), new_id(), 2)
    second, first = [message.message_id for message in (await log.list(pb.ListMessagesRequest())).messages]
    await log.set("0@mail.example", "state = 'sending', attempts = 1, lease_until = now() - interval '1 second'")
    await log.set("1@mail.example", "state = 'sending', attempts = 3, lease_until = now() - interval '1 second'")
    await commands.expire_leases(worker)
    seen = (await log.get(first)).message
    assert (seen.state, seen.cause, seen.may_be_sent_again) == (pb.MESSAGE_STATE_UNKNOWN, "sender_died", True)
    with pytest.raises(StateConflict, match="message_changed"):
        await log.decide(second, pb.MESSAGE_DECISION_ARRIVED, 2)
    with pytest.raises(NotFound, match="message_not_found"):
        await log.decide(second, pb.MESSAGE_DECISION_ARRIVED, 3, store_id=new_id())
    key = str(new_id())
    for _ in range(2):
        assert (await log.decide(second, pb.MESSAGE_DECISION_ARRIVED, 3, key)).state == pb.MESSAGE_STATE_SENT
    answers = await asyncio.gather(
        *(log.decide(first, pb.MESSAGE_DECISION_SEND_AGAIN, 1) for _ in range(5)), return_exceptions=True
    )
    assert [answer.state for answer in answers if isinstance(answer, pb.Message)] == [pb.MESSAGE_STATE_QUEUED]
    assert sum(isinstance(answer, StateConflict) for answer in answers) == 4
    told = [(c.state, c.cause, c.actor) for c in (await log.get(first)).changes]
    who = claims(str(log.store_id)).actor
    assert told == [(pb.MESSAGE_STATE_UNKNOWN, "sender_died", ""), (pb.MESSAGE_STATE_QUEUED, "", who)]
    async with worker.across_stores() as tx:
        types = list((await tx.execute(text("SELECT type FROM outbox ORDER BY seq"))).scalars())
        late = await tx.scalar(text("SELECT attempts FROM messages WHERE state = 'queued'"))
    audited, sent = "notification.audit_noted.v1", "notification.message_sent.v1"
    assert (types, late) == ([audited, sent, audited], 1)


async def test_a_server_that_is_away_is_told_until_it_has_taken_something(log: Log) -> None:
    """L: to the store whose messages wait for it."""
    await log.write(new_id(), new_id(), 2)
    await log.set("0@mail.example", "cause = 'server_away', failing_since = now() - interval '1 hour'")
    await log.set("1@mail.example", "state = 'sent', sent_at = now() - interval '2 hours'")
    [outage] = (await log.list(pb.ListMessagesRequest())).outages
    assert (outage.channel, outage.HasField("since")) == ("email", True)
    assert not (await log.list(pb.ListMessagesRequest(), new_id())).outages
    await log.set("1@mail.example", "sent_at = now()")
    assert not (await log.list(pb.ListMessagesRequest())).outages


async def test_codes_and_what_is_forgotten_are_never_sent_again(log: Log) -> None:
    async with log.database.transaction(log.store_id) as tx:
        code = Intent(new_id(), Kind.LOGIN_CODE, "c@mail.example", "", {"code_id": "c"}, None, new_id())
        notice = Intent(new_id(), Kind.ACCOUNT_NOTICE, "n@mail.example", "", {"what": "x"}, None, new_id())
        await store.insert_intents(tx, log.store_id, [code, notice])
    await log.set("c@mail.example", "state = 'failed'")
    await log.set("n@mail.example", "state = 'failed', passing = false, params = '{}'")
    for message in (await log.list(pb.ListMessagesRequest())).messages:
        assert not message.may_be_sent_again
        with pytest.raises(StateConflict, match="message_not_resendable"):
            await log.decide(message.message_id, pb.MESSAGE_DECISION_SEND_AGAIN, 0)


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
        (pb.ListMessagesRequest(recipient="ab"), "recipient", "too_short"),
        (pb.ListMessagesRequest(kinds=["x"]), "kinds", "unknown_value"),
        (pb.ListMessagesRequest(channel="x"), "channel", "unknown_value"),
        (pb.ListMessagesRequest(states=[0]), "states", "unknown_value"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(size=101)), "page.size", "too_large"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(token="x")), "page.token", "invalid_page_token"),
        (pb.ListMessagesRequest(page=common_pb2.PageRequest(token="WzFd")), "page.token", "invalid_page_token"),
    ],
)
async def test_bad_requests_name_the_field(log: Log, request_: pb.ListMessagesRequest, field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await log.list(request_)
    assert [(v.field, v.reason) for v in caught.value.violations] == [(field, reason)]
