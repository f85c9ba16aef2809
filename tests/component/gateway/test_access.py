"""Who gets in, and how far (H1, H4; invariant S)."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from gateway.api.access import Me
from gateway.api.keys import ApiKeyList, NewApiKey
from tests.component.gateway.conftest import LINES, Store, key, problem
from tests.support.forms import csrf_token
from tests.support.until import until

MISSING = {"order_not_found", "customer_not_found", "merge_not_found", "plan_not_found"}


def test_the_owner_makes_a_key_that_may_what_it_says_and_no_more(store: Store) -> None:
    """H4."""
    made = NewApiKey.model_validate(store.post("/api-keys", {"name": "till", "scopes": ["orders:read"]}).json())
    with store.client(made.secret) as http:
        me = Me.model_validate(http.get("/me").json())
        assert (me.permissions, me.staff, me.store.slug) == (["orders:read"], None, store.slug)
        assert http.get("/orders").status_code == 200
        assert problem(http.get("/customers"))[:2] == (403, "permission_denied")
        order = http.post("/orders", json={}, headers={"Idempotency-Key": key()})
        assert problem(order)[:2] == (403, "permission_denied")
        keys = http.post(
            "/api-keys", json={"name": "x", "scopes": ["orders:write"]}, headers={"Idempotency-Key": key()}
        )
        assert problem(keys)[:2] == (403, "permission_denied")


def test_a_key_gets_another_secret_and_ends_within_a_second(store: Store) -> None:
    """H4: the secret before stays good for a day; a revoked key opens nothing, with any secret."""
    made = NewApiKey.model_validate(
        store.post("/api-keys", {"name": "web shop", "scopes": ["orders:read"], "valid_days": 30}).json()
    )
    rotated = NewApiKey.model_validate(store.post(f"/api-keys/{made.api_key_id}/rotation", None).json())
    assert rotated.api_key_id == made.api_key_id
    with store.client(made.secret) as old, store.client(rotated.secret) as new:
        assert [http.get("/orders").status_code for http in (old, new)] == [200, 200]
        listed = ApiKeyList.model_validate(store.get("/api-keys", page_size=1).json()).items[0]
        assert (listed.name, listed.api_key_id) == ("web shop", made.api_key_id)
        assert listed.expires_at
        assert listed.last_used_at
        assert listed.old_secret_until == rotated.old_secret_until
        revoked = store.http.delete(f"/api-keys/{made.api_key_id}", headers={"Idempotency-Key": key()})
        assert revoked.status_code == 204
        at = time.monotonic()
        for http in old, new:
            until(lambda http=http: http.get("/orders").status_code == 401, "the key is refused", seconds=2)
        assert time.monotonic() - at < 1.5
    assert made.api_key_id not in {each["api_key_id"] for each in store.get("/api-keys").json()["items"]}
    again = store.post(f"/api-keys/{made.api_key_id}/rotation", None)
    assert problem(again)[:2] == (404, "api_key_not_found")


def test_the_console_shows_a_secret_once_and_it_works(store: Store) -> None:
    """H4: scopes by checkbox; a page that is opened again shows no secret."""
    with httpx.Client(base_url=store.url, trust_env=False, timeout=30) as browser:
        browser.cookies.set("onefold_session", store.session_token)
        browser.cookies.set("onefold_language", "en")
        page = browser.get("/console/settings/api-keys/new").text
        token = csrf_token(page)
        form = {"csrf_token": token, "idempotency_key": key(), "name": "Web & shop", "valid_days": "365"}
        refused = browser.post("/console/settings/api-keys/new", data=form)
        assert refused.status_code == 422
        assert "Please fill this in." in refused.text
        made = browser.post("/console/settings/api-keys/new", data=form | {"scopes": ["orders:read", "members:read"]})
        secret = made.text.split('id="secret" value="')[1].split('"')[0]
        assert made.headers["Cache-Control"] == "no-store"
        with store.client(secret) as http:
            assert http.get("/me").json()["permissions"] == ["members:read", "orders:read"]
        listed = browser.get("/console/settings/api-keys").text
        assert "Web &amp; shop" in listed
        assert secret not in listed


@pytest.mark.parametrize("credential", ["", "ofk_nothing", "ofs_nothing", "nonsense", "ofk_" + "x" * 500])
def test_a_credential_that_is_none_gets_nowhere_in_the_same_words(store: Store, credential: str) -> None:
    with store.client(credential) as http:
        assert problem(http.get("/orders"))[:2] == (401, "credential_refused")


def test_a_session_that_was_ended_stops_working_within_a_second(new_store: Callable[[], Store]) -> None:
    """F13: the console's log-out ends the session that the API knew as well."""
    shop = new_store()
    assert shop.get("/me").status_code == 200
    with httpx.Client(base_url=shop.url, trust_env=False) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        token = csrf_token(browser.get("/console/").text)
        assert browser.post("/console/logout", data={"csrf_token": token}).status_code == 302
    assert problem(shop.get("/me"))[:2] == (401, "credential_refused")


def test_another_stores_credentials_open_nothing_of_this_one(store: Store, new_store: Callable[[], Store]) -> None:
    """S."""
    stranger, member, other = new_store(), store.member(), store.member()
    order = store.order(paid=False)["order_id"]
    plan = store.post("/merges/plans", {"customer_ids": [member, other], "primary_id": member}).json()
    contact = {"contact": store.person()}
    attempts = [
        stranger.get(f"/orders/{order}"),
        stranger.post(f"/orders/{order}/payment", {"method": "cash"}),
        stranger.http.patch(f"/orders/{order}/contact", json=contact, headers={"Idempotency-Key": key()}),
        stranger.get(f"/customers/{member}"),
        stranger.get(f"/customers/{member}/points"),
        stranger.get(f"/customers/{member}/orders"),
        stranger.get(f"/customers/{member}/login-methods"),
        stranger.post(f"/customers/{member}/points", {"points": 5, "expires_on": "2099-01-01"}),
        stranger.post("/merges/plans", {"customer_ids": [member, other], "primary_id": member}),
        stranger.post("/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]}),
        stranger.post("/orders", {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": member}),
    ]
    for attempt in attempts:
        status, reason, _ = problem(attempt)
        assert status == 404, attempt.request.url
        assert reason in MISSING
    assert stranger.get(f"/customers/{member}/messages").json()["items"] == []
    assert stranger.get("/orders", customer_id=member).json()["items"] == []
    assert stranger.get("/merges", customer_id=member).json()["items"] == []
    assert store.get(f"/orders/{order}").json()["status"] == "unpaid"
