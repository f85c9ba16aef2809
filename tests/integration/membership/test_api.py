"""The membership service by its gRPC contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message

from deploy.local.ports import LOOPBACK, choose
from deploy.local.state import DatabaseUrls
from onefold.common.v1 import common_pb2
from onefold.membership.v1 import service_pb2 as pb
from onefold.membership.v1 import service_pb2_grpc
from services.common import clock, rpc
from services.common.errors import InvalidInput, NotFound
from services.common.ids import new_id
from services.common.tokens import TokenSigner
from services.common.wire import timestamp
from services.membership.api import MembershipApi
from tests.integration.membership.people import Shop, order, told

WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND $1 = ANY(pg_blocking_pids(pid)))"


@dataclass
class Desk:
    """A caller at the service's counter."""

    stub: Any
    caller: rpc.Caller
    shop: Shop

    async def ask(self, method: str, request: Message, key: str = "", *, role: str = "") -> Any:
        """In the name of the store's owner, or of a service."""
        who = replace(self.shop.who, role=role) if role else self.shop.who
        return await self.caller.call(getattr(self.stub, method), request, who, seconds=10, idempotency_key=key)

    async def enrol(self, **changes: Any) -> pb.EnrolBuyerResponse:
        fields: dict[str, Any] = {
            "order_id": str(new_id()),
            "customer_id": str(new_id()),
            "new_customer": True,
            "contact": common_pb2.Contact(name=" 陳大文 ", phone="9451 2053", email="Tai.Man@Example.com"),
            "add_as_member": True,
            "trusted": True,
            "placed_at": timestamp(clock.now()),
        }
        answer: pb.EnrolBuyerResponse = await self.ask(
            "EnrolBuyer", pb.EnrolBuyerRequest(**fields | changes), role="service"
        )
        return answer


@pytest.fixture
async def desk(shop: Shop) -> AsyncIterator[Desk]:
    signer = TokenSigner("a service key for tests, long enough")
    address = f"{LOOPBACK}:{choose(['membership'], {})['membership']}"
    server = rpc.Server(address, signer)
    service_pb2_grpc.add_MembershipServiceServicer_to_server(MembershipApi(shop.context), server.aio)
    await server.start()
    async with rpc.channel(address) as channel:
        yield Desk(service_pb2_grpc.MembershipServiceStub(channel), rpc.Caller(signer, "test"), shop)
    await server.stop()


async def test_a_buyer_is_enrolled_found_and_read(desk: Desk) -> None:
    """A2, A4, C2: phones and e-mails of any writing are kept in one."""
    address = common_pb2.Address(recipient="陳大文", lines=["彌敦道 1 號"], city="香港", country="HK")
    enrolled = await desk.enrol(shipping_address=address, language="en")
    assert (enrolled.created_member, enrolled.status, enrolled.name) == (True, pb.CUSTOMER_STATUS_MEMBER, "陳大文")
    found = (await desk.ask("GetCustomer", pb.GetCustomerRequest(customer_id=enrolled.customer_id))).customer
    assert (found.phone, found.email, found.language) == ("+85294512053", "Tai.Man@example.com", "en")
    assert list(found.addresses) == [address]
    assert found.HasField("joined_at")
    answer = await desk.ask("SearchCustomers", pb.SearchCustomersRequest(query="９４５１", members_only=True))
    assert [customer.customer_id for customer in answer.customers] == [enrolled.customer_id]
    newest = await desk.ask("SearchCustomers", pb.SearchCustomersRequest())
    assert newest.members_total == 1


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"order_id": "x"}, "order_id", "invalid_id"),
        ({"contact": common_pb2.Contact(phone="2123 4567")}, "contact.phone", "not_a_mobile_phone"),
        ({"contact": common_pb2.Contact(email="nobody")}, "contact.email", "invalid_email"),
        ({"contact": common_pb2.Contact(name="n" * 121)}, "contact.name", "too_long"),
        ({"placed_at": None}, "placed_at", "required"),
    ],
)
async def test_a_wrong_buyer_names_the_field(desk: Desk, change: dict[str, Any], field: str, reason: str) -> None:
    """Rule 7: and nothing is written."""
    with pytest.raises(InvalidInput) as refusal:
        await desk.enrol(**change)
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert not await desk.shop.rows("SELECT 1 FROM customers")


