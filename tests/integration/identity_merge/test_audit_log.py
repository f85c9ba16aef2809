"""The audit log: one chain for each store, whoever writes at once and however often and in whatever order events come (H1)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from deploy.local.nats import Nats
from onefold.common.v1.audit_pb2 import AuditNoted
from onefold.identity_merge.v1 import audit_pb2 as pb
from onefold.identity_merge.v1 import audit_pb2_grpc, staff_pb2_grpc
from onefold.identity_merge.v1 import service_pb2 as service_pb
from onefold.identity_merge.v1 import staff_pb2 as staff_pb
from services.common import audit, outbox
from services.common.bus import Bus
from services.common.database import Database, connect
from services.common.errors import InvalidInput, Unauthenticated
from services.common.ids import new_id
from services.common.inbox import Consumer, Delivered
from services.common.outbox import Event
from services.common.paging import PageRequest
from services.common.tokens import ServiceClaims
from services.common.wire import timestamp
from services.identity_merge.consumers import on_audit_noted, subscriptions
from services.identity_merge.domain.audit import BEGINNING, AuditFilter, Entry, chain
from services.identity_merge.store.audit import find_entries
from tests.integration.identity_merge.conftest import PASSWORD, PUBLIC, Service

ALICE, BOB = "staff:alice", "api_key:bob"


def noted(n: int, actor: str = ALICE, action: str = "order.refunded", subject: UUID | None = None) -> Event:
    changes = [audit.change("refunded", n, n + 1), audit.hidden("phone", "+85294512053", "+85298765432")]
    return audit.noted("orders", actor, action, "order", subject or new_id(), changes)


async def write(service: Service, store_id: UUID, *told: Event, at: datetime | None = None) -> None:
    """As the consumer does, in one transaction."""
    events: list[Any] = []
    for event in told:
        message = AuditNoted.FromString(event.payload)
        if at:
            message.at.CopyFrom(timestamp(at))
        events.append(Delivered(event.event_id, store_id, event.type, 0, message, ""))
    async with service.worker.database.transaction(store_id) as tx:
        await on_audit_noted(tx, store_id, events)


async def chained(service: Service, store_id: UUID) -> list[Entry]:
    """The store's entries in their order; the chain reckoned anew must be the one that is kept."""
    async with service.worker.database.transaction(store_id) as tx:
        found = await find_entries(tx, AuditFilter(), PageRequest(10_000))
    kept = sorted((each.entry for each in found), key=lambda entry: entry.link.seq)
    assert kept == chain(store_id, BEGINNING, [entry.doing for entry in kept])
    return kept


async def ask(service: Service, who: ServiceClaims, **wanted: Any) -> list[pb.AuditEntry]:
    """All pages of three."""
    stub, entries, token = audit_pb2_grpc.AuditServiceStub(service.channel), [], ""
    while True:
        request = pb.ListAuditEntriesRequest(**wanted)
        request.page.size, request.page.token = 3, token
        answer = await service.call(stub.ListAuditEntries, request, who)
        entries += answer.entries
        token = answer.next_page_token
        if not token:
            return entries


async def test_eight_writers_at_once_make_one_chain_without_a_gap(service: Service) -> None:
    who = await service.new_store()
    told = [noted(n) for n in range(200)]
    await asyncio.gather(*(write(service, who.store, *told[n : n + 5]) for n in range(0, 200, 5)))
    entries = await chained(service, who.store)
    assert [entry.link.seq for entry in entries] == list(range(1, 201))
    assert {entry.doing.event_id for entry in entries} == {event.event_id for event in told}


