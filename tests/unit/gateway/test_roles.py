"""The table of roles in words: a page, a refusal, the document (H1, H4)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway import roles
from gateway.auth import SESSION_COOKIE
from gateway.authenticator import Authenticator
from services.common import permissions
from tests.unit.gateway.test_who_may import ask


@pytest.fixture
def staff(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A cashier's browser."""
    monkeypatch.setitem(app.extensions, "onefold_authenticator", Authenticator(ask))
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, "ofs_0_cashier")
    return client


def test_every_permission_and_role_has_its_words() -> None:
    assert set(roles.SENTENCES) == frozenset().union(*permissions.ROLES.values())
    assert list(roles.ROLES) == list(permissions.ROLES)


def test_the_page_shows_the_table_as_it_is_enforced(staff: FlaskClient) -> None:
    """To everybody who works here."""
    page = staff.get("/console/settings/roles").text
    rows = page.split('<tr role="row">')
    for word in roles.SENTENCES:
        [row] = [row for row in rows if f">{word}</code>" in row]
        shown = re.findall(r"visually-hidden\">(Yes|No)<", row)
        wanted = [word in may for may in permissions.ROLES.values()] + [word in permissions.SCOPES]
        assert shown == ["Yes" if may else "No" for may in wanted], word


def test_a_refusal_says_what_is_missing_and_who_has_it(staff: FlaskClient) -> None:
    page = staff.get("/console/payments/settings")
    assert page.status_code == 403
    assert "“Set up payment providers” (payments:write)" in page.text
    assert "Owner · Manager" in page.text
    assert "owner can give you one of them" in page.text
    staff.set_cookie("onefold_language", "zh-Hant")
    assert "店主 · 經理" in staff.get("/console/payments/settings").text


def test_programs_are_told_the_scope(app: Flask, staff: FlaskClient) -> None:
    answer = staff.get("/api/v1/orders", headers={"Authorization": "Bearer ofk_0_items:read"})
    assert (answer.status_code, answer.json["reason"]) == (403, "permission_denied")
    assert "orders:read" in answer.json["detail"]


def test_the_document_says_which_scope_an_operation_needs_and_what_scopes_are_for(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert "`orders:refund`: Refund orders" in document["info"]["description"]
    refund = document["paths"]["/api/v1/orders/{order_id}/refunds"]["post"]["description"]
    assert refund.endswith("Needs `orders:refund`.")
    erase = document["paths"]["/api/v1/customers/{customer_id}/erasure"]["post"]["description"]
    assert erase.endswith("Needs `members:erase`, which no API key can have.")
