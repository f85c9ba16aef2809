"""What the customers' pages do by themselves: ways back, cookies, and pages while every service is away."""

from __future__ import annotations

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.storefront import cookies
from services.common.config import Environment
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


@pytest.mark.parametrize("path", ["login", "login/code", "account"])
def test_a_store_that_cannot_be_looked_up_is_told_of_as_such(client: FlaskClient, path: str) -> None:
    assert client.get(f"/s/tea/{path}").status_code == 503


@pytest.mark.parametrize("path", ["login", "login/code", "logout"])
def test_no_other_site_logs_anybody_in_or_out(client: FlaskClient, path: str) -> None:
    """Forms carry a token of the page that they were on."""
    assert client.post(f"/s/tea/{path}", data={"email": "a@example.com", "code": "123456"}).status_code in (400, 409)


@pytest.mark.parametrize(
    ("proxies", "seen"), [("0", "127.0.0.1"), ("1", "203.0.113.7"), ("2", "198.51.100.9")], ids=str
)
def test_only_our_own_proxies_are_believed_about_where_a_request_comes_from(proxies: str, seen: str) -> None:
    app = create_app(Environment(SETTINGS | {"ONEFOLD_PROXIES": proxies}))
    sources: list[str | None] = []
    app.before_request(lambda: sources.append(request.remote_addr))
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "192.0.2.1, 198.51.100.9, 203.0.113.7"})
    assert sources == [seen]
