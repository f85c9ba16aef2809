"""What a browser is told to keep and to refuse, on every page; forms from other sites; links that lead elsewhere.

No service is behind this gateway: what is looked at here is there before any is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from gateway.app import create_app
from gateway.auth import SESSION_COOKIE
from gateway.authenticator import Authenticator
from gateway.storefront import cookies, frame
from services.common.config import Environment
from tests.support.forms import csrf_token
from tests.support.routes import ROUTES
from tests.unit.gateway.conftest import NO_LIMITS, SETTINGS
from tests.unit.gateway.test_who_may import STORE, ask, path_of

HTTPS = {"ONEFOLD_PUBLIC_URL": "https://shop.example"}
# What is proved by something that no other site's page has (gateway/app.py), or changes nothing.
NO_FORM_TOKEN = {
    "webhooks.payment_notice": "the provider's signature over the body",
    "webhooks.sms_status": "the provider's signature over the body",
    "storefront.order_pay": "the signed link of the order",
    "storefront.unsubscribe_now": "the signed link of the mail (RFC 8058 sends no token)",
    "storefront.social_back": "comes again by itself; the state proves it",
}
# The same for everybody, so that it may be kept.
KEPT = ("static", "api_docs.static", "bootstrap.static", "pos.worker", "storefront.logo", "openapi")
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def gate() -> Iterator[Flask]:
    """Behind https, with an owner who is logged in wherever the cookie says so."""
    app = create_app(Environment(SETTINGS | NO_LIMITS | HTTPS))
    app.extensions["onefold_authenticator"] = Authenticator(ask)
    frame._stores[STORE.slug] = (time.monotonic() + 600, STORE)
    yield app
    del frame._stores[STORE.slug]


def rules(app: Flask, *methods: str) -> list[tuple[Rule, str]]:
    return [(rule, each) for rule in app.url_map.iter_rules() for each in methods if each in (rule.methods or ())]


def test_no_form_of_another_site_is_taken(gate: Flask) -> None:
    """Every page that takes something, without a token, with a made-up one, and with one of another browser."""
    foreign = csrf_token(gate.test_client().get("/console/login", base_url="https://shop.example").text)
    walked = set()
    for rule, method in rules(gate, *sorted(WRITES)):
        if rule.rule.startswith("/api/") or rule.endpoint in NO_FORM_TOKEN:
            continue
        for sent in {}, {"csrf_token": "made-up"}, {"csrf_token": foreign}:
            client = gate.test_client()
            client.set_cookie(SESSION_COOKIE, "ofs_0_owner", domain="shop.example")
            answer = client.open(
                path_of(rule),
                method=method,
                data=sent,
                base_url="https://shop.example",
                headers={"Referer": "https://shop.example/"},
            )
            assert answer.status_code == 400, (rule, sent, answer.status_code)
        walked.add(rule.endpoint)
    assert len(walked) > 80
    assert set(NO_FORM_TOKEN) <= set(ROUTES)


def test_programs_routes_take_no_cookie(gate: Flask) -> None:
    """They have no form token because they have no cookie: a session there counts for nothing."""
    for rule, method in rules(gate, "GET", *sorted(WRITES)):
        if rule.rule.startswith("/api/v1") and rule.endpoint != "openapi":
            client = gate.test_client()
            client.set_cookie(SESSION_COOKIE, "ofs_0_owner", domain="shop.example")
            assert client.open(path_of(rule), method=method, base_url="https://shop.example").status_code == 401, rule


@pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
def test_every_answer_tells_the_browser_what_to_refuse_and_to_forget(gate: Flask) -> None:
    """Pages, refusals and faults alike; without script or style inside, each cookie out of the reach of scripts and of http."""
    for rule, _ in rules(gate, "GET"):
        client = gate.test_client()
        client.set_cookie(SESSION_COOKIE, "ofs_0_owner", domain="shop.example")
        path = "/static/css/nothing.css" if "filename" in rule.arguments else path_of(rule)
        answer = client.get(path, base_url="https://shop.example")
        headers = answer.headers
        assert answer.status_code != 500, rule
        assert (
            "default-src 'self'" in headers["Content-Security-Policy"]
            or "sandbox" in headers["Content-Security-Policy"]
        ), rule
        assert "frame-ancestors" in headers["Content-Security-Policy"], rule
        assert "script-src 'unsafe" not in headers["Content-Security-Policy"], rule
        assert headers["X-Content-Type-Options"] == "nosniff", rule
        assert headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN"), rule
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer"), rule
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", rule
        assert "max-age=31536000" in headers["Strict-Transport-Security"], rule
        assert "Access-Control-Allow-Origin" not in headers, rule
        if rule.endpoint not in KEPT:
            assert headers["Cache-Control"] == "no-store", rule
        for cookie in headers.getlist("Set-Cookie"):
            assert {"HttpOnly", "Secure", "SameSite=Lax"} <= set(cookie.split("; ")), (rule, cookie)
            assert "Domain=" not in cookie, (rule, cookie)


ELSEWHERE = [
    *(
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "////evil.example/x",
        "/\\evil.example",
        "\\\\evil.example",
    ),
    *(
        "/\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\r\nSet-Cookie: a=b",
        " //evil.example",
        "javascript:alert(1)",
    ),
    *(
        "data:text/html,x",
        "evil.example",
        "https:evil.example",
        "/\x00/evil.example",
        "/\u2028/evil.example",
        "//evil.example@shop.example",
    ),
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_link_sends_people_elsewhere_through_us(address: str, gate: Flask) -> None:
    client = gate.test_client()
    gate.config["WTF_CSRF_ENABLED"] = False
    try:
        answer = client.post(
            "/console/language", data={"next": address, "language": "en"}, base_url="https://shop.example"
        )
    finally:
        gate.config["WTF_CSRF_ENABLED"] = True
    assert answer.headers["Location"] == "/console/"
    assert "a=b" not in str(answer.headers)
    assert cookies.inside("tea", address) == ""


@pytest.mark.parametrize("address", ["/console/members?q=陳&page=2", "/console/", "/pos/?x=//y"])
def test_links_within_lead_on(address: str, gate: Flask) -> None:
    gate.config["WTF_CSRF_ENABLED"] = False
    try:
        answer = gate.test_client().post("/console/language", data={"next": address}, base_url="https://shop.example")
    finally:
        gate.config["WTF_CSRF_ENABLED"] = True
    assert answer.headers["Location"].startswith(address[:9])
