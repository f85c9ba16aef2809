"""Notices of payment providers and the customer's way to pay, through the gateway (E1, C7, S)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local import till
from deploy.local.payments.courier import signature
from deploy.local.stack import Stack
from onefold.orders.v1 import payments_pb2 as pb
from services.common import clock
from services.common.ids import new_id
from services.common.links import Links
from services.common.tokens import ServiceClaims
from tests.component.gateway.conftest import Json, Store
from tests.support.until import until


@pytest.fixture(scope="module")
def provider(stack: Stack, store: Store) -> pb.Provider:
    return till.set_up(stack.running, ServiceClaims("staff:test", "owner", _store_id(store)))


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    """A customer's, who brings no cookie and says not where from."""
    with httpx.Client(base_url=stack.settings.gateway_url, trust_env=False, timeout=30) as browser:
        yield browser


def _store_id(store: Store) -> str:
    return str(store.get("/me").json()["store"]["store_id"])


def _page(stack: Stack, store: Store, order: Json) -> str:
    token = Links(stack.settings.service_key).order(
        store.slug, UUID(_store_id(store)), UUID(order["order_id"]), clock.now()
    )
    return f"/s/{store.slug}/orders/{token}"


def test_a_customer_pays_at_the_provider_and_the_order_is_paid(
    stack: Stack, store: Store, provider: pb.Provider, browser: httpx.Client
) -> None:
    """E1: without a cookie, a referrer or a form token, for the link is the key; pressed twice it leads to one checkout."""
    order = store.order(paid=False, language="en")
    page = _page(stack, store, order)
    assert "Pay HK$\u00a090.00" in browser.get(page).text
    first, second = browser.post(f"{page}/pay"), browser.post(f"{page}/pay")
    address = first.headers["Refresh"].removeprefix("0; url=")
    assert second.headers["Refresh"] == first.headers["Refresh"]
    assert (first.status_code, first.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert address.startswith(stack.settings.payments_url)
    declined = httpx.post(address, data={"action": "fail"}, trust_env=False, follow_redirects=True)
    assert "declined" in declined.text
    back = httpx.post(address, data={"action": "pay"}, trust_env=False)
    assert back.headers["Location"].endswith(f"{page}?payment=done")
    paid = until(lambda: (now := _order(store, order))["status"] == "paid" and now, "the notice arrives")
    assert (paid["paid_minor"], paid["payments"][0]["method"], paid["payments"][0]["provider"]) == (
        order["total_minor"],
        "online",
        "Test payments",
    )
    shown = browser.get(f"{page}?payment=done").text
    assert "Pay HK$" not in shown
    assert "waiting" not in shown
    assert browser.post(f"{page}/pay").status_code == 303, "it is paid; the page shows so"


def _order(store: Store, order: Json) -> Json:
    return dict(store.get(f"/orders/{order['order_id']}").json())


def test_the_page_says_how_the_customer_came_back(
    stack: Stack, store: Store, provider: pb.Provider, browser: httpx.Client
) -> None:
    page = _page(stack, store, store.order(paid=False, language="en"))
    assert "waiting for the confirmation" in browser.get(f"{page}?payment=done").text
    cancelled = browser.get(f"{page}?payment=cancelled").text
    assert "came back without paying" in cancelled
    assert "Pay HK$" in cancelled


def test_a_store_without_a_provider_offers_no_button_and_tells_why(
    stack: Stack, new_store: Callable[[], Store], browser: httpx.Client
) -> None:
    other = new_store()
    page = _page(stack, other, other.order(paid=False, language="en"))
    assert "Not paid yet." in browser.get(page).text
    answer = browser.post(f"{page}/pay")
    assert answer.status_code == 409
    assert "does not take payments online" in answer.text
    assert browser.post(f"/s/{other.slug}/orders/{'A' * 70}/pay").status_code == 404


def _event() -> bytes:
    return json.dumps({"id": f"evt_{secrets.token_hex(8)}", "type": "ping", "data": {"object": {}}}).encode()


def test_a_notice_needs_its_signature_and_nothing_else(
    stack: Stack, store: Store, new_store: Callable[[], Store], browser: httpx.Client
) -> None:
    """400 for what is not signed, 404 for nobody's address, 413 for what is too large; 200 only for what is kept."""
    owner = ServiceClaims("staff:test", "owner", _store_id(new_store()))
    secret = "whsec_of_this_test"
    mine = till.set_up(stack.running, owner, webhook_secret=secret)
    address, body, now = f"/webhooks/payments/{mine.provider_id}", _event(), clock.now().timestamp()

    def send(content: bytes, header: str, to: str = address) -> int:
        return browser.post(to, content=content, headers={"Stripe-Signature": header}).status_code

    good = signature(body, secret, now)
    assert send(body, good) == 200
    assert send(body, good) == 200, "a repeat is kept already"
    assert send(body + b" ", good) == 400
    assert send(body, signature(body, "whsec_another", now)) == 400
    assert send(body, signature(body, secret, now - 301)) == 400
    assert send(body, f"{good},v1={'0' * 64}") == 200, "one of several is enough"
    assert browser.post(address, content=body).status_code == 400
    assert send(b"[]", signature(b"[]", secret, now)) == 400
    assert send(body, good, f"/webhooks/payments/{new_id()}") == 404
    large = b"x" * (256 * 1024 + 1)
    assert send(large, signature(large, secret, now)) == 413
    assert browser.get(address).status_code == 405


def test_no_secret_is_ever_told(stack: Stack, store: Store, provider: pb.Provider) -> None:
    """Neither by an answer nor by a log."""
    key = f"sk_test_{_store_id(store).replace('-', '')}"
    assert provider.has_api_key
    assert not re.search(r"sk_test|whsec", str(provider))
    for log in stack.data.logs.glob("*.log"):
        assert key not in log.read_text(errors="replace"), log.name
        assert "whsec_" not in log.read_text(errors="replace"), log.name


def test_a_link_to_pay_is_given_to_programs(stack: Stack, store: Store, provider: pb.Provider) -> None:
    """H4: the order's page, with whether it can be paid there."""
    order = store.order(paid=False)
    answer: Any = store.get(f"/orders/{order['order_id']}/payment-link").json()
    assert answer["payable"] is True
    assert httpx.get(answer["url"], trust_env=False).status_code == 200
    assert store.get(f"/orders/{store.order()['order_id']}/payment-link").json()["payable"] is False
