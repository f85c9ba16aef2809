"""The whole system under fault: kill, start again, look into the databases, audit."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import grpc
import httpx

from deploy.audit.__main__ import audit
from deploy.local.cluster import Cluster
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process
from deploy.local.provision import run_sync
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from services.common.tokens import ServiceClaims, TokenSigner
from tests.faults.client import Api, Shop, until

SERVES = tuple(f"{context}-serve" for context in CONTEXTS)
WORKS = tuple(f"{context}-work" for context in CONTEXTS)
SERVICES = (*SERVES, *WORKS)
_SCOPES = (
    "orders:read",
    "orders:write",
    "orders:refund",
    "orders:export",
    "items:read",
    "items:write",
    "carts:read",
    "carts:write",
    "members:read",
    "members:write",
    "members:import",
    "members:export",
    "levels:write",
    "merges:write",
    "levels:write",
    "webhooks:write",
)
# Leases and redelivery are patient in production; a test need not be. The rules are the same. NATS is away, and events are told again,
# beyond what JetStream would recognise.
_QUICK = {
    "ONEFOLD_NATS_ACK_SECONDS": "2",
    "ONEFOLD_NATS_DUPLICATE_SECONDS": "1",
    "ONEFOLD_SMTP_SECONDS": "1",
    "ONEFOLD_WEBHOOK_SECONDS": "1",
}
SETTLE_SECONDS = 45.0
_MOST_MAILS = 1_000_000


class QuickStack(Stack):
    """A stack that notices sooner that somebody has died."""

    def _service(self, context: str, command: str, host: str = LOOPBACK) -> Process:
        process = super()._service(context, command, host)
        process.environment = {**process.environment, **_QUICK}
        process.niceness = 0  # other tests run beside these, and would keep a nice sender waiting
        return process


class QuickCluster(QuickStack, Cluster):
    """The same of several processes of each kind, and three brokers."""


class System:
    """A running stack, as the fault tests handle it; `transport` is the way to its gateway, where that is not straight."""

    def __init__(self, stack: Stack, transport: httpx.BaseTransport | None = None) -> None:
        self.stack = stack
        self.transport = transport
        self._signer = TokenSigner(stack.settings.service_key)
        self._digests: dict[str, str] = {}
        self._told: set[str] = set()
        self._armed: set[str] = set()

    # --- processes ---------------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """By name, as in Stack.process."""
        return self.stack.process(name)

    def bring_up(self) -> None:
        """Starts whatever does not run, or waits to die: infrastructure first, then all at once."""
        for name in self._armed:
            self.process(name).kill()
        self._armed.clear()
        everything = self.stack.processes
        first = [name for name in everything if name.startswith(("postgres", "nats", "mail"))]
        for group in (first, [name for name in everything if name not in first]):
            down = [everything[name] for name in group if not everything[name].running]
            for process in down:
                process.start(wait=False)
            # What is asked of a worker waits for it anyway.
            for process in down:
                if "-work" not in process.name:
                    process.wait_ready()

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Kills the processes, and starts them again at the end."""
        for name in names:
            self.process(name).kill()
        try:
            yield
        finally:
            self.bring_up()

    def arm(self, name: str, point: str) -> None:
        """Starts the process anew so that it dies at the crash point; gives when it serves, or has died there already."""
        process = self.process(name)
        process.kill()
        self._armed.add(name)
        process.start({"ONEFOLD_CRASH_AT": point}, wait=False)
        if name not in WORKS:
            until(lambda: not process.running or process.ready is None or process.ready(), 60, f"{name} starts")

    # --- databases ---------------------------------------------------------------------------------------------------

    def rows(self, context: str, query: str, *args: object) -> list[tuple[Any, ...]]:
        """Rows from a service's database, with eyes for every store."""
        return run_sync(_rows(self.stack.settings.databases[context].admin, query, args))

    def let_merge_leases_end(self) -> None:
        """As if the quarter of a minute had passed in which a merge still belongs to the worker that died with it.

        test_random_kills.py waits for the real end.
        """
        self.rows("identity_merge", "UPDATE merge_runs SET claimed_until = now() WHERE finished_at IS NULL")

    def content(self, store_id: str) -> dict[str, tuple[int, int]]:
        """Rows and a digest of them for every table of every service, as far as they are the store's."""
        return run_sync(self._content(uuid.UUID(store_id)))

    async def _content(self, store_id: uuid.UUID) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for context in CONTEXTS:
            connection = await asyncpg.connect(self.stack.settings.databases[context].admin)
            try:
                if context not in self._digests:
                    tables = [table for (table,) in await connection.fetch(_TABLES)]
                    self._digests[context] = " UNION ALL ".join(_DIGEST.format(table=table) for table in tables)
                for table, count, digest in await connection.fetch(self._digests[context], store_id):
                    found[f"{context}.{table}"] = (count, digest)
            finally:
                await connection.close()
        return found

    # --- verdicts ----------------------------------------------------------------------------------------------------

    def audit(self, seconds: float = SETTLE_SECONDS) -> dict[str, int]:
        """Lets everything come to rest by itself and asserts that every invariant holds; messages by state."""
        urls = {context: urls.admin for context, urls in self.stack.settings.databases.items()}
        waiting, verdicts, states = run_sync(audit(urls, seconds))
        broken = [f"{v.letter}: {v.sentence}: {v.examples}" for v in verdicts if not v.holds]
        # What was broken before is told by the test that broke it, and hides nothing new.
        news = [one for one in broken if one not in self._told]
        self._told.update(broken)
        # Told together: what is still on its way may be why something does not hold yet.
        on_its_way = f"still on its way after {seconds:.0f} s: {waiting}" if waiting else ""
        assert not news, "\n".join([*news, on_its_way])
        assert not on_its_way, on_its_way
        return states

    def mails(self, recipient: str, subject: str = "") -> list[dict[str, Any]]:
        """Mails that reached the recipient, newest first: all at once, for a mail that comes between two pages would be on both."""
        url, query = f"{self.stack.settings.mail_url}/api/messages", {"to": recipient, "limit": str(_MOST_MAILS)}
        messages = httpx.get(url, params=query, trust_env=False, timeout=30).raise_for_status().json()["messages"]
        return [message for message in messages if subject in message["subject"]]

    # --- stores ------------------------------------------------------------------------------------------------------

    def open_shop(self, language: str = "en") -> Shop:
        """A new store with an API key for everything a key may do."""
        slug, password = f"shop-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        with grpc.insecure_channel(
            self.stack.settings.targets["identity_merge"], options=[("grpc.enable_http_proxy", 0)]
        ) as channel:
            access = identity_grpc.AccessServiceStub(channel)
            made = access.CreateStore(
                identity.CreateStoreRequest(
                    store=identity.Store(
                        slug=slug,
                        name="Shop",
                        region="HK",
                        currency="HKD",
                        timezone="Asia/Hong_Kong",
                        language=language,
                    ),
                    owner_name="Owner",
                    owner_email=f"owner@{slug}.example",
                    owner_password=password,
                ),
                timeout=10,
                metadata=self.metadata(ServiceClaims("operator", "operator")),
            )
            owner = ServiceClaims(f"staff:{made.owner.staff_id}", "owner", made.store.store_id)
            request = identity.CreateApiKeyRequest(name="tests", scopes=_SCOPES)
            secret = access.CreateApiKey(request, timeout=10, metadata=self.metadata(owner)).secret
            session = access.LogIn(
                identity.LogInRequest(store_slug=slug, email=f"owner@{slug}.example", password=password),
                timeout=10,
                metadata=self.metadata(ServiceClaims("customer:", "public")),
            )
        url = self.stack.settings.gateway_url
        api, owner = (Api(url, each, self.transport) for each in (secret, session.session_token))
        shop = Shop(made.store.store_id, slug, api, owner, password=password)
        # Points are earned by the store's settings, which membership learns by an event.
        settings = "SELECT 1 FROM store_settings WHERE store_id = $1"
        until(lambda: self.rows("membership", settings, uuid.UUID(shop.store_id)), 20, "membership knows the store")
        return shop

    def metadata(self, claims: ServiceClaims) -> tuple[tuple[str, str], ...]:
        """Of a gRPC call in somebody's name."""
        return (
            ("authorization", f"Bearer {self._signer.sign(claims)}"),
            ("idempotency-key", str(uuid.uuid4())),
            ("x-request-id", str(uuid.uuid4())),
        )


async def _rows(url: str, query: str, args: tuple[object, ...]) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *args)]
    finally:
        await connection.close()


_TABLES = """SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
 WHERE table_schema = 'public' AND column_name = 'store_id' AND table_type = 'BASE TABLE' ORDER BY table_name"""
_DIGEST = (
    "SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t WHERE store_id = $1"
)
