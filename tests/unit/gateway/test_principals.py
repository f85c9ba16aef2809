"""Who holds a credential, and what a service is told of them (H1, H4)."""

from __future__ import annotations

import pytest

from gateway.auth import principal_of, role_name
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common import permissions
from services.common.errors import Unauthenticated

STORE = identity.Store(store_id="0199", region="TW", currency="TWD", timezone="Asia/Taipei", language="zh-Hant")


def test_a_role_of_tomorrow_has_no_word() -> None:
    assert role_name(identity.STAFF_ROLE_UNSPECIFIED) == "unspecified"


@pytest.mark.parametrize("role", [r for r in identity.StaffRole.values() if r])
def test_every_role_of_the_contract_has_its_row(role: identity.StaffRole.ValueType) -> None:
    assert role_name(role) in permissions.ROLES


def test_an_api_key_may_what_its_scopes_say_and_never_make_keys() -> None:
    answer = identity.AuthenticateResponse(
        store=STORE, api_key=identity.ApiKey(api_key_id="k1", scopes=["orders:write", "api_keys:write", "of:tomorrow"])
    )
    who = principal_of(answer)
    assert who.permissions == {"orders:write"}
    assert who.claims.scopes == ("orders:write",)


def test_the_service_token_carries_the_store_and_who_it_is() -> None:
    who = principal_of(
        identity.AuthenticateResponse(
            store=STORE, staff=identity.StaffMember(staff_id="s1", role=identity.STAFF_ROLE_OWNER)
        )
    )
    claims = who.claims
    assert (claims.actor, claims.role, claims.store_id, claims.region, claims.currency) == (
        "staff:s1",
        "owner",
        "0199",
        "TW",
        "TWD",
    )


def test_an_answer_that_names_nobody_lets_nobody_in() -> None:
    with pytest.raises(Unauthenticated):
        principal_of(identity.AuthenticateResponse(store=STORE))
