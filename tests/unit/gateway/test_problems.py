"""What programs and people get to see when something is refused (rule 7; RFC 9457)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.api.fields import Problem
from gateway.errors import field_errors, http_status, problem
from services.common import errors
from services.common.errors import InvalidInput, OnefoldError, Violation

KEY = {"Authorization": "Bearer ofk_none"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput.of("contact.phone", "invalid_phone"), 422),
        (InvalidInput.of("idempotency-key", "idempotency_key_required"), 400),
        (errors.Conflict("idempotency_key_reused"), 422),
        (errors.Unauthenticated("credential_refused"), 401),
        (errors.PermissionDenied("permission_denied"), 403),
        (errors.NotFound("order_not_found"), 404),
        (errors.AlreadyExists("store_exists"), 409),
        (errors.StateConflict("order_not_unpaid"), 409),
        (errors.Conflict("stale_plan"), 409),
        (errors.Unavailable("service_unavailable"), 503),
        (errors.Unavailable("deadline_exceeded"), 504),
        (errors.Internal("internal"), 500),
    ],
)
def test_each_kind_of_error_has_its_status(error: OnefoldError, status: int) -> None:
    assert http_status(error) == status


def test_a_problem_names_every_field_with_reason_and_sentence(app: Flask) -> None:
    error = InvalidInput(
        Violation("lines[2].quantity", "quantity_out_of_range", {"largest": "100000"}),
        Violation("page.size", "too_large"),
    )
    with app.test_request_context(headers={"Accept-Language": "en"}):
        document = problem(error)
    assert Problem.model_validate(document)
    assert document["type"] == "http://shop.example/api/docs/problems#invalid_input"
    assert [(e["field"], e["reason"]) for e in document["errors"]] == [
        ("lines[2].quantity", "quantity_out_of_range"),
        ("page_size", "too_large"),
    ]
    assert document["errors"][0]["detail"] == "The quantity must be a whole number from 1 to 100000."


def test_a_form_gets_a_sentence_for_each_field_in_chinese(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "zh-Hant"}):
        assert field_errors(InvalidInput.of("contact.email", "invalid_email"))["contact.email"].startswith(
            "這不是電郵地址"
        )
        assert field_errors(errors.NotFound("order_not_found")) == {}


def test_an_api_request_without_a_key_is_told_so_as_a_problem(client: FlaskClient) -> None:
    response = client.get("/api/v1/orders", headers={"X-Request-Id": "till-7-000123"})
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    document = response.get_json()
    assert Problem.model_validate(document)
    assert document["reason"] == "credential_refused"
    assert document["request_id"] == response.headers["X-Request-Id"] == "till-7-000123"


def test_a_staff_cookie_opens_nothing_of_the_api(client: FlaskClient) -> None:
    client.set_cookie("onefold_session", "ofs_stolen_by_a_form_of_another_site")
    assert client.post("/api/v1/orders", json={}).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/nothing"])
def test_an_address_without_anything_says_so_to_programs_and_people(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.mimetype == ("application/problem+json" if path.startswith("/api") else "text/html")


def test_a_service_that_is_away_is_told_with_a_time_to_try_again(client: FlaskClient) -> None:
    response = client.get("/api/v1/me", headers=KEY)
    assert (response.status_code, response.get_json()["reason"]) == (503, "service_unavailable")
    assert response.headers["Retry-After"] == "1"


def test_a_page_that_fails_is_a_page_and_not_json(client: FlaskClient) -> None:
    response = client.get("/nothing", headers={"Accept-Language": "zh-HK"})
    assert 'lang="zh-Hant"' in response.text
    assert "這個網址沒有內容" in response.text


def test_a_form_without_its_token_is_refused_kindly(client: FlaskClient) -> None:
    response = client.post("/s/confirm", data={"token": "t"}, headers={"Accept-Language": "en"})
    assert response.status_code == 400
    assert "open for too long" in response.text


def test_a_body_above_the_limit_is_refused(client: FlaskClient) -> None:
    assert client.post("/s/confirm", data={"token": "t" * 1_100_000}).status_code == 413
