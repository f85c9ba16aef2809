"""The gateway in front of real services, and stores of their own for the tests."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest

from deploy.local.stack import Stack
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from services.common.tokens import ServiceClaims, TokenSigner
from tests.support.until import until

Json = dict[str, Any]
LINES = [{"title": "Oolong 烏龍茶", "quantity": 2, "unit_price_minor": 4_500}]


def key() -> str:
    """A new idempotency key."""
    return str(uuid.uuid4())


def metadata(stack: Stack, claims: ServiceClaims) -> tuple[tuple[str, str], ...]:
    """What a call to a service carries besides its request."""
    return (
        ("authorization", f"Bearer {TokenSigner(stack.settings.service_key).sign(claims)}"),
        ("idempotency-key", key()),
    )


@contextmanager
def identity_channel(stack: Stack) -> Iterator[grpc.Channel]:
    """A channel to identity_merge, for what has no REST: making stores, issuing confirmations."""
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(stack.settings.targets["identity_merge"], options=options) as channel:
        yield channel


class Store:
    """A new store in Hong Kong and its owner's way into the API."""

    def __init__(self, stack: Stack) -> None:
        self.url = stack.settings.gateway_url
        self.slug, self.email, self.password = (
            f"s-{secrets.token_hex(5)}",
            "owner@mail.example",
            secrets.token_urlsafe(12),
        )
        wanted = identity.Store(
            slug=self.slug, name="茶 Tea", region="HK", currency="HKD", timezone="Asia/Hong_Kong", language="zh-Hant"
        )
        with identity_channel(stack) as channel:
            access = identity_grpc.AccessServiceStub(channel)
            access.CreateStore(
                identity.CreateStoreRequest(
                    store=wanted, owner_name="Ada", owner_email=self.email, owner_password=self.password
                ),
                timeout=20,
                metadata=metadata(stack, ServiceClaims("operator", "operator")),
            )
            session = access.LogIn(
                identity.LogInRequest(store_slug=self.slug, email=self.email, password=self.password),
                timeout=20,
                metadata=metadata(stack, ServiceClaims("customer:", "public")),
            )
        self.session_token = session.session_token
        self.http = self.client(session.session_token)
        self._phone = secrets.randbelow(1_400_000)

    def client(self, credential: str) -> httpx.Client:
        """An API client with another credential."""
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30, trust_env=False)

    def person(self, name: str = "陳大文") -> Json:
        """A contact that nobody else has."""
        self._phone += 1
        return {"name": name, "phone": f"+8526{1_000_000 + self._phone}", "email": f"p{self._phone}@mail.example"}

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Reads."""
        return self.http.get(path, params=query)

    def post(self, path: str, body: Any, idempotency_key: str = "") -> httpx.Response:
        """Writes, with a key of its own unless one is named."""
        return self.http.post(path, json=body, headers={"Idempotency-Key": idempotency_key or key()})

    def order(self, **wishes: Any) -> Json:
        """An order of somebody new, paid unless said otherwise; its answer."""
        body = {"paid": True, "currency": "HKD", "lines": LINES, "contact": self.person()} | wishes
        response = self.post("/orders", body)
        assert response.status_code == 201, response.text
        return dict(response.json())

    def member(self, **wishes: Any) -> str:
        """The id of a new member whose order has been counted, so that nothing about the account is on its way any more."""
        order = self.order(**wishes)

        def counted() -> str:
            customer = self.get(f"/customers/{order['customer']['customer_id']}").json()
            return str(customer["customer_id"]) if customer.get("orders_count") else ""

        return until(counted, "the order is counted for its member")

    def merge(self, primary: str, *others: str) -> Json:
        """Plans, commits and awaits a merge; how it ended."""
        plan = self.post("/merges/plans", {"customer_ids": [primary, *others], "primary_id": primary})
        assert plan.status_code == 201, plan.text
        run = self.post("/merges", {"plan_id": plan.json()["plan_id"], "plan_hash": plan.json()["plan_hash"]})
        assert run.status_code == 202, run.text

        def ended() -> Json:
            now: Json = self.http.get(run.headers["Location"].removeprefix("/api/v1")).json()
            return now if now["state"] in ("completed", "refused") else {}

        return until(ended, "the merge ends by itself")


@pytest.fixture(scope="session")
def new_store(stack: Stack) -> Iterator[Callable[[], Store]]:
    """Makes stores."""
    made: list[Store] = []

    def make() -> Store:
        made.append(Store(stack))
        return made[-1]

    yield make
    for store in made:
        store.http.close()


@pytest.fixture(scope="session")
def store(new_store: Callable[[], Store]) -> Store:
    """The store of this folder's tests."""
    return new_store()


def problem(response: httpx.Response) -> tuple[int, str, set[tuple[str, str]]]:
    """Status, reason, and (field, reason) of each field."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    document = response.json()
    return response.status_code, document["reason"], {(e["field"], e["reason"]) for e in document["errors"]}
