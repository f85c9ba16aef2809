"""Webhooks from the event to a receiver that knows Standard Webhooks' document alone, through the real worker (H4)."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import text

from deploy.local.ports import LOOPBACK, choose
from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.identity_merge.v1 import service_pb2 as identity_merge_pb
from onefold.membership.v1 import events_pb2 as membership
from onefold.membership.v1 import service_pb2 as membership_pb
from onefold.notification.v1 import webhooks_pb2 as pb
from onefold.notification.v1 import webhooks_pb2_grpc
from onefold.orders.v1 import events_pb2 as orders
from services.common import clock, rpc
from services.common.config import Environment
from services.common.database import Database, connect
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.sealing import Sealer
from services.common.tokens import TokenSigner
from services.common.wire import timestamp
from services.notification.api import WebhookApi
from services.notification.clients import Resolver, Targets
from services.notification.commands import WebhookContext, purge_webhooks
from services.notification.domain import Policy
from tests.integration.notification.conftest import SEALING_KEYS, SERVICE_KEY, Notification, order_placed
from tests.integration.notification.post_office import Logins, PostOffice
from tests.integration.notification.receiver import Receiver, Unsigned, verify
from tests.support.calls import claims


@dataclass
class Webhooks:
    """WebhookService as the gateway calls it, beside the worker."""

    notification: Notification
    stub: webhooks_pb2_grpc.WebhookServiceAsyncStub

    async def call(self, method: str, request: object, store_id: UUID | None = None, key: str = "") -> object:
        caller = Caller(TokenSigner(SERVICE_KEY), "gateway")
        who = claims(str(store_id or self.notification.store_id))
        return await caller.call(
            getattr(self.stub, method), request, who, seconds=10, idempotency_key=key or str(new_id())
        )

    async def create(self, url: str, *types: str, store_id: UUID | None = None) -> pb.CreateWebhookResponse:
        request = pb.CreateWebhookRequest(url=url, description="test", event_types=types)
        made = await self.call("CreateWebhook", request, store_id)
        assert isinstance(made, pb.CreateWebhookResponse)
        return made

    async def get(self, webhook_id: str) -> pb.Webhook:
        found = await self.call("GetWebhook", pb.GetWebhookRequest(webhook_id=webhook_id))
        assert isinstance(found, pb.GetWebhookResponse)
        return found.webhook

    async def deliveries(
        self, webhook_id: str, state: pb.DeliveryState.ValueType = 0, kind: str = ""
    ) -> list[pb.Delivery]:
        request = pb.ListDeliveriesRequest(webhook_id=webhook_id, state=state, type=kind)
        found = await self.call("ListDeliveries", request)
        assert isinstance(found, pb.ListDeliveriesResponse)
        return list(found.deliveries)

    async def until(
        self, webhook_id: str, state: pb.DeliveryState.ValueType, count: int, seconds: float = 20
    ) -> list[pb.Delivery]:
        """Waits until so many deliveries are in the state."""
        found: list[pb.Delivery] = []
        try:
            async with asyncio.timeout(seconds):
                while len(found := await self.deliveries(webhook_id, state)) < count:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{found}, all: {await self.deliveries(webhook_id)}") from None
        return found

    async def one(self, delivery_id: str) -> pb.GetDeliveryResponse:
        found = await self.call("GetDelivery", pb.GetDeliveryRequest(delivery_id=delivery_id))
        assert isinstance(found, pb.GetDeliveryResponse)
        return found

    async def execute(self, statement: str) -> None:
        async with self.notification.database.across_stores() as tx:
            await tx.execute(text(statement))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.open()
    yield receiver
    await receiver.close()


@pytest.fixture
async def webhooks(notification: Notification) -> AsyncIterator[Webhooks]:
    database = Database(connect(notification.process.environment["ONEFOLD_DATABASE_URL"], connections=3, name="serve"))
    server = Server(f"{LOOPBACK}:{choose(['grpc'], {})['grpc']}", TokenSigner(SERVICE_KEY))
    resolver = Resolver(2)
    targets = Targets(Policy(loopback=True), resolver)
    sealer = Sealer.read(Environment({"ONEFOLD_SEALING_KEYS": SEALING_KEYS}))
    context = WebhookContext(database, Waker(database), targets, sealer)
    webhooks_pb2_grpc.add_WebhookServiceServicer_to_server(WebhookApi(context), server.aio)
    await server.start()
    channel = rpc.channel(server._listen)
    await notification.open_store()
    yield Webhooks(notification, webhooks_pb2_grpc.WebhookServiceStub(channel))
    await channel.close()
    await server.aio.stop(grace=0)
    resolver.close()
    await database.close()


@pytest.fixture
async def owners(logins: Logins) -> AsyncIterator[None]:
    """identity_merge, which knows who owns the store."""
    server = await logins.open()
    yield
    await server.stop()


async def test_each_event_arrives_signed_and_once_however_often_it_is_told(
    notification: Notification, webhooks: Webhooks, receiver: Receiver
) -> None:
    """X: every event three times, shuffled, and one delivery of each for each endpoint that wants it."""
    every, some = (
        await webhooks.create(receiver.url("/all?k=1")),
        await webhooks.create(receiver.url("/some"), "order.paid"),
    )
    await webhooks.create(receiver.url("/theirs"), store_id=new_id())
    member, run = str(new_id()), str(new_id())
    order = order_placed("buyer@mail.example").order
    order.customer_id = member
    told = {
        "order.placed": orders.OrderPlaced(order=order),
        "order.paid": orders.OrderPaid(order=order),
        "member.enrolled": membership.MemberEnrolled(
            customer_id=member, name="陳大文", email="buyer@mail.example", joined_at=timestamp(clock.now())
        ),
        "points.posted": membership.PointsPosted(
            customer_id=member, points=-5, balance=7, reason=membership_pb.POINTS_REASON_EXPIRED
        ),
        "member.merged": identity_merge.MergeCompleted(
            run=identity_merge_pb.MergeRun(merge_run_id=run, primary_id=member), old_ids=[str(new_id()), str(new_id())]
        ),
    }
    ids = {kind: new_id() for kind in told}
    copies = [kind for kind in told for _ in range(3)]
    random.Random(7).shuffle(copies)
    notification.process.start()
    for kind in copies:
        await notification.tell(told[kind], event_id=ids[kind])
    await notification.tell(orders.OrderPaid(order=order), store_id=new_id())

    arrived = await receiver.until("/all?k=1", len(told))
    await webhooks.until(every.webhook.webhook_id, pb.DELIVERY_STATE_DELIVERED, len(told))
    assert sorted(p.json["type"] for p in arrived) == sorted(told)
    for posted in arrived:
        assert verify(posted.headers, posted.body, every.secret) == 1
        assert posted.headers["webhook-id"] == str(ids[posted.json["type"]])
        assert set(posted.json) == {"type", "timestamp", "data"}
        assert "陳大文" not in posted.body.decode()
        assert "buyer@mail" not in posted.body.decode()
        with pytest.raises(Unsigned):
            verify(posted.headers, posted.body, some.secret)
        with pytest.raises(Unsigned):
            verify(posted.headers, posted.body + b" ", every.secret)
    (paid,) = await receiver.until("/some", 1)
    assert paid.json["data"]["customer_id"] == member
    assert receiver.posted["/theirs"] == []
    (points,) = [p.json["data"] for p in arrived if p.json["type"] == "points.posted"]
    assert points == {"customer_id": member, "points": -5, "balance": 7, "reason": "expired", "order_id": None}

    # A secret is changed without a gap: for a day both sign.
    rotated = await webhooks.call(
        "RotateWebhookSecret", pb.RotateWebhookSecretRequest(webhook_id=some.webhook.webhook_id)
    )
    assert isinstance(rotated, pb.RotateWebhookSecretResponse)
    key = str(new_id())
    tests = [
        await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=some.webhook.webhook_id), key=key)
        for _ in range(2)
    ]
    assert tests[0] == tests[1]
    posted = (await receiver.until("/some", 2))[1]
    assert (posted.json["type"], posted.signatures) == ("webhook.test", 2)
    assert verify(posted.headers, posted.body, some.secret) == verify(posted.headers, posted.body, rotated.secret) == 1
    await webhooks.execute("UPDATE webhooks SET old_secrets_until = ARRAY[now()] WHERE old_secrets <> '{}'")
    (delivery,) = await webhooks.until(
        some.webhook.webhook_id, pb.DELIVERY_STATE_DELIVERED, 2
    ) and await webhooks.deliveries(some.webhook.webhook_id, kind="order.paid")
    await webhooks.call("ReplayDelivery", pb.ReplayDeliveryRequest(delivery_id=delivery.delivery_id))
    replayed = (await receiver.until("/some", 3))[2]
    assert (replayed.headers["webhook-id"], replayed.body, replayed.signatures) == (
        paid.headers["webhook-id"],
        paid.body,
        1,
    )
    with pytest.raises(Unsigned):
        verify(replayed.headers, replayed.body, some.secret)
    # What is still under way is not sent anew.
    await webhooks.until(some.webhook.webhook_id, pb.DELIVERY_STATE_DELIVERED, 2)

    # Of whoever is erased nothing is left, not even what the receiver said about them (C12).
    receiver.behaviours["/some"] = "200 OK"
    await webhooks.call("ReplayDelivery", pb.ReplayDeliveryRequest(delivery_id=delivery.delivery_id))
    await receiver.until("/some", 4)
    await webhooks.until(some.webhook.webhook_id, pb.DELIVERY_STATE_DELIVERED, 2)
    assert (await webhooks.one(delivery.delivery_id)).attempts[0].response == "ok"
    await notification.tell(membership.MemberErased(customer_id=member, erased_at=timestamp(clock.now())))
    async with asyncio.timeout(20):
        while any(a.response for a in (await webhooks.one(delivery.delivery_id)).attempts):
            await asyncio.sleep(0.05)
    dump = json.dumps([str(row) for row in await _rows(notification)], ensure_ascii=False)
    assert "陳大文" not in dump
    assert "buyer@mail" not in dump


async def _rows(notification: Notification) -> list[object]:
    async with notification.database.across_stores() as tx:
        return list((await tx.execute(text("SELECT * FROM webhook_deliveries"))).all())


async def test_whatever_a_receiver_does_it_holds_up_itself_alone(
    notification: Notification, webhooks: Webhooks, receiver: Receiver
) -> None:
    """Endpoints that never answer, answer without end, lead elsewhere, are busy, or gone; the good one beside them waits for none."""
    receiver.behaviours = {
        "/silence": "silence",
        "/flood": "flood",
        "/trickle": "trickle",
        "/away": f"302 Found\nlocation: {receiver.url('/inside')}",
        "/busy": "429 Too Many Requests\nretry-after: 120",
        "/gone": "410 Gone",
        "/broken": "500 Oops",
    }
    made = {path: (await webhooks.create(receiver.url(path))).webhook for path in (*receiver.behaviours, "/good")}
    notification.process.start()
    await notification.tell(*(orders.OrderPaid(order=order_placed(f"{n}@mail.example").order) for n in range(20)))
    await receiver.until("/good", 20)
    assert len(await webhooks.until(made["/good"].webhook_id, pb.DELIVERY_STATE_DELIVERED, 20)) == 20
    assert len(receiver.posted["/silence"]) <= 4

    for path, status, error in (
        ("/away", 302, "redirect"),
        ("/busy", 429, "status"),
        ("/broken", 500, "status"),
        ("/silence", 0, "timeout"),
    ):
        await webhooks.execute("UPDATE webhooks SET rest_until = now() WHERE failures < 3")
        failed = await _attempted(webhooks, made[path].webhook_id)
        assert (failed.status, failed.error, failed.state) == (status, error, pb.DELIVERY_STATE_QUEUED), path
        attempt = (await webhooks.one(failed.delivery_id)).attempts[0]
        assert (attempt.status, attempt.error) == (status, error)
    assert receiver.posted["/inside"] == []
    busy = await _attempted(webhooks, made["/busy"].webhook_id)
    assert 100 < busy.next_attempt_at.seconds - clock.now().timestamp() <= 120
    for path in ("/flood", "/trickle"):  # the status has said what matters
        delivered = await webhooks.until(made[path].webhook_id, pb.DELIVERY_STATE_DELIVERED, 1)
        assert (await webhooks.one(delivered[0].delivery_id)).attempts[0].response.startswith("x")
    assert receiver.flooded < 20 * 10 * 2**20  # what the kernels hold of 20 answers

    gone = await webhooks.get(made["/gone"].webhook_id)
    assert gone.disabled_because == pb.DISABLED_BECAUSE_GONE
    # Of what came after its answer it hears nothing.
    missed = len(await webhooks.deliveries(gone.webhook_id))
    assert 0 < missed <= 20
    await webhooks.until(gone.webhook_id, pb.DELIVERY_STATE_FAILED, missed)
    with pytest.raises(StateConflict):
        await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=gone.webhook_id))
    # It is mended: enabled again, and what failed meanwhile is sent once more.
    receiver.behaviours["/gone"] = "200 OK"
    change = pb.ChangeWebhookRequest(webhook_id=gone.webhook_id, url=gone.url, description="mended", enabled=True)
    await webhooks.call("ChangeWebhook", change)
    since = timestamp(clock.now().replace(year=clock.now().year - 1))
    replayed = await webhooks.call("ReplayFailed", pb.ReplayFailedRequest(webhook_id=gone.webhook_id, since=since))
    assert replayed == pb.ReplayFailedResponse(deliveries=missed)
    await webhooks.until(gone.webhook_id, pb.DELIVERY_STATE_DELIVERED, missed)


async def _attempted(webhooks: Webhooks, webhook_id: str) -> pb.Delivery:
    """A delivery of the endpoint that has failed at least once, as soon as there is one."""
    async with asyncio.timeout(20):
        while True:
            for delivery in await webhooks.deliveries(webhook_id):
                if delivery.error:
                    return delivery
            await asyncio.sleep(0.05)


async def test_endpoints_are_a_stores_own_and_their_addresses_are_checked(
    webhooks: Webhooks, receiver: Receiver
) -> None:
    """S; and a form's mistakes are named by field."""
    made = (await webhooks.create(receiver.url("/mine"))).webhook
    for method, request in (
        ("GetWebhook", pb.GetWebhookRequest(webhook_id=made.webhook_id)),
        ("ListDeliveries", pb.ListDeliveriesRequest(webhook_id=made.webhook_id)),
        ("TestWebhook", pb.TestWebhookRequest(webhook_id=made.webhook_id)),
        ("RemoveWebhook", pb.RemoveWebhookRequest(webhook_id=made.webhook_id)),
        ("RotateWebhookSecret", pb.RotateWebhookSecretRequest(webhook_id=made.webhook_id)),
    ):
        with pytest.raises(NotFound):
            await webhooks.call(method, request, new_id())
    for url, reason in (("https://10.0.0.1/", "url_private"), ("https://no-such-name.invalid/", "url_host_unknown")):
        with pytest.raises(InvalidInput) as refusal:
            await webhooks.create(url)
        assert [(v.field, v.reason) for v in refusal.value.violations] == [("url", reason)]
    with pytest.raises(InvalidInput):
        await webhooks.create(receiver.url("/"), "order.payd")
    racing = await asyncio.gather(*(webhooks.create(receiver.url(f"/{n}")) for n in range(25)), return_exceptions=True)
    assert sum(isinstance(one, StateConflict) for one in racing) == 6
    for _ in range(2):
        await webhooks.call("RemoveWebhook", pb.RemoveWebhookRequest(webhook_id=made.webhook_id))
    with pytest.raises(NotFound):
        await webhooks.get(made.webhook_id)


