"""Composition root of the identity_merge service: serve | work | scan | migrate."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import structlog

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
from services.common import rpc, service, worker
from services.common.bus import Bus
from services.common.config import Environment
from services.common.database import Database, connect, is_transient
from services.common.errors import Unavailable
from services.common.identifiers import IdentifierHasher
from services.common.outbox import Waker
from services.common.rpc import Caller, Server
from services.common.sealing import Sealer
from services.common.tokens import TokenSigner
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
    SocialLoginApi,
    StaffApi,
)
from services.identity_merge.clients import Membership, Orders
from services.identity_merge.clients.social import SocialProviders
from services.identity_merge.commands import Context
from services.identity_merge.commands.batches import tend_batches
from services.identity_merge.commands.housekeeping import delete_expired
from services.identity_merge.commands.passwords import Passwords
from services.identity_merge.commands.runner import Runner
from services.identity_merge.commands.scanning import LOOK_SECONDS, Scanner
from services.identity_merge.consumers import subscriptions
from services.identity_merge.domain.codes import SMS_REGIONS
from services.identity_merge.store.queues import QUEUES

BATCH_SECONDS = 0.2
log = structlog.get_logger()


def _context(environment: Environment, signer: TokenSigner, *, connections: int, name: str) -> Context:
    database = Database(
        connect(environment.text("DATABASE_URL"), connections=environment.number("CONNECTIONS", connections), name=name)
    )
    caller = Caller(signer, "identity_merge")
    return Context(
        database,
        Waker(database),
        IdentifierHasher(environment.secret("IDENTIFIER_KEY")),
        Passwords(),
        Membership(rpc.channel(environment.text("MEMBERSHIP_TARGET")), caller),
        Orders(rpc.channel(environment.text("ORDERS_TARGET")), caller),
        Sealer.read(environment),
        SMS_REGIONS | frozenset(environment.text("SMS_REGIONS", "").upper().split()),
        SocialProviders.read(environment),
    )


async def serve(environment: Environment, stop: asyncio.Event) -> None:
    """Answers gRPC."""
    signer = TokenSigner(environment.secrets("SERVICE_KEY"))
    context = _context(environment, signer, connections=16, name="identity_merge-serve")
    server = Server(environment.text("LISTEN"), signer, context.database)
    service_pb2_grpc.add_AccessServiceServicer_to_server(AccessApi(context), server.aio)
    accounts_pb2_grpc.add_CustomerAccountServiceServicer_to_server(CustomerAccountApi(context), server.aio)
    audit_pb2_grpc.add_AuditServiceServicer_to_server(AuditApi(context), server.aio)
    authentication_pb2_grpc.add_AuthenticationServiceServicer_to_server(AuthenticationApi(context), server.aio)
    batches_pb2_grpc.add_MergeBatchServiceServicer_to_server(MergeBatchApi(context), server.aio)
    duplicates_pb2_grpc.add_DuplicatesServiceServicer_to_server(DuplicatesApi(context), server.aio)
    keys_pb2_grpc.add_ApiKeyServiceServicer_to_server(ApiKeyApi(context), server.aio)
    service_pb2_grpc.add_LoginServiceServicer_to_server(LoginApi(context), server.aio)
    service_pb2_grpc.add_MergeServiceServicer_to_server(MergeApi(context), server.aio)
    accounts_pb2_grpc.add_SocialLoginServiceServicer_to_server(SocialLoginApi(context), server.aio)
    staff_pb2_grpc.add_StaffServiceServicer_to_server(StaffApi(context), server.aio)
    await server.start()
    await service.until(stop, context.waker.run())
    await server.stop()
    await context.close()


async def work(environment: Environment, stop: asyncio.Event) -> None:
    """Publishes events, follows those of others, carries merges out, and has stores scanned."""
    signer = TokenSigner(environment.secrets("SERVICE_KEY"))
    context = _context(environment, signer, connections=10, name="identity_merge-work")
    bus = Bus.of(environment, "identity_merge-work")
    await worker.run(
        "identity_merge",
        stop,
        environment.text("LISTEN"),
        context.database,
        bus,
        subscriptions(context.identifiers),
        context.waker.run(),
        Runner(context).run(),
        worker.every(BATCH_SECONDS, "merge_batches", lambda: tend_batches(context)),
        worker.every(LOOK_SECONDS, "scans", Scanner(context.database, _scan_pause(environment)).look),
        worker.every(600, "expiry", lambda: delete_expired(context.database)),
        queues=QUEUES,
    )
    await context.close()


async def scan(environment: Environment, stop: asyncio.Event) -> None:
    """Scans the stores that are due, and ends: a process for a minute, since what it loads is large."""
    from services.identity_merge.commands.scan import Memory, scan_due

    context = _context(
        environment, TokenSigner(environment.secrets("SERVICE_KEY")), connections=2, name="identity_merge-scan"
    )
    memory = Memory(environment.text("SCAN_MEMORY", "320MB"), environment.number("SCAN_THREADS", 2))
    scanning = asyncio.create_task(scan_due(context, _scan_pause(environment), memory))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([scanning, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.is_set():
        scanning.cancel()
    try:
        await scanning
    except asyncio.CancelledError:
        return
    except Exception as error:
        # It is begun anew later; that others are away is no defect of this process, of which an alert would tell.
        if not (isinstance(error, Unavailable) or is_transient(error)):
            raise
        log.warning("scan_broken_off", error=type(error).__name__)
    finally:
        await context.close()


def _scan_pause(environment: Environment) -> timedelta:
    """Between two scans of a store that nobody has asked for; 0: there are none."""
    return timedelta(seconds=environment.number("SCAN_SECONDS", 3_600))


if __name__ == "__main__":
    service.main(
        "identity_merge",
        {
            "serve": serve,
            "work": work,
            "scan": scan,
            "migrate": service.migrate_command(Path(__file__).parent / "migrations"),
        },
    )