@asynccontextmanager
async def reading(service: Service, bus: Bus, database: Database) -> AsyncIterator[None]:
    """One worker's consumer of what orders publishes."""
    wanted = subscriptions(service.worker.identifiers)["orders"]
    consumer = Consumer(database, bus, f"test-{new_id().hex[-8:]}", "orders", wanted, lambda: None)
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_events_that_come_three_times_and_shuffled_are_written_down_once(
    service: Service, nats_server: Nats
) -> None:
    """Fault 23, with two workers on consumers of their own, each of which gets everything."""
    who, told = await service.new_store(), [noted(n) for n in range(60)]
    bus = Bus(nats_server.url, name="test")
    await bus.ensure_streams()
    js = await bus.jetstream()
    await js.purge_stream("ONEFOLD_ORDERS")
    async with service.worker.database.transaction(who.store) as tx:
        await outbox.add(tx, who.store, told)
    rows = await service.rows("SELECT * FROM outbox WHERE type = 'orders.audit_noted.v1'")
    sent = [outbox._outgoing(row._mapping, row.traceparent) for row in rows] * 3
    random.Random(7).shuffle(sent)
    for message in sent:
        headers = {name: value for name, value in message.headers().items() if name != "Nats-Msg-Id"}
        await js.publish(f"onefold.{message.type}", message.payload, headers=headers)

    async def all_read() -> bool:
        return len(await service.rows("SELECT 1 FROM inbox WHERE type = 'orders.audit_noted.v1'")) == 60

    second = Database(connect(service.urls.worker, connections=4, name="second"))
    async with reading(service, bus, service.worker.database), reading(service, bus, second):
        await until_true(all_read)
    assert {entry.doing.event_id for entry in await chained(service, who.store)} == {event.event_id for event in told}
    await second.close()
    await bus.close()


async def until_true(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_stores_have_chains_of_their_own_and_the_end_is_told(service: Service) -> None:
    one, other = await service.new_store(), await service.new_store()
    await write(service, one.store, noted(1), noted(2))
    await write(service, other.store, noted(3))
    assert [len(await chained(service, who.store)) for who in (one, other)] == [2, 1]
    told = await service.rows(
        "SELECT store_id, version FROM outbox WHERE type = 'identity_merge.audit_chained.v1' ORDER BY seq"
    )
    assert [(row.store_id, row.version) for row in told] == [(one.store, 2), (other.store, 1)]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entries SET actor = 'nobody'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"],
)
async def test_no_role_changes_or_deletes_what_is_written(service: Service, statement: str) -> None:
    """The application's roles have no right to; the owner and superusers are stopped by the trigger."""
    who = await service.new_store()
    await write(service, who.store, noted(1))
    for url in (service.urls.app, service.urls.worker, service.urls.owner, service.urls.admin):
        connection = await asyncpg.connect(url)
        await connection.execute(f"SELECT set_config('app.store_id', '{who.store}', false)")
        # A trigger asks at rows, of which the owner sees none to change.
        if url == service.urls.owner and not statement.startswith("TRUNCATE"):
            assert (await connection.execute(statement)).endswith(" 0")
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()
    assert len(await chained(service, who.store)) == 1


async def test_only_the_worker_adds_entries(service: Service) -> None:
    who = await service.new_store()
    await write(service, who.store, noted(1))
    connection = await asyncpg.connect(service.urls.app)
    await connection.execute(f"SELECT set_config('app.store_id', '{who.store}', false)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(
            "INSERT INTO audit_entries (store_id, seq, event_id, service, at, actor, action, subject_kind, subject_id, changes,"
            " request_id, hash) SELECT store_id, 2, gen_random_uuid(), service, at, actor, action, subject_kind, subject_id, changes,"
            " request_id, hash FROM audit_entries"
        )
    await connection.close()


async def test_entries_are_found_by_who_what_whom_when_and_words(service: Service) -> None:
    who, order = await service.new_store(), new_id()
    long_ago = datetime(2026, 1, 31, 16, 0, tzinfo=UTC)
    await write(service, who.store, *(noted(n) for n in range(4)))
    await write(service, who.store, noted(7, BOB, "order.cancelled", order), noted(8, BOB, "item.changed"))
    await write(service, who.store, noted(9, ALICE, "staff.role_changed"), at=long_ago)
    everything = await ask(service, who)
    assert [entry.seq for entry in everything] == [6, 5, 4, 3, 2, 1, 7]  # the newest first, however late it came
    assert [entry.seq for entry in await ask(service, who, actor=BOB)] == [6, 5]
    assert [entry.seq for entry in await ask(service, who, action="order.cancelled")] == [5]
    assert len(await ask(service, who, action="order.")) == len(await ask(service, who, action="order")) == 5
    assert [entry.seq for entry in await ask(service, who, subject_id=str(order))] == [5]
    assert [entry.seq for entry in await ask(service, who, before=timestamp(long_ago + timedelta(seconds=1)))] == [7]
    assert len(await ask(service, who, since=timestamp(long_ago + timedelta(seconds=1)))) == 6
    assert [entry.seq for entry in await ask(service, who, words=f"{str(order)[-12:]} REFUNDED")] == [5]
    assert await ask(service, who, words="refunded") == everything  # a word of all, page by page
    assert await ask(service, who, words="refunded 9_") == []  # a wildcard is no wildcard
    assert [entry.seq for entry in await ask(service, who, actor=BOB, words="item")] == [6]
    assert await ask(service, await service.new_store()) == []  # S
    [change, masked] = everything[0].changes
    assert (change.field, change.before, change.after) == ("refunded", "8", "9")
    assert (masked.before, masked.after) == ("••• 53", "••• 32")


