"""Whatever is sent, the API answers as its document says, and never with a defect of ours (H4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import create_app
from services.common.config import Environment
from tests.component.gateway.conftest import Store
from tests.unit.gateway.conftest import SETTINGS

_app = create_app(Environment(SETTINGS))
_schema = schemathesis.openapi.from_dict(_app.test_client().get("/api/v1/openapi.json").get_json())
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def store(new_store: Callable[[], Store]) -> Store:
    """One of its own: what is sent changes settings that other tests count on."""
    return new_store()


@_schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
def test_any_request_is_answered_as_the_document_says(case: schemathesis.Case, store: Store) -> None:
    headers = {"Authorization": f"Bearer {store.session_token}"}
    case.call_and_validate(base_url=store.url, headers=headers, checks=CHECKS)