async def test_an_endpoint_that_has_only_failed_for_days_is_disabled_and_the_owners_hear_of_it_once(
    notification: Notification, webhooks: Webhooks, receiver: Receiver, post_office: PostOffice, owners: None
) -> None:
    """H4: a mail to each owner, whatever was killed in between; enabling begins anew."""
    receiver.behaviours["/dead?key=geheim"] = "500 Oops"
    dead = (await webhooks.create(receiver.url("/dead?key=geheim"))).webhook
    notification.process.start()
    await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=dead.webhook_id))
    await _attempted(webhooks, dead.webhook_id)
    assert (await webhooks.get(dead.webhook_id)).failing_since.seconds
    await webhooks.execute("UPDATE webhooks SET failing_since = now() - interval '5 days', rest_until = now()")
    await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=dead.webhook_id))
    await notification.until_states("sent", "sent", seconds=60)
    failing = await webhooks.get(dead.webhook_id)
    assert failing.disabled_because == pb.DISABLED_BECAUSE_FAILING
    assert sorted(mail.recipient for mail in post_office.taken) == ["ada@mail.example", "cy@mail.example"]
    for mail in post_office.taken:
        for kind in ("plain", "html"):
            assert f"https://shop.example/console/settings/webhooks/{dead.webhook_id}" in mail.part(kind)
            assert "geheim" not in mail.part(kind)
    # Killed between the mails and the note that they are written: the same mails, not two more.
    await webhooks.execute("UPDATE webhooks SET tell_owners = true")
    change = pb.ChangeWebhookRequest(webhook_id=dead.webhook_id, url=receiver.url("/mended"), enabled=True)
    async with asyncio.timeout(30):
        while await _untold(notification):
            await asyncio.sleep(0.05)
    assert await notification.states() == ["sent", "sent"]
    changed = await webhooks.call("ChangeWebhook", change)
    assert isinstance(changed, pb.ChangeWebhookResponse)
    assert not changed.webhook.HasField("failing_since")
    await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=dead.webhook_id))
    await receiver.until("/mended", 1)


