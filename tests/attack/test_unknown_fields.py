"""Fields that a client should not have sent (mass assignment, OWASP API3): refused by REST in every object of every body, by every query.

Made of the document, so a new route is covered by itself. No service is behind this gateway: whatever were let through would be a 503.
"""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.authenticator import Authenticator
from services.common.config import Environment
from tests.attack.document import Operation, named, objects, operations, put
from tests.unit.gateway.conftest import NO_LIMITS, SETTINGS
from tests.unit.gateway.test_who_may import ask

OPERATIONS = operations()
# What somebody would like to be able to say of themselves, and names that languages and libraries take for their own.
PRIVILEGED = {
    "id": "01a20b5b-d378-76b7-8dec-6f559c792cc2",
    "store_id": "01a20b5b-d378-76b7-8dec-6f559c792cc2",
    "role": "owner",
    "scopes": ["members:erase"],
    "points_balance": 1_000_000,
    "total_minor": 1,
    "created_at": "2000-01-01T00:00:00Z",
    "actor": "staff:x",
    "__proto__": {"role": "owner"},
    "__class__": "x",
    "model_config": {"extra": "allow"},
}
HEADERS = {"Authorization": "Bearer ofs_0_owner", "Idempotency-Key": "one"}


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app: Flask = create_app(Environment(SETTINGS | NO_LIMITS))
    app.extensions["onefold_authenticator"] = Authenticator(ask)
    return app.test_client()


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body], ids=str)
def test_no_object_of_a_body_takes_a_field_that_it_does_not_have(operation: Operation, client: FlaskClient) -> None:
    body = operation.sample()
    for path in objects(body):
        place = body
        for part in path:
            place = place[part]
        for name, value in PRIVILEGED.items():
            if name in place:
                continue
            sent = put(body, (*path, name), value)
            answer = client.open(operation.at(), method=operation.method, json=sent, headers=HEADERS)
            assert answer.status_code == 422, (path, name, answer.text)
            told = {(each["field"], each["reason"]) for each in answer.get_json()["errors"]}
            assert (named((*path, name)), "unknown_field") in told, (path, name, told)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.method == "get"], ids=str)
def test_no_query_takes_a_name_that_it_does_not_have(operation: Operation, client: FlaskClient) -> None:
    """Routes that read no query have none to be changed by."""
    answer = client.open(operation.at() + "?store_id=x&role=owner", method="get", headers=HEADERS)
    if answer.status_code == 422:
        told = {each["reason"] for each in answer.get_json()["errors"] if each["field"] in ("store_id", "role")}
        assert told == {"unknown_field"}
    else:
        without = client.open(operation.at(), method="get", headers=HEADERS)
        assert (answer.status_code, len(answer.data)) == (without.status_code, len(without.data))


def test_a_field_that_is_said_twice_is_one_value(client: FlaskClient) -> None:
    """The last, wherever it is read: what was checked is what is used. The same for a query."""
    body = '{"name_en": "Tea", "unit_price_minor": "x", "unit_price_minor": 1, "name_en": 7}'
    answer = client.post("/api/v1/items", data=body, headers=HEADERS, content_type="application/json")
    assert {each["field"] for each in answer.get_json()["errors"]} == {"name_en"}
    answer = client.get("/api/v1/items?page_size=1&page_size=1000", headers=HEADERS)
    assert {each["field"] for each in answer.get_json()["errors"]} == {"page_size"}
