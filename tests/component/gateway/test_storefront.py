"""The customer's confirmation page (A4)."""

from __future__ import annotations

import re
from typing import Any

import httpx

from deploy.local.stack import Stack
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import service_pb2_grpc as identity_grpc
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