async def _untold(notification: Notification) -> bool:
    async with notification.database.across_stores() as tx:
        return bool(await tx.scalar(text("SELECT count(*) FROM webhooks WHERE tell_owners")))


async def test_deliveries_go_after_30_days_and_so_do_endpoints_that_were_removed(
    notification: Notification, webhooks: Webhooks
) -> None:
    """In batches; what is younger stays."""
    old, new = [(await webhooks.create("http://127.0.0.1:9/")).webhook.webhook_id for _ in range(2)]
    for webhook_id in (old, new):
        for _ in range(3):
            await webhooks.call("TestWebhook", pb.TestWebhookRequest(webhook_id=webhook_id))
    await webhooks.call("RemoveWebhook", pb.RemoveWebhookRequest(webhook_id=old))
    month = "now() - interval '31 days'"
    await webhooks.execute(f"UPDATE webhook_deliveries SET created_at = {month} WHERE webhook_id = '{old}'")
    await webhooks.execute(f"UPDATE webhooks SET removed_at = {month} WHERE webhook_id = '{old}'")
    await purge_webhooks(notification.database, batch=2)
    async with notification.database.across_stores() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM webhook_deliveries")) == 3
        assert [str(w) for w in (await tx.execute(text("SELECT webhook_id FROM webhooks"))).scalars()] == [new]
