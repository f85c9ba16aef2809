"""/staff: an owner's session, no key, and what another role means to the gateway (H1, H4)."""

from __future__ import annotations

import time
from collections.abc import Callable

from deploy.local.stack import Stack
from services.common.permissions import SCOPES
from tests.component.gateway.colleague import join
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until


def test_an_owner_invites_changes_and_removes_and_no_key_does(stack: Stack, new_store: Callable[[], Store]) -> None:
    """Whoever steals a key must not make staff with it; another role, and removal, count within a second."""
    shop = new_store()
    wish = {"email": "May@mail.example", "name": "陳小美", "role": "manager"}
    invited = shop.post("/staff", wish, "one")
    assert invited.status_code == 201, invited.text
    assert shop.post("/staff", wish, "one").json() == invited.json()
    assert problem(shop.post("/staff", {**wish, "name": " ", "email": "x"}))[2] == {
        ("email", "invalid_email"),
        ("name", "required"),
    }
    session = join(stack, shop, invited.json()["invitation_id"])
    entries = {entry["email"]: entry for entry in shop.get("/staff").json()["items"]}
    may = entries["May@mail.example"]
    assert (may["role"], may["second_factor"], may["invitation_id"]) == ("manager", False, None)
    with shop.client(session) as http:
        assert "payments:write" in http.get("/me").json()["permissions"]
        assert problem(http.get("/staff"))[:2] == (403, "permission_denied")
        began = time.monotonic()
        headers = {"Idempotency-Key": key()}
        changed = shop.http.patch(f"/staff/{may['staff_id']}", json={"role": "cashier"}, headers=headers)
        assert changed.json()["role"] == "cashier"
        until(lambda: "payments:write" not in http.get("/me").json()["permissions"], "the role counts", 5)
        assert time.monotonic() - began < 2
        assert shop.http.delete(f"/staff/{may['staff_id']}", headers={"Idempotency-Key": key()}).status_code == 204
        until(lambda: http.get("/me").status_code == 401, "who is removed is out", 5)
    owner = entries[shop.email]["staff_id"]
    refused = shop.http.delete(f"/staff/{owner}", headers={"Idempotency-Key": key()})
    assert problem(refused)[:2] == (409, "last_owner")
    waiting = shop.post("/staff", wish).json()["invitation_id"]
    for status in (204, 404):
        answer = shop.http.delete(f"/staff/invitations/{waiting}", headers={"Idempotency-Key": key()})
        assert answer.status_code == status

    secret = shop.post("/api-keys", {"name": "all", "scopes": list(SCOPES)}).json()["secret"]
    with shop.client(secret) as http:
        headers = {"Idempotency-Key": key()}
        for answer in (
            http.get("/staff"),
            http.post("/staff", json=wish, headers=headers),
            http.patch(f"/staff/{owner}", json={"role": "cashier"}, headers=headers),
            http.delete(f"/staff/{owner}", headers=headers),
            http.delete(f"/staff/invitations/{waiting}", headers=headers),
        ):
            assert problem(answer)[:2] == (403, "permission_denied"), answer.request.url
