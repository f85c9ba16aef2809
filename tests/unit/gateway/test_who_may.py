"""Every route, asked for by everybody who may not: refused as declared, before any service is asked (H1, H4; OWASP API2 and API5).

No service is behind this gateway, so whoever is let in by mistake gets a 503, and whoever is refused is refused here. Ids of another store
are walked in tests/faults/test_tenancy.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule
from werkzeug.test import TestResponse

from gateway.app import create_app
from gateway.auth import SESSION_COOKIE, Principal, principal_of
from gateway.authenticator import Authenticator
from gateway.storefront import frame
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common import permissions
from services.common.config import Environment
from services.common.errors import Unauthenticated
from tests.support.routes import MEMBER, OPEN, ROUTES, STAFF
from tests.unit.gateway.conftest import NO_LIMITS, SETTINGS

STORE = identity.Store(store_id="01a20b5b-d378-76b7-8dec-6f559c792cc0", slug="tea", currency="HKD", region="HK")
ID = "01a20b5b-d378-76b7-8dec-6f559c792cc1"
ROLES = {name: number for number, name in enumerate(permissions.ROLES, 1)}
# Nobody holds them: never given out, ended, revoked, and a customer's session.
DEAD = ("ofs_0_nobody", "ofs_0_ended", "ofk_0_revoked", f"ofm_{STORE.store_id}_customer", "", "x" * 300)


def ask(credential: str, _seconds: float) -> Principal:
    """What identity_merge would say: "ofs_0_<role>" is a session, "ofk_0_<scope>+<scope>" a key."""
    kind, _, who = credential.partition("_0_")
    if kind == "ofs" and who in ROLES:
        role = identity.StaffRole.ValueType(ROLES[who])
        answer = identity.AuthenticateResponse(store=STORE, staff=identity.StaffMember(staff_id=ID, role=role))
    elif kind == "ofk" and who != "revoked":
        answer = identity.AuthenticateResponse(store=STORE, api_key=identity.ApiKey(scopes=who.split("+")))
    else:
        raise Unauthenticated("credential_refused")
    return principal_of(answer)


@pytest.fixture(scope="module")
def gate() -> Iterator[Flask]:
    app = create_app(Environment(SETTINGS | NO_LIMITS))
    # Forms without their token are refused before anybody asks who sends them; here that is what is asked.
    app.config["WTF_CSRF_ENABLED"] = False
    app.extensions["onefold_authenticator"] = Authenticator(ask)
    frame._stores[STORE.slug] = (time.monotonic() + 600, STORE)
    yield app
    del frame._stores[STORE.slug]


def rules(app: Flask) -> Iterator[Rule]:
    yield from app.url_map.iter_rules()


def test_every_route_is_in_the_table(gate: Flask) -> None:
    """And nothing is in the table that is no route any more."""
    assert {rule.endpoint for rule in rules(gate)} == set(ROUTES)


def test_the_words_in_the_table_exist() -> None:
    known = frozenset().union(*permissions.ROLES.values())
    assert {word for word in ROUTES.values() if ":" in word} <= known
    assert {word for word in ROUTES.values() if ":" not in word} == {STAFF, MEMBER, OPEN}


def test_roles_stand_for_the_contracts_numbers() -> None:
    assert {f"STAFF_ROLE_{name.upper()}": number for name, number in ROLES.items()} == {
        name: number for name, number in identity.StaffRole.items() if number
    }


@pytest.mark.parametrize("endpoint", [name for name, word in ROUTES.items() if word not in (OPEN, MEMBER)])
def test_nobody_gets_in_without_a_credential_that_is_good(endpoint: str, gate: Flask) -> None:
    for client, rule, method in asked(gate, endpoint):
        for credential in DEAD:
            answer = send(client, rule, method, credential)
            if rule.rule.startswith(("/api/", "/pos/data/")):
                assert (answer.status_code, answer.json["reason"]) == (401, "credential_refused"), (rule, credential)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            else:
                assert answer.status_code == 302, (rule, credential, answer.status_code)
                assert answer.headers["Location"].startswith("/console/login")


@pytest.mark.parametrize("endpoint", [name for name, word in ROUTES.items() if ":" in word])
def test_nobody_gets_in_with_too_low_a_role_or_too_few_scopes(endpoint: str, gate: Flask) -> None:
    word = ROUTES[endpoint]
    lower = [f"ofs_0_{role}" for role, may in permissions.ROLES.items() if word not in may]
    others = [scope for scope in permissions.SCOPES if word not in permissions.of_scopes([scope])]
    for client, rule, method in asked(gate, endpoint):
        # In two: a credential is not as long as all scopes together.
        halves = [f"ofk_0_{'+'.join(half)}" for half in (others[::2], others[1::2])]
        keys = [*halves, "ofk_0_"] if rule.rule.startswith("/api/") else []
        for credential in lower + keys:
            answer = send(client, rule, method, credential)
            assert answer.status_code == 403, (rule, credential, answer.status_code)
            if rule.rule.startswith(("/api/", "/pos/data/")):
                assert answer.json["reason"] == "permission_denied"
                assert word in answer.json["detail"]


# Forms are made before anybody is asked who they are.
@pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
@pytest.mark.parametrize("endpoint", [name for name, word in ROUTES.items() if word == MEMBER])
def test_staff_are_no_customers(endpoint: str, gate: Flask) -> None:
    """A customer's page wants a customer's session, and no other credential will do."""
    for client, rule, method in asked(gate, endpoint):
        for credential in "ofs_0_owner", "ofk_0_members:read", "":
            answer = send(client, rule, method, credential)
            assert answer.status_code == 302, (rule, answer.status_code)
            assert answer.headers["Location"].startswith("/s/tea/login")


def asked(gate: Flask, endpoint: str) -> Iterator[tuple[FlaskClient, Rule, str]]:
    for rule in rules(gate):
        if rule.endpoint == endpoint:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield gate.test_client(), rule, method


def send(client: FlaskClient, rule: Rule, method: str, credential: str) -> TestResponse:
    """With the credential where this route looks for one, and in the other places as well: there it must count for nothing."""
    client.set_cookie(SESSION_COOKIE, "ofs_0_owner" if rule.rule.startswith("/api/") else credential)
    client.set_cookie("onefold_member_tea", credential if credential.startswith("ofm_") else "")
    bearer = credential if rule.rule.startswith("/api/") else "ofs_0_owner"
    return client.open(path_of(rule), method=method, headers={"Authorization": f"Bearer {bearer}"} if bearer else {})


def path_of(rule: Rule) -> str:
    """An address of the route, with ids of nobody."""
    values = {name: "tea" if name == "slug" else ID for name in rule.arguments}
    for name, converter in rule._converters.items():
        if isinstance(converter, AnyConverter):
            values[name] = min(converter.items)
    built = rule.build(values)
    assert built
    return built[1]