async def test_points_and_merge_by_the_contract(desk: Desk) -> None:
    """B2, B4, E7, F4, F8: the preview says what Absorb then does; lots are named as they are before the merge."""
    first = await desk.enrol()
    second = await desk.enrol(contact=common_pb2.Contact(name="Chan", phone="6123 4567"))
    award = pb.AdjustPointsRequest(customer_id=second.customer_id, points=50, expires_on="2099-12-31", note="hello")
    assert (await desk.ask("AdjustPoints", award, key="k")).balance == 50
    assert (await desk.ask("AdjustPoints", award, key="k")).balance == 50
    with pytest.raises(InvalidInput, match="idempotency-key"):
        await desk.ask("AdjustPoints", award)
    adjustment = pb.PointsAdjustment(points=-20, description="gift back")
    pair = {"primary_id": first.customer_id, "merged_ids": [second.customer_id], "adjustment": adjustment}
    preview = await desk.ask("PreviewAbsorb", pb.PreviewAbsorbRequest(**pair))
    assert [account.customer_id for account in preview.accounts] == [first.customer_id, second.customer_id]
    assert (preview.points_before, preview.points_after, list(preview.warnings)) == (50, 30, ["different_names"])
    assert {(f.field, f.value) for f in preview.fields} >= {
        ("phone", "+85294512053"),
        ("email", "Tai.Man@example.com"),
        ("name", "陳大文"),
    }
    [lot] = preview.lots
    assert (lot.customer_id, lot.remaining) == (second.customer_id, 30)
    [retired] = preview.retired
    assert (retired.kind, retired.value, retired.customer_id) == ("phone", "+85261234567", second.customer_id)
    request = pb.AbsorbRequest(merge_run_id=str(new_id()), fingerprint=preview.fingerprint, **pair)
    assert (await desk.ask("Absorb", request, role="service")).points_balance == 30
    assert (await desk.ask("Absorb", request, role="service")).points_balance == 30
    survivor = (await desk.ask("GetCustomer", pb.GetCustomerRequest(customer_id=second.customer_id))).customer
    assert survivor.customer_id == first.customer_id
    assert [merged.name for merged in survivor.merged_accounts] == ["Chan"]
    ledger = await desk.ask("ListPointsEntries", pb.ListPointsEntriesRequest(customer_id=second.customer_id))
    assert [(entry.reason, entry.points, entry.note) for entry in ledger.entries] == [
        (pb.POINTS_REASON_DEDUCTED, -20, "gift back"),
        (pb.POINTS_REASON_MERGED_IN, 50, ""),
    ]
    assert (ledger.balance, [lot.remaining for lot in ledger.lots]) == (30, [30])


async def test_what_an_order_earned_names_the_order(desk: Desk) -> None:
    """B2, B5."""
    enrolled = await desk.enrol()
    paid = order(new_id(), 2_500, order_id=new_id())
    paid.customer_id = enrolled.customer_id
    await desk.shop.hear(*told(paid))
    ledger = await desk.ask("ListPointsEntries", pb.ListPointsEntriesRequest(customer_id=enrolled.customer_id))
    [entry] = ledger.entries
    assert (entry.reason, entry.points, entry.order_id) == (pb.POINTS_REASON_EARNED, 25, paid.order_id)
    assert entry.HasField("expires_at")
    found = (await desk.ask("GetCustomer", pb.GetCustomerRequest(customer_id=enrolled.customer_id))).customer
    assert (found.net_spend_minor, found.orders_count, found.points_balance) == (2_500, 1, 25)


async def test_nobody_by_that_id_is_said_so(desk: Desk) -> None:
    """F10."""
    with pytest.raises(NotFound) as refusal:
        await desk.ask("GetCustomer", pb.GetCustomerRequest(customer_id=str(new_id())))
    assert refusal.value.reason == "customer_not_found"
    with pytest.raises(InvalidInput, match="invalid_id"):
        await desk.ask("GetCustomer", pb.GetCustomerRequest(customer_id="1"))
    with pytest.raises(NotFound, match="customer_not_found"):
        await desk.ask("GetBuyer", pb.GetBuyerRequest(customer_id=str(new_id())))


async def test_many_are_looked_up_at_once_and_old_ids_lead_to_the_survivor(desk: Desk) -> None:
    """F10: for lists that name people."""
    first, second = [
        await desk.enrol(contact=common_pb2.Contact(phone=phone)) for phone in ("+85294512053", "+85261234567")
    ]
    pair = {"primary_id": first.customer_id, "merged_ids": [second.customer_id]}
    preview = await desk.ask("PreviewAbsorb", pb.PreviewAbsorbRequest(**pair))
    absorb = pb.AbsorbRequest(merge_run_id=str(new_id()), fingerprint=preview.fingerprint, **pair)
    await desk.ask("Absorb", absorb, role="service")
    asked = [first.customer_id, second.customer_id, str(new_id())]
    found = (await desk.ask("GetCustomers", pb.GetCustomersRequest(customer_ids=asked))).found
    assert {each.asked_id: each.customer.customer_id for each in found} == dict.fromkeys(asked[:2], first.customer_id)
    assert {each.customer.phone for each in found} == {"+85294512053"}
    with pytest.raises(InvalidInput, match="too_large"):
        await desk.ask("GetCustomers", pb.GetCustomersRequest(customer_ids=[str(new_id()) for _ in range(101)]))


async def test_what_a_deadlock_has_undone_is_asked_for_again(desk: Desk, urls: DatabaseUrls) -> None:
    """Row 25: the other one waits patiently for the customer, so it is the call that PostgreSQL sacrifices; its channel asks again."""
    customer_id = (await desk.enrol()).customer_id
    order_id = new_id()
    other = await asyncpg.connect(urls.admin)
    await other.execute("SET deadlock_timeout = '1min'")
    held = other.transaction()
    await held.start()
    await other.execute(
        """INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)
 VALUES ($1, $2, $3, $3, false, now())""",
        *(desk.shop.store_id, order_id, customer_id),
    )
    again = {"order_id": str(order_id), "customer_id": customer_id, "new_customer": False}
    waiting = asyncio.ensure_future(desk.enrol(**again, contact=common_pb2.Contact()))
    async with asyncio.timeout(20):
        while not await other.fetchval(WAITING, await other.fetchval("SELECT pg_backend_pid()")):
            await asyncio.sleep(0.01)
    await other.execute("SELECT FROM customers WHERE customer_id = $1 FOR UPDATE", customer_id)
    await held.rollback()
    assert (await waiting).customer_id == customer_id
    assert await other.fetchval("SELECT count(*) FROM order_facts WHERE order_id = $1", order_id) == 1
    await other.close()
