"""Whatever anybody sends, in whatever role, is answered as the document says; and what is beyond a role does nothing (H1, H4).

As the owner: component/gateway/test_document_against_services.py. Here every other role and a key with one scope ask: one of them for
each operation in turn, with `make attack` all of them.
"""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from deploy.local.stack import Stack
from gateway.app import create_app
from services.common import permissions
from services.common.config import Environment
from tests.attack.conftest import LONG
from tests.component.gateway.colleague import colleague
from tests.component.gateway.conftest import Store
from tests.component.gateway.test_document_against_services import CHECKS
from tests.support.routes import OPEN, ROUTES, STAFF
from tests.unit.gateway.conftest import SETTINGS

_app = create_app(Environment(SETTINGS))
_schema = schemathesis.openapi.from_dict(_app.test_client().get("/api/v1/openapi.json").get_json())
_KEY_SCOPE = permissions.ORDERS_READ
PERMISSIONS = {
    **{role: may for role, may in permissions.ROLES.items() if role != "owner"},
    "a key for one thing": permissions.of_scopes([_KEY_SCOPE]),
    "nobody": frozenset[str](),
}


@pytest.fixture(scope="module")
def credentials(stack: Stack, shop: Store) -> dict[str, str]:
    """Who asks → what they bring."""
    brought = {role: colleague(stack, shop, role) for role in permissions.ROLES if role != "owner"}
    made = shop.post("/api-keys", {"name": "one thing", "scopes": [_KEY_SCOPE]})
    return {**brought, "a key for one thing": made.json()["secret"], "nobody": "made-up"}


def wanted(case: schemathesis.Case) -> str:
    """The permission of an operation, by the table of routes."""
    example = case.operation.path.replace("{", "").replace("}", "")
    endpoint, _ = _app.url_map.bind("shop.example").match(example, method=case.operation.method.upper())
    return ROUTES[endpoint]


def asking(case: schemathesis.Case) -> list[str]:
    """Who asks this time."""
    everybody = list(PERMISSIONS)
    return everybody if LONG else [everybody[sum(map(ord, case.operation.label)) % len(everybody)]]


@_schema.parametrize()
@settings(
    max_examples=6 if LONG else 1,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
def test_any_request_of_anybody_is_answered_as_the_document_says(
    case: schemathesis.Case, shop: Store, credentials: dict[str, str]
) -> None:
    word = wanted(case)
    for who in asking(case):
        headers = {"Authorization": f"Bearer {credentials[who]}"}
        answer = case.call_and_validate(base_url=shop.url, headers=headers, checks=CHECKS)
        if word != OPEN and (who == "nobody" or word not in PERMISSIONS[who] | {STAFF}):
            assert answer.status_code >= 400, (who, word, answer.status_code)
