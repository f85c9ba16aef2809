"""The identity_merge service on a real database, called by real gRPC; membership and orders are played by a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from google.protobuf.message import Message
from grpc import aio
from sqlalchemy import text

from deploy.local.ports import choose
from deploy.local.state import DatabaseUrls
from onefold.identity_merge.v1 import (
    accounts_pb2_grpc,
    audit_pb2_grpc,
    authentication_pb2_grpc,
    batches_pb2_grpc,
    duplicates_pb2_grpc,
    keys_pb2_grpc,
    service_pb2_grpc,
    staff_pb2_grpc,
)
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import likeness_pb2_grpc, registration_pb2_grpc
from onefold.membership.v1 import service_pb2_grpc as membership_grpc
from onefold.orders.v1 import contacts_pb2_grpc
from onefold.orders.v1 import merging_pb2_grpc as relinking_grpc
from onefold.orders.v1 import service_pb2_grpc as orders_grpc
from services.common import rpc
from services.common.database import Database, connect
from services.common.identifiers import IdentifierHasher
from services.common.ids import new_id
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.sealing import Sealer
from services.common.tokens import ServiceClaims, TokenSigner
from services.identity_merge.api import (
    AccessApi,
    ApiKeyApi,
    AuditApi,
    AuthenticationApi,
    CustomerAccountApi,
    DuplicatesApi,
    LoginApi,
    MergeApi,
    MergeBatchApi,
    StaffApi,
)
from services.identity_merge.clients import Membership, Orders
from services.identity_merge.commands import Context
from services.identity_merge.commands.passwords import Passwords
from services.identity_merge.commands.runner import Runner
from tests.integration.identity_merge.others import (
    Script,
    ScriptedContacts,
    ScriptedLikeness,
    ScriptedMembership,
    ScriptedOrders,
    ScriptedRegistration,
)

SERVICE_KEY = "service key of the tests which is long enough"
SIGNER = TokenSigner(SERVICE_KEY)
# A test logs in by hashes that cost nothing; who measures what a log-in takes asks for THOROUGH.
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
THOROUGH = pytest.mark.parametrize("passwords", [pytest.param(Passwords(), id="thorough")])
OPERATOR = ServiceClaims(actor="operator", role="operator")
PUBLIC = ServiceClaims(actor="public", role="public")
PASSWORD = "correct horse battery"


@dataclass
class Service:
    """The service as its callers see it, and its insides for looking after the fact."""

    app: Context
    worker: Context
    admin: Database
    urls: DatabaseUrls
    channel: aio.Channel
    others: str
    script: Script

    def __post_init__(self) -> None:
        self.access = service_pb2_grpc.AccessServiceStub(self.channel)
        self.accounts = accounts_pb2_grpc.CustomerAccountServiceStub(self.channel)
        self.logins = service_pb2_grpc.LoginServiceStub(self.channel)
        self.authentication = authentication_pb2_grpc.AuthenticationServiceStub(self.channel)
        self.batches = batches_pb2_grpc.MergeBatchServiceStub(self.channel)
        self.merges = service_pb2_grpc.MergeServiceStub(self.channel)
        self.staff = staff_pb2_grpc.StaffServiceStub(self.channel)
        self.duplicates = duplicates_pb2_grpc.DuplicatesServiceStub(self.channel)
        self.keys = keys_pb2_grpc.ApiKeyServiceStub(self.channel)
        self._caller = Caller(SIGNER, "test")

    async def call(
        self, method: Callable[..., Awaitable[Any]], request: Message, who: ServiceClaims, key: str = ""
    ) -> Any:
        """The answer; raises the error of the tree that the service raised."""
        return await self._caller.call(method, request, who, seconds=10, idempotency_key=key)

    async def new_store(self, slug: str = "") -> ServiceClaims:
        """A store with owner@<slug>.example; claims of that owner."""
        slug = slug or f"s{new_id().hex[-12:]}"
        made = await self.call(self.access.CreateStore, founding(slug), OPERATOR)
        return ServiceClaims(
            actor=f"staff:{made.owner.staff_id}", role="owner", store_id=made.store.store_id, timezone="Asia/Taipei"
        )

    async def plan(self, who: ServiceClaims, primary: UUID, *merged: UUID) -> pb.MergePlan:
        """A plan to fold `merged` into `primary`."""
        request = pb.PlanMergeRequest(customer_ids=[str(primary), *map(str, merged)], primary_id=str(primary))
        return (await self.call(self.merges.PlanMerge, request, who, str(new_id()))).plan

    async def commit(self, who: ServiceClaims, plan: pb.MergePlan, key: str = "") -> pb.MergeRun:
        """Starts a plan's merge."""
        request = pb.CommitMergeRequest(plan_id=plan.plan_id, plan_hash=plan.plan_hash)
        return (await self.call(self.merges.CommitMerge, request, who, key or str(new_id()))).run

    async def merge_of(self, who: ServiceClaims, run: pb.MergeRun) -> pb.MergeRun:
        """The run as it stands now."""
        request = pb.GetMergeRequest(merge_run_id=run.merge_run_id)
        return (await self.call(self.merges.GetMerge, request, who)).run

    def runner(self) -> Runner:
        """A worker, as of one more process."""
        return Runner(self.worker)

    async def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """What a statement finds across stores, by a superuser's eyes."""
        async with self.admin.across_stores() as tx:
            result = await tx.execute(text(statement), parameters)
            return list(result.all()) if result.returns_rows else []


