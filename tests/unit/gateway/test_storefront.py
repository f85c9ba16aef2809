"""What the customers' pages do by themselves: ways back, cookies, and pages while every service is away."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.storefront import checkout, cookies, frame, session
from onefold.identity_merge.v1.accounts_pb2 import VerifyCodeResponse
from onefold.identity_merge.v1.service_pb2 import LoginMethod, Store
from onefold.orders.v1 import carts_pb2
from services.common.config import Environment
from services.common.errors import Unavailable
from services.common.ids import new_id
from tests.unit.gateway.conftest import SETTINGS


@pytest.mark.parametrize("address", ["/s/tea/account", "/s/tea/orders/x?language=en", "/s/tea/", "/s/tea/a%20b"])
def test_a_way_back_into_the_store_is_taken(address: str) -> None:
    assert cookies.inside("tea", address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/",
        "/s/tea",
        "/s/teashop/account",
        "/s/other/account",
        "/console/",
        "https://evil.example/s/tea/",
        "//evil.example/s/tea/",
        "/\\evil.example/s/tea/",
        "/s/tea/\\evil.example",
        "/s/tea/%5Cevil.example",
        "/s/tea/../other/account",
        "/s/tea/%2e%2e/other/account",
        "/s/tea/\nSet-Cookie: a=b",
        "javascript:/s/tea/",
        " /s/tea/",
    ],
)
def test_a_way_out_of_the_store_is_not(address: str) -> None:
    assert cookies.inside("tea", address) == ""


@pytest.mark.parametrize(("scheme", "prefix"), [("http", ""), ("https", "__Host-")])
def test_cookies_are_this_hosts_and_not_for_scripts(scheme: str, prefix: str) -> None:
    app: Flask = create_app(Environment(SETTINGS | {"ONEFOLD_PUBLIC_URL": f"{scheme}://shop.example"}))
    response = Response()
    with app.test_request_context():
        cookies.keep(response, cookies.MEMBER, "tea", "ofm_x", 60)
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{prefix}onefold_member_tea=ofm_x; ")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) == bool(prefix)
    assert "Domain" not in cookie


@pytest.mark.parametrize("path", ["login", "login/code", "login/password", "register", "account", "account/data.json"])
def test_a_store_that_cannot_be_looked_up_is_told_of_as_such(client: FlaskClient, path: str) -> None:
    assert client.get(f"/s/tea/{path}").status_code == 503


@pytest.mark.parametrize(
    "path",
    [
        *("login", "login/code", "login/password", "login/with/google", "logout", "register", "register/link"),
        *("account/login", "account/password", "account/privacy", "account/sessions/end"),
    ],
)
def test_no_other_site_logs_anybody_in_or_out(client: FlaskClient, path: str) -> None:
    """Forms carry a token of the page that they were on."""
    assert client.post(f"/s/tea/{path}", data={"identifier": "a@example.com", "code": "123456"}).status_code in (
        400,
        409,
    )


@pytest.mark.parametrize(
    ("proxies", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.7"), ("2", "198.51.100.9")], ids=str
)
def test_only_our_own_proxies_are_believed_about_where_a_request_comes_from(proxies: str, seen: str) -> None:
    app = create_app(Environment(SETTINGS | {"ONEFOLD_PROXIES": proxies}))
    sources: list[str | None] = []
    app.before_request(lambda: sources.append(request.remote_addr))
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.9, 203.0.113.7"})
    assert sources == [seen]


TEA = Store(store_id=str(new_id()), slug="tea", name="Tea House", timezone="Asia/Hong_Kong", language="en")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store was known before the services went away, half a minute ago and more."""
    monkeypatch.setitem(frame._stores, "tea", (0.0, TEA))


@pytest.mark.usefixtures("known")
def test_while_nobody_can_say_who_is_there_guests_go_on_and_members_are_told(client: FlaskClient) -> None:
    """E6: a session is not thrown away for it."""
    assert client.get("/s/tea/account").headers["Location"] == "/s/tea/login?next=/s/tea/account"
    client.set_cookie("onefold_member_tea", "ofm_x")
    page = client.get("/s/tea/login")
    assert page.status_code == 200
    assert "Tea House" in page.text
    assert "My account" not in page.text
    assert client.get("/s/tea/account").status_code == 503
    assert client.get_cookie("onefold_member_tea") is not None
    client.delete_cookie("onefold_member_tea")


@pytest.mark.usefixtures("known")
def test_a_form_that_cannot_be_sent_now_keeps_what_was_typed(client: FlaskClient) -> None:
    page = client.get("/s/tea/login?next=https://evil.example/")
    assert "evil" not in page.text.partition("<main")[2]
    hidden = dict(re.findall(r'name="(csrf_token|idempotency_key)"[^>]*value="([^"]+)"', page.text))
    refused = client.post("/s/tea/login", data=hidden | {"identifier": "tai.man@example.com"})
    assert refused.status_code == 503
    assert 'value="tai.man@example.com"' in refused.text
    assert hidden["idempotency_key"] in refused.text


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("cart_is_away", [False, True])
def test_an_order_of_which_nobody_knows_whether_it_stands_is_asked_for_again_by_the_same_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, cart_is_away: bool
) -> None:
    """E7: the cart is empty, since the order was written and the answer was lost. An empty cart alone would tell nothing of it."""

    def read_cart(_: object) -> carts_pb2.Cart:
        if cart_is_away:
            raise Unavailable("service_unavailable")
        return carts_pb2.Cart()

    monkeypatch.setattr(checkout, "read_cart", read_cart)
    page = client.get("/s/tea/login")
    hidden = dict(re.findall(r'name="(csrf_token|idempotency_key)"[^>]*value="([^"]+)"', page.text))
    client.set_cookie("onefold_cart_tea", "v" * 43)
    typed = {"name": "陳 <b>", "email": "a@example.com", "ship_to-lines": "1 Nathan Road\n2/F", "ship_to-city": "HK"}
    sent = (
        hidden | typed | {"ship_to-country": "HK", "cart_id": str(new_id()), "seen": f"{new_id()}:2:4500", "note": ""}
    )
    answer = client.post("/s/tea/checkout", data=sent)
    client.delete_cookie("onefold_cart_tea")
    assert answer.status_code == 503
    assert "nothing is ordered twice" in answer.text
    kept = {name: unescape(value) for name, value in re.findall(r'name="([\w-]+)"[^>]*value="([^"]*)"', answer.text)}
    assert {name: kept[name] for name in sent if name != "csrf_token"} == {
        name: value for name, value in sent.items() if name != "csrf_token"
    }


def test_what_is_to_be_done_at_a_log_in_is_done_once_and_its_failure_undoes_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks: list[session.Hook] = []
    monkeypatch.setattr(session, "_hooks", hooks)
    seen: list[tuple[str, str, str]] = []

    @session.on_log_in
    def fails(store: Store, who: session.Member) -> None:
        raise Unavailable("service_unavailable")

    @session.on_log_in
    def notes(store: Store, who: session.Member) -> None:
        seen.append((store.slug, who.customer_id, who.claims.actor))

    begun = VerifyCodeResponse(
        session_token="ofm_new", login_method=LoginMethod(customer_id="c1", value="a@example.com")
    )
    response = Response()
    with app.test_request_context("/s/tea/login/code"):
        session.begin(TEA, begun, response)
        assert session.member(TEA) == session.Member(
            "c1", "a@example.com", frame.claims_in(TEA, "customer:c1", "customer")
        )
    assert seen == [("tea", "c1", "customer:c1")]
    assert any("onefold_member_tea=ofm_new" in cookie for cookie in response.headers.getlist("Set-Cookie"))