@pytest.mark.parametrize(
    "wanted", [{"subject_id": "x"}, {"words": "x" * 101}, {"action": "Robert'); --"}, {"actor": "x" * 101}]
)
async def test_what_cannot_be_asked_is_refused(service: Service, wanted: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        await ask(service, await service.new_store(), **wanted)


async def notes(service: Service, who: ServiceClaims) -> list[tuple[str, str, dict[str, str]]]:
    """(actor, action, field → after) of what identity_merge has noted of the store, without its opening."""
    rows = await service.rows(
        "SELECT payload FROM outbox WHERE type = 'identity_merge.audit_noted.v1' AND store_id = :store ORDER BY seq",
        store=who.store,
    )
    told = [AuditNoted.FromString(row.payload) for row in rows]
    return [(m.actor, m.action, {c.field: c.after for c in m.changes}) for m in told if m.action != "store.created"]


async def test_log_ins_of_staff_are_noted_and_those_that_are_refused(service: Service) -> None:
    """Nobody is told apart by it who is not on the staff, and nobody fills the log by guessing."""
    who = await service.new_store("audited")

    async def log_in(email: str, password: str) -> Any:
        request = service_pb.LogInRequest(store_slug="audited", email=email, password=password)
        return await service.call(service.access.LogIn, request, PUBLIC)

    await log_in("owner@audited.example", PASSWORD)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await log_in("nobody@audited.example", "wrong")
    for _ in range(14):
        with pytest.raises(Unauthenticated):
            await log_in("owner@audited.example", "wrong")
    [entered, *refused] = await notes(service, who)
    assert entered[:2] == (who.actor, "staff.logged_in")
    assert [note[:2] for note in refused] == [("visitor", "staff.login_refused")] * 11
    assert refused[-1][2] == {"attempts": "11"}


async def test_what_is_done_with_staff_and_keys_is_noted_with_names_and_roles(service: Service) -> None:
    who = await service.new_store()
    key = service_pb.CreateApiKeyRequest(name="till", scopes=["orders:read"])
    made = await service.call(service.access.CreateApiKey, key, who)
    invitation = staff_pb.InviteStaffRequest(email="bob@mail.example", name="Bob", role=service_pb.STAFF_ROLE_CASHIER)
    stub = staff_pb2_grpc.StaffServiceStub(service.channel)
    invited = await service.call(stub.InviteStaff, invitation, who, str(new_id()))
    withdrawal = staff_pb.WithdrawInvitationRequest(invitation_id=invited.entry.invitation_id)
    await service.call(stub.WithdrawInvitation, withdrawal, who)
    me = staff_pb.ChangeStaffRequest(staff_id=who.actor.partition(":")[2], name="Grace")
    await service.call(stub.ChangeStaff, me, who, str(new_id()))
    assert await notes(service, who) == [
        (who.actor, "api_key.made", {"name": "till", "scopes": "orders:read"}),
        (who.actor, "staff.invited", {"name": "Bob", "email": "bob@mail.example", "role": "cashier"}),
        (who.actor, "staff.invitation_withdrawn", {"name": "", "email": "", "role": ""}),
        (who.actor, "staff.changed", {"name": "Grace"}),
    ]
    rows = await service.rows("SELECT payload FROM outbox WHERE type = 'identity_merge.audit_noted.v1'")
    assert not any(made.secret.encode() in row.payload for row in rows)
    stub_of_audit = audit_pb2_grpc.AuditServiceStub(service.channel)
    actors = (await service.call(stub_of_audit.ListAuditActors, pb.ListAuditActorsRequest(), who)).actors
    assert [(each.actor, each.name) for each in actors] == [
        (who.actor, "Grace"),
        (f"api_key:{made.api_key.api_key_id}", "till"),
    ]