def founding(slug: str, **changes: Any) -> pb.CreateStoreRequest:
    """A store that breaks no rule, but for `changes` (of the store's fields, or owner_…)."""
    store = {
        "slug": slug,
        "name": "峯 Records",
        "region": "HK",
        "currency": "HKD",
        "timezone": "Asia/Taipei",
        "language": "zh-Hant",
    }
    owner = {"owner_name": "Ada", "owner_email": f"owner@{slug[:40]}.example", "owner_password": PASSWORD}
    owner |= {name: value for name, value in changes.items() if name in owner}
    store |= {name: value for name, value in changes.items() if name in store}
    return pb.CreateStoreRequest(store=pb.Store(**store), **owner)


@pytest.fixture
async def script() -> Script:
    return Script()


@pytest.fixture
async def others(script: Script) -> AsyncIterator[str]:
    address = f"127.0.0.1:{choose(['others'], {})['others']}"
    server = Server(address, SIGNER)
    membership_grpc.add_MembershipServiceServicer_to_server(ScriptedMembership(script), server.aio)
    registration_pb2_grpc.add_RegistrationServiceServicer_to_server(ScriptedRegistration(script), server.aio)
    likeness_pb2_grpc.add_LikenessServiceServicer_to_server(ScriptedLikeness(script), server.aio)
    contacts_pb2_grpc.add_ContactsServiceServicer_to_server(ScriptedContacts(script), server.aio)
    orders_grpc.add_OrdersServiceServicer_to_server(ScriptedOrders(script), server.aio)
    relinking_grpc.add_RelinkingServiceServicer_to_server(ScriptedOrders(script), server.aio)
    await server.start()
    yield address
    await server.aio.stop(grace=None)


def make_context(url: str, others: str, passwords: Passwords = CHEAP) -> Context:
    database = Database(connect(url, connections=16, name="test"))
    caller = Caller(SIGNER, "identity_merge")
    channel = rpc.channel(others)
    hasher = IdentifierHasher("identifier key of the tests, long enough")
    sealer = Sealer({"test": b"sealing key of tests, 32 bytes.."})
    membership, orders = Membership(channel, caller), Orders(channel, caller)
    return Context(database, Waker(database), hasher, passwords, membership, orders, sealer)


@pytest.fixture
def passwords() -> Passwords:
    return CHEAP


@pytest.fixture
async def service(
    service_database: Callable[[str], DatabaseUrls], others: str, script: Script, passwords: Passwords
) -> AsyncIterator[Service]:
    urls = service_database("identity_merge")
    app, worker = make_context(urls.app, others, passwords), make_context(urls.worker, others, passwords)
    address = f"127.0.0.1:{choose(['own'], {})['own']}"
    server = Server(address, SIGNER)
    service_pb2_grpc.add_AccessServiceServicer_to_server(AccessApi(app), server.aio)
    accounts_pb2_grpc.add_CustomerAccountServiceServicer_to_server(CustomerAccountApi(app), server.aio)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditApi(app), server.aio)
    authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(AuthenticationApi(app), server.aio)
    batches_pb2_grpc.add_MergeBatchServiceServicer_to_server(MergeBatchApi(app), server.aio)
    duplicates_pb2_grpc.add_DuplicatesServiceServicer_to_server(DuplicatesApi(app), server.aio)
    keys_pb2_grpc.add_ApiKeyServiceServicer_to_server(ApiKeyApi(app), server.aio)
    service_pb2_grpc.add_LoginServiceServicer_to_server(LoginApi(app), server.aio)
    service_pb2_grpc.add_MergeServiceServicer_to_server(MergeApi(app), server.aio)
    staff_pb2_grpc.add_StaffServiceServicer_to_server(StaffApi(app), server.aio)
    await server.start()
    channel = rpc.channel(address)
    admin = Database(connect(urls.admin, connections=2, name="test-admin"))
    service = Service(app, worker, admin, urls, channel, others, script)
    waking = [asyncio.create_task(context.waker.run()) for context in (app, worker)]
    yield service
    for task in waking:
        task.cancel()
    # One that was in the middle of a transaction still has to give its connection up.
    await asyncio.gather(*waking, return_exceptions=True)
    await channel.close()
    await server.aio.stop(grace=None)
    await asyncio.gather(app.close(), worker.close(), admin.close())
