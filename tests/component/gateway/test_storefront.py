"""The customer's pages: confirmation (A4), an order behind its link (C7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx

from deploy.local.stack import Stack
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
from services.common import clock
from services.common.ids import new_id
from services.common.links import Links
from services.common.tokens import ServiceClaims
from tests.component.gateway.conftest import Store, identity_channel, metadata
from tests.support.until import until


def _email_method(store: Store, member: str) -> dict[str, Any]:
    items = store.get(f"/customers/{member}/login-methods").json()["items"]
    return next((item for item in items if item["kind"] == "email"), {})


def _token(stack: Stack, store: Store, login_method_id: str) -> str:
    store_id = store.get("/me").json()["store"]["store_id"]
    service = ServiceClaims("service:notification", "service", store_id)
    with identity_channel(stack) as channel:
        issued = identity_grpc.LoginServiceStub(channel).IssueConfirmation(
            identity.IssueConfirmationRequest(login_method_id=login_method_id),
            timeout=20,
            metadata=metadata(stack, service),
        )
    assert issued.needed
    return str(issued.token)


def test_the_link_confirms_only_when_its_button_is_pressed(stack: Stack, store: Store) -> None:
    """A4: mail scanners open every link."""
    member = store.member()
    method = until(lambda: _email_method(store, member), "the login method appears")
    token = _token(stack, store, method["login_method_id"])
    with httpx.Client(base_url=store.url, trust_env=False, headers={"Accept-Language": "zh-HK"}) as browser:
        page = browser.get("/s/confirm", params={"token": token})
        assert page.status_code == 200
        assert 'lang="zh-Hant"' in page.text
        assert _email_method(store, member)["confirmed_at"] is None
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert csrf
        form = {"csrf_token": csrf[1], "token": token}
        confirmed = browser.post("/s/confirm", data=form)
        assert confirmed.status_code == 200
        assert "茶 Tea" in confirmed.text
        assert _email_method(store, member)["confirmed_at"]
        refused = browser.post("/s/confirm", data=form | {"token": "another"})
        assert refused.status_code == 404
        assert "確認連結已經失效" in refused.text


def _order_page(stack: Stack, slug: str, order: dict[str, Any], store: Store, language: str = "") -> httpx.Response:
    store_id = UUID(store.get("/me").json()["store"]["store_id"])
    token = Links(stack.settings.service_key).order(slug, store_id, UUID(order["order_id"]), clock.now())
    with httpx.Client(base_url=stack.settings.gateway_url, trust_env=False) as browser:
        return browser.get(f"/s/{slug}/orders/{token}", params={"language": language} if language else {})


def test_the_link_of_an_order_shows_it_as_it_stands_in_its_language(stack: Stack, store: Store) -> None:
    """C7, E1: to whoever holds the link, and to no search engine or other site."""
    person = store.person("陳大文")
    order = store.order(paid=False, contact=person, language="en")
    page = _order_page(stack, store.slug, order, store)
    assert page.status_code == 200
    assert page.headers.get_list("Referrer-Policy") == ["no-referrer"]
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Cache-Control"] == "no-store"
    assert 'lang="en"' in page.text
    for shown in ("茶 Tea", f"#{order['number']}", "Oolong 烏龍茶", "HK$\u00a090.00", "Unpaid", person["email"]):
        assert shown in page.text
    assert order["customer_id"] not in page.text
    store.post(f"/orders/{order['order_id']}/payment", {"method": "cash"})
    chinese = _order_page(stack, store.slug, order, store, "zh-Hant")
    assert 'lang="zh-Hant"' in chinese.text
    assert "已付款" in chinese.text


def test_a_link_that_opens_nothing_is_refused_in_the_same_words(
    stack: Stack, store: Store, new_store: Callable[[], Store]
) -> None:
    """S: another store's order, another store's name, an order that is not, a token that is none."""
    order, other = store.order(), new_store()
    tried = [
        _order_page(stack, other.slug, order, store),
        _order_page(stack, store.slug, order, other),
        _order_page(stack, store.slug, order | {"order_id": str(new_id())}, store),
        _order_page(stack, "no-such-store", order, store),
    ]
    with httpx.Client(base_url=store.url, trust_env=False) as browser:
        tried.append(browser.get(f"/s/{store.slug}/orders/{'A' * 70}"))
    for answer in tried:
        assert answer.status_code == 404
        assert "This link does not open an order" in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_order_of_a_merged_account_is_shown_without_its_contact(stack: Stack, store: Store) -> None:
    """C7, F6."""
    survivor, person = store.member(), store.person()
    merged = store.member(contact=person)
    unpaid = store.order(paid=False, customer_id=merged, contact=None)
    store.merge(survivor, merged)
    for order in (unpaid, store.get("/orders", query=person["email"]).json()["items"][-1]):
        page = _order_page(stack, store.slug, order, store)
        assert page.status_code == 200
        assert "Oolong" in page.text
        assert person["email"] not in page.text
