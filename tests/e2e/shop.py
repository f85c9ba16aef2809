"""A store of its own for a test, filled through the public API, and its staff at the console."""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import httpx
from playwright.sync_api import Page

from deploy.local.stack import Stack
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from services.common.tokens import ServiceClaims, TokenSigner

T = TypeVar("T")
Json = dict[str, Any]
SCOPES = (
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
    "merges:write",
    "levels:write",
    "webhooks:write",
)


def until(what: Callable[[], T], saying: str, seconds: float = 20) -> T:
    """Asks until the answer is true and gives it; fails with `saying` when the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {saying}"
        time.sleep(0.1)
    return answer


@dataclass(frozen=True)
class Person:
    """Somebody whom no other test knows."""

    name: str
    phone: str
    email: str

    @property
    def phone_text(self) -> str:
        """As people in Hong Kong write it."""
        return f"{self.phone[4:8]} {self.phone[8:]}"


class Shop:
    """A new store in Hong Kong, with an owner and an API key."""

    def __init__(self, stack: Stack, language: str = "en") -> None:
        self.url = stack.settings.gateway_url
        self.slug = f"shop-{secrets.token_hex(4)}"
        self.email, self.password = f"owner@{self.slug}.example", secrets.token_urlsafe(12)
        self._people = secrets.randbelow(900_000)
        key = self._open(stack, language)
        self._http = httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )

    def _open(self, stack: Stack, language: str) -> str:
        signer = TokenSigner(stack.settings.service_key)
        store = identity.Store(
            slug=self.slug, name="Tea House", region="HK", currency="HKD", timezone="Asia/Hong_Kong", language=language
        )
        wish = identity.CreateStoreRequest(
            store=store, owner_name="Ada Wong", owner_email=self.email, owner_password=self.password
        )
        target = stack.settings.targets["identity_merge"]
        with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
            access = identity_grpc.AccessServiceStub(channel)
            operator = _metadata(signer, ServiceClaims("operator", "operator"))
            made = access.CreateStore(wish, timeout=20, metadata=operator)
            self.owner_id = made.owner.staff_id
            owner = _metadata(signer, ServiceClaims(f"staff:{made.owner.staff_id}", "owner", made.store.store_id))
            key = access.CreateApiKey(
                identity.CreateApiKeyRequest(name="tests", scopes=SCOPES), timeout=20, metadata=owner
            )
            self.api_key_id = key.api_key.api_key_id
            return key.secret

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def somebody(self, name: str = "") -> Person:
        """A new person with a mobile of Hong Kong."""
        self._people += 1
        return Person(
            name or f"Person {self._people}", f"+8526{1_000_000 + self._people}", f"p{self._people}@mail.example"
        )

    def get(self, path: str) -> Json:
        """A document of the API."""
        return dict(self._http.get(path).raise_for_status().json())

    def post(self, path: str, body: Json) -> Json:
        """Writes something."""
        answer = self._http.post(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        return dict(answer.raise_for_status().json())

    def put(self, path: str, body: Json) -> Json:
        """Replaces something."""
        answer = self._http.put(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        return dict(answer.raise_for_status().json())

    def patch(self, path: str, body: Json) -> Json:
        """Changes a part of something."""
        answer = self._http.patch(path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})
        return dict(answer.raise_for_status().json())

    def order(self, who: Person, *, paid: bool = True, member: bool = True, amount: int = 12_345) -> Json:
        """An order of somebody new, once its buyer is known and counts it."""
        line = {"title": "Oolong 烏龍茶", "quantity": 1, "unit_price_minor": amount}
        contact = {"name": who.name, "phone": who.phone, "email": who.email}
        body = {"paid": paid, "currency": "HKD", "lines": [line], "add_as_member": member, "contact": contact}
        made = self.post("/orders", body)
        return until(
            lambda: self._settled(made["order_id"], paid), f"order {made['order_id']} has a buyer who counts it"
        )

    def _settled(self, order_id: str, paid: bool) -> Json | None:
        order = self.get(f"/orders/{order_id}")
        answer = self._http.get(f"/customers/{order['customer_id']}")
        counted = answer.status_code == 200 and (not paid or answer.json()["orders_count"] >= 1)
        return order if counted and answer.json()["customer_id"] == order["customer_id"] else None

    def member(self, who: Person, **wishes: Any) -> str:
        """The customer id of somebody who has become a member by an order."""
        return str(self.order(who, **wishes)["customer_id"])


def _metadata(signer: TokenSigner, claims: ServiceClaims) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {signer.sign(claims)}"), ("idempotency-key", str(uuid.uuid4())))


def log_in(page: Page, shop: Shop) -> None:
    """Logs the owner in by the form."""
    page.goto("/console/login")
    page.locator("#store").fill(shop.slug)
    page.locator("#email").fill(shop.email)
    page.locator("#password").fill(shop.password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(re.compile(r"/console/$"))
