"""Another store's key on this store's ids: not found, never shown, never changed (S; fault matrix, row 30)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from werkzeug.routing import AnyConverter, UUIDConverter

from gateway.app import create_app
from services.common.config import Environment
from tests.faults.client import Json, Shop, somebody
from tests.faults.system import System
from tests.support.forms import csrf_token
from tests.unit.gateway.conftest import SETTINGS

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Neighbours:
    """A store with something of everything, and a stranger with a key of another store."""

    system: System
    mine: Shop
    stranger: Shop
    ids: dict[str, str]
    plan: Json


@pytest.fixture(scope="module")
def neighbours(running: System) -> Iterator[Neighbours]:
    running.bring_up()
    mine, stranger = running.open_shop(), running.open_shop()
    first, second, third, fourth = mine.members(4)
    run = mine.merge([first, second])
    header = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
    file = f"{header}\r\nPerson 1,9451 2053,,,,,,,,".encode()
    order = mine.order(third, paid=False)["order_id"]
    body = {"order_ids": [order], "status": "shipped"}
    invitation = {"name": "Person 1", "email": "person1@mail.example", "role": "support"}
    ids = {
        "customer_id": first,
        "merged_id": second,
        "third_id": third,
        "order_id": order,
        "note_id": mine.api.sure("POST", f"/customers/{first}/notes", {"text": "likes tea"})["note_id"],
        "merge_run_id": run["merge_run_id"],
        "filter_id": mine.api.sure("POST", "/saved-filters", {"name": "Person 1", "filter": {}})["filter_id"],
        "item_id": mine.owner.sure("POST", "/items", {"name_en": "Person 1", "unit_price_minor": 1})["item_id"],
        "cart_id": mine.api.sure("POST", "/carts", {"customer_id": third})["cart_id"],
        "api_key_id": mine.owner.get("/api-keys")["items"][0]["api_key_id"],
        "import_id": mine.api.sure("POST", "/imports", file=file)["import_id"],
        "staff_id": mine.owner.sure("GET", "/staff")["items"][0]["staff_id"],
        "invitation_id": mine.owner.sure("POST", "/staff", invitation)["invitation_id"],
        "order_run_id": mine.api.sure("POST", "/order-runs/status", body)["run_id"],
    }
    hook = {"url": "http://127.0.0.1:9/", "event_types": ["message.failed"]}
    ids["webhook_id"] = mine.owner.sure("POST", "/webhooks", hook)["webhook_id"]
    ids["delivery_id"] = mine.owner.sure("POST", f"/webhooks/{ids['webhook_id']}/test", {})["delivery_id"]
    mine.owner.sure(
        "PUT", f"/webhooks/{ids['webhook_id']}", hook | {"enabled": False}
    )  # so that nothing moves any more
    batch = mine.api.sure("POST", "/merge-batches", {"groups": [{"primary_id": third, "other_ids": [fourth]}]})
    ids["batch_id"] = batch["batch_id"]
    mine.batch_in(batch["batch_id"], "checked")
    running.audit()
    ids["message_id"] = mine.api.get("/messages")["items"][0]["message_id"]
    yield Neighbours(running, mine, stranger, ids, mine.plan([third, fourth]))
    mine.close()
    stranger.close()


# What a stranger asks of each route of the API; {…} are this store's ids. Lists must be empty, everything else not found.
_NOT_FOUND = {
    "order_not_found",
    "message_not_found",
    "customer_not_found",
    "item_not_found",
    "cart_not_found",
    "merge_not_found",
    "merge_batch_not_found",
    "duplicate_not_found",
    "plan_not_found",
    "import_not_found",
    "filter_not_found",
    "level_run_not_found",
    "bulk_run_not_found",
    "invitation_run_not_found",
    "staff_not_found",
    "invitation_not_found",
    "api_key_not_found",
    "webhook_not_found",
    "delivery_not_found",
}
# Taken on: a run names what it could not change, and this is all of it.
_MISSING, _EMPTY, _OWN, _TAKEN = "missing", "empty", "own", "taken"
ROUTES: dict[str, tuple[str, object, str]] = {
    "GET /me": ("/me", None, _OWN),
    "GET /api-keys": ("/api-keys", None, _OWN),
    "POST /api-keys/{api_key_id}/rotation": ("/api-keys/{api_key_id}/rotation", {}, _MISSING),
    "DELETE /api-keys/{api_key_id}": ("/api-keys/{api_key_id}", None, _MISSING),
    "GET /webhooks": ("/webhooks", None, _EMPTY),
    "GET /webhooks/{webhook_id}": ("/webhooks/{webhook_id}", None, _MISSING),
    "PUT /webhooks/{webhook_id}": (
        "/webhooks/{webhook_id}",
        {"url": "http://127.0.0.1:9/", "event_types": [], "enabled": True},
        _MISSING,
    ),
    "DELETE /webhooks/{webhook_id}": ("/webhooks/{webhook_id}", None, _MISSING),
    "POST /webhooks/{webhook_id}/rotation": ("/webhooks/{webhook_id}/rotation", {}, _MISSING),
    "POST /webhooks/{webhook_id}/test": ("/webhooks/{webhook_id}/test", {}, _MISSING),
    "GET /webhooks/{webhook_id}/deliveries": ("/webhooks/{webhook_id}/deliveries", None, _MISSING),
    "POST /webhooks/{webhook_id}/replays": (
        "/webhooks/{webhook_id}/replays",
        {"since": "2026-01-01T00:00:00Z"},
        _MISSING,
    ),
    "GET /webhook-deliveries/{delivery_id}": ("/webhook-deliveries/{delivery_id}", None, _MISSING),
    "POST /webhook-deliveries/{delivery_id}/replays": ("/webhook-deliveries/{delivery_id}/replays", {}, _MISSING),
    "GET /orders": ("/orders?customer_id={third_id}", None, _EMPTY),
    "POST /orders": ("/orders", {"customer_id": "{third_id}"}, _MISSING),
    "GET /orders/{order_id}": ("/orders/{order_id}", None, _MISSING),
    "POST /orders/{order_id}/payment": ("/orders/{order_id}/payment", {}, _MISSING),
    "GET /orders/{order_id}/payment-link": ("/orders/{order_id}/payment-link", None, _MISSING),
    "POST /orders/{order_id}/status": ("/orders/{order_id}/status", {"status": "shipped"}, _MISSING),
    "POST /orders/{order_id}/cancellation": ("/orders/{order_id}/cancellation", {"reason": "Eve"}, _MISSING),
    "POST /orders/{order_id}/refunds": ("/orders/{order_id}/refunds", {}, _MISSING),
    "POST /orders/{order_id}/resend-email": ("/orders/{order_id}/resend-email", {}, _MISSING),
    "PATCH /orders/{order_id}/contact": ("/orders/{order_id}/contact", {"contact": {"name": "Eve"}}, _MISSING),
    "GET /carts/{cart_id}": ("/carts/{cart_id}", None, _MISSING),
    "PUT /carts/{cart_id}/lines/{item_id}": ("/carts/{cart_id}/lines/{item_id}", {"quantity": 1}, _MISSING),
    "POST /carts/{cart_id}/owner": ("/carts/{cart_id}/owner", {"customer_id": "{third_id}"}, _MISSING),
    "POST /carts/{cart_id}/checkout": ("/carts/{cart_id}/checkout", {"lines": []}, _MISSING),
    "POST /carts": ("/carts", {"customer_id": "{third_id}"}, _MISSING),
    "GET /items": ("/items?query=Person", None, _EMPTY),
    "GET /items/{item_id}": ("/items/{item_id}", None, _MISSING),
    "PUT /items/{item_id}": ("/items/{item_id}", {"name_en": "Eve", "unit_price_minor": 1}, _MISSING),
    "POST /order-runs/status": (
        "/order-runs/status",
        {"order_ids": ["{order_id}"], "status": "completed"},
        _TAKEN,
    ),
    "POST /order-runs/refunds": ("/order-runs/refunds", {"order_ids": ["{order_id}"]}, _TAKEN),
    "GET /order-runs": ("/order-runs", None, _OWN),
    "GET /order-runs/{run_id}": ("/order-runs/{order_run_id}", None, _MISSING),
    "GET /order-runs/{run_id}/refused": ("/order-runs/{order_run_id}/refused", None, _MISSING),
    "GET /customers": ("/customers?query=Person", None, _EMPTY),
    "GET /orders/export.csv": ("/orders/export.csv?query=Person", None, _OWN),
    "GET /customers/export.csv": ("/customers/export.csv?query=Person", None, _OWN),
    "GET /overview": ("/overview", None, _OWN),
    "GET /saved-filters": ("/saved-filters", None, _EMPTY),
    "GET /saved-filters/{filter_id}": ("/saved-filters/{filter_id}", None, _MISSING),
    "PATCH /saved-filters/{filter_id}": ("/saved-filters/{filter_id}", {"name": "Eve"}, _MISSING),
    "PUT /saved-filters/{filter_id}": ("/saved-filters/{filter_id}", {"name": "Eve", "filter": {}}, _MISSING),
    "DELETE /saved-filters/{filter_id}": ("/saved-filters/{filter_id}", None, _MISSING),
    "GET /levels": ("/levels", None, _OWN),
    "GET /levels/runs/{run_id}": ("/levels/runs/{customer_id}", None, _MISSING),
    "GET /points-settings": ("/points-settings", None, _OWN),
    "GET /points/expiring": ("/points/expiring", None, _EMPTY),
    "GET /customers/{customer_id}/level": ("/customers/{customer_id}/level", None, _MISSING),
    "PUT /customers/{customer_id}/level": (
        "/customers/{customer_id}/level",
        {"level_id": None, "reason": "Eve"},
        _MISSING,
    ),
    "GET /customers/{customer_id}": ("/customers/{merged_id}", None, _MISSING),
    "PATCH /customers/{customer_id}": (
        "/customers/{customer_id}",
        {"expected_version": 0, "name": "Eve"},
        _MISSING,
    ),
    "DELETE /customers/{customer_id}": ("/customers/{third_id}", {"confirmation": "Eve"}, _MISSING),
    "PUT /customers/{customer_id}/tags": ("/customers/{customer_id}/tags", {"tags": ["Eve"]}, _MISSING),
    "GET /members/{customer_id}/benefits": ("/members/{customer_id}/benefits?amount_minor=100", None, _MISSING),
    "GET /customers/{customer_id}/notes": ("/customers/{customer_id}/notes", None, _MISSING),
    "POST /customers/{customer_id}/notes": ("/customers/{customer_id}/notes", {"text": "Eve was here"}, _MISSING),
    "DELETE /customers/{customer_id}/notes/{note_id}": (
        "/customers/{customer_id}/notes/{note_id}",
        None,
        _MISSING,
    ),
    "GET /customers/{customer_id}/consents": ("/customers/{customer_id}/consents", None, _MISSING),
    "PUT /customers/{customer_id}/consents": (
        "/customers/{customer_id}/consents",
        {"consents": [{"kind": "email_marketing", "given": True}]},
        _MISSING,
    ),
    "POST /customers/{customer_id}/phone": (
        "/customers/{customer_id}/phone",
        {"phone": "6123 4567", "consent": {"given": "in_person"}},
        _MISSING,
    ),
    "POST /customers/{customer_id}/erasure": ("/customers/{third_id}/erasure", {"confirmation": "Eve"}, _MISSING),
    "GET /customers/{customer_id}/timeline": ("/customers/{customer_id}/timeline", None, _MISSING),
    "GET /customers/{customer_id}/points": ("/customers/{customer_id}/points", None, _MISSING),
    "POST /customers/{customer_id}/points": (
        "/customers/{customer_id}/points",
        {"points": 1_000, "expires_on": "2099-01-01"},
        _MISSING,
    ),
    "GET /customers/{customer_id}/spend": ("/customers/{third_id}/spend", None, _MISSING),
    "GET /customers/{customer_id}/orders": ("/customers/{third_id}/orders", None, _MISSING),
    "GET /customers/{customer_id}/login-methods": ("/customers/{customer_id}/login-methods", None, _MISSING),
    "GET /messages": ("/messages?customer_id={customer_id}", None, _EMPTY),
    "GET /messages/{message_id}": ("/messages/{message_id}", None, _MISSING),
    "POST /messages/{message_id}/decision": (
        "/messages/{message_id}/decision",
        {"decision": "arrived", "attempts": 1},
        _MISSING,
    ),
    "GET /customers/{customer_id}/messages": ("/customers/{customer_id}/messages", None, _EMPTY),
    "POST /merges/plans": (
        "/merges/plans",
        {"customer_ids": ["{customer_id}", "{third_id}"], "primary_id": "{customer_id}"},
        _MISSING,
    ),
    "POST /merges": ("/merges", {"plan_id": "{plan_id}", "plan_hash": "{plan_hash}"}, _MISSING),
    "GET /merges": ("/merges?customer_id={customer_id}", None, _EMPTY),
    "GET /merges/{merge_run_id}": ("/merges/{merge_run_id}", None, _MISSING),
    "GET /merges/{merge_run_id}/record": ("/merges/{merge_run_id}/record", None, _MISSING),
    "GET /invitees": ("/invitees?q=Person", None, _EMPTY),
    "GET /invitations": ("/invitations", None, _EMPTY),
    "POST /invitations": ("/invitations", {"customer_ids": ["{third_id}"]}, _OWN),
    "GET /invitation-runs/{run_id}": ("/invitation-runs/{order_run_id}", None, _MISSING),
    "POST /merge-batches": (
        "/merge-batches",
        {"groups": [{"primary_id": "{customer_id}", "other_ids": ["{third_id}"]}], "start": True},
        _TAKEN,
    ),
    "GET /merge-batches": ("/merge-batches", None, _OWN),
    "GET /merge-batches/{batch_id}": ("/merge-batches/{batch_id}", None, _MISSING),
    "POST /merge-batches/{batch_id}/confirm": ("/merge-batches/{batch_id}/confirm", {}, _MISSING),
    "GET /merge-batches/{batch_id}/groups": ("/merge-batches/{batch_id}/groups", None, _MISSING),
    "GET /merge-batches/{batch_id}/report.csv": ("/merge-batches/{batch_id}/report.csv", None, _MISSING),
    "GET /duplicates": ("/duplicates?customer_id={customer_id}", None, _EMPTY),
    "POST /duplicates/dismissals": (
        "/duplicates/dismissals",
        {"customer_ids": ["{customer_id}", "{third_id}"]},
        _MISSING,
    ),
    "POST /duplicates/restorations": (
        "/duplicates/restorations",
        {"customer_ids": ["{customer_id}", "{third_id}"]},
        _MISSING,
    ),
    "GET /duplicates/scan": ("/duplicates/scan", None, _OWN),
    "GET /audit-entries": ("/audit-entries?subject_id={order_id}", None, _EMPTY),
    "GET /audit-entries/export.csv": ("/audit-entries/export.csv?subject_id={customer_id}", None, _OWN),
    "GET /staff": ("/staff", None, _OWN),
    "PATCH /staff/{staff_id}": ("/staff/{staff_id}", {"role": "cashier"}, _MISSING),
    "DELETE /staff/{staff_id}": ("/staff/{staff_id}", None, _MISSING),
    "DELETE /staff/invitations/{invitation_id}": ("/staff/invitations/{invitation_id}", None, _MISSING),
    "GET /imports": ("/imports", None, _EMPTY),
    "GET /imports/{import_id}": ("/imports/{import_id}", None, _MISSING),
    "GET /imports/{import_id}/preview": ("/imports/{import_id}/preview", None, _MISSING),
    "POST /imports/{import_id}/check": ("/imports/{import_id}/check", {}, _MISSING),
    "DELETE /imports/{import_id}": ("/imports/{import_id}", None, _MISSING),
    "POST /imports/{import_id}/confirm": ("/imports/{import_id}/confirm", {"check_number": 1}, _MISSING),
    "GET /imports/{import_id}/rows": ("/imports/{import_id}/rows", None, _MISSING),
    "GET /imports/{import_id}/failed-rows.csv": ("/imports/{import_id}/failed-rows.csv", None, _MISSING),
}
# What no API key may do.
_OWNERS = {
    *("POST /customers/{customer_id}/phone", "POST /customers/{customer_id}/erasure"),
    *("GET /audit-entries", "GET /audit-entries/export.csv"),
    *("GET /staff", "PATCH /staff/{staff_id}", "DELETE /staff/{staff_id}", "DELETE /staff/invitations/{invitation_id}"),
    *("GET /api-keys", "POST /api-keys/{api_key_id}/rotation", "DELETE /api-keys/{api_key_id}"),
}
# Nothing of a store is named in them; the first an API key may not call at all.
_NO_STRANGER = {
    *(
        "POST /api-keys",
        "POST /webhooks",
        "POST /staff",
        "POST /items",
        "POST /imports",
        "GET /imports/sample.csv",
        "POST /saved-filters",
    ),
    *("GET /deletion-policy", "PUT /deletion-policy", "POST /duplicates/scan", "POST /invitation-runs"),
    *("POST /levels/simulate", "PUT /levels", "PUT /points-settings"),
}


def test_every_route_of_the_api_is_walked(system: System) -> None:
    """The list above is held against the document that the gateway makes of its own code."""
    document = httpx.get(f"{system.stack.settings.gateway_url}/api/v1/openapi.json", trust_env=False, timeout=30).json()
    served = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert served - _NO_STRANGER == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_finds_nothing_and_changes_nothing(route: str, neighbours: Neighbours) -> None:
    """S: by the ids of another store nothing is found, in the same words as for ids that nobody has."""
    path, body, expected = ROUTES[route]
    ids = neighbours.ids | {name: neighbours.plan[name] for name in ("plan_id", "plan_hash")}
    before = neighbours.system.content(neighbours.mine.store_id)
    document = _filled(body, ids)
    if route == "POST /orders" and isinstance(document, dict):
        document = neighbours.stranger.draft(document["customer_id"])
    key = str(uuid.uuid4())
    stranger = neighbours.stranger.owner if route in _OWNERS else neighbours.stranger.api
    answer = stranger.once(route.split()[0], path.format(**ids), document, key=key)
    if expected == _MISSING:
        assert answer.status_code == 404, answer.text
        assert answer.json()["reason"] in _NOT_FOUND
    else:
        assert answer.status_code == (202 if expected == _TAKEN else 200), answer.text
    if expected == _EMPTY:
        assert answer.json()["items"] == []
    assert not re.search(r"Person \d|@mail\.example|\+8526", answer.text), "somebody of another store is named"
    assert neighbours.mine.store_id not in answer.text
    assert neighbours.system.content(neighbours.mine.store_id) == before


# Pages name things by these; a new kind of thing must be put here.
_ON_PAGES = {
    "customer_id": "third_id",
    "order_id": "order_id",
    "note_id": "note_id",
    "merge_id": "merge_run_id",
    "run_id": "order_run_id",
    "filter_id": "filter_id",
    "item_id": "item_id",
    "import_id": "import_id",
    "batch_id": "batch_id",
    "key_id": "api_key_id",
    "webhook_id": "webhook_id",
    "delivery_id": "delivery_id",
    "staff_id": "staff_id",
    "invitation_id": "invitation_id",
    "message_id": "message_id",
    # No program can have any of these: what is refused is that the page is another's.
    "notice_id": "order_id",
    "refund_id": "order_id",
}


def _pages() -> list[tuple[str, str]]:
    """Each page of console and till that names something: (method, address with the names of ids)."""
    app = create_app(Environment(SETTINGS))
    found = []
    for rule in app.url_map.iter_rules():
        ids = {name for name, converter in rule._converters.items() if isinstance(converter, UUIDConverter)}
        ids |= {name for name in rule.arguments if rule.endpoint.startswith("pos.") and name.endswith("_id")}
        if ids and rule.endpoint.startswith(("console.", "pos.")):
            words = {name: min(each.items) for name, each in rule._converters.items() if isinstance(each, AnyConverter)}
            values = dict.fromkeys(rule.arguments, "new") | words | {name: f"{{{name}}}" for name in ids}
            path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda part, v=values: v[part[1]], rule.rule)
            found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_a_stranger_finds_no_page_of_this_store_and_sends_none(neighbours: Neighbours) -> None:
    """S: console and till, by the owner of another store, with the form token that each page of theirs has."""
    ids = {name: neighbours.ids[known] for name, known in _ON_PAGES.items()}
    before = neighbours.system.content(neighbours.mine.store_id)
    seen = 0
    with httpx.Client(base_url=neighbours.system.stack.settings.gateway_url, trust_env=False, timeout=30) as browser:
        browser.cookies.set("onefold_session", neighbours.stranger.owner.credential)
        token = csrf_token(browser.get("/console/").text)
        sent = {"csrf_token": token, "idempotency_key": str(uuid.uuid4()), "expected_version": "1", "attempts": "1"}
        for method, path in _pages():
            read, headers = method == "GET", {"X-CSRFToken": token}
            answer = browser.request(method, path.format(**ids), data=None if read else sent, headers=headers)
            assert answer.status_code in ((404,) if read else (302, 404, 409, 422)), (path, answer.text[:500])
            assert not re.search(r"Person \d|@mail\.example|\+8526", answer.text), path
            seen += 1
    assert seen > 50
    assert neighbours.system.content(neighbours.mine.store_id) == before


def _filled(body: object, ids: dict[str, str]) -> object:
    if isinstance(body, dict):
        return {name: _filled(value, ids) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, ids) for value in body]
    return body.format(**ids) if isinstance(body, str) else body


def test_a_key_of_another_store_does_not_replay_this_ones_answers(neighbours: Neighbours) -> None:
    """An Idempotency-Key belongs to its store: the same key elsewhere is another request (E7, S)."""
    who, key = somebody(), str(uuid.uuid4())
    ours = neighbours.mine.order(who, key=key)
    theirs = neighbours.stranger.order(who, key=key)
    assert ours["order_id"] != theirs["order_id"]
    assert ours["customer"]["customer_id"] != theirs["customer"]["customer_id"]
    neighbours.system.audit()
