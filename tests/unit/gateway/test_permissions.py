"""Who may do what (H1, H4)."""

from __future__ import annotations

import pytest

from gateway import permissions
from gateway.auth import principal_of
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common.errors import Unauthenticated

STORE = identity.Store(store_id="0199", region="TW", currency="TWD", timezone="Asia/Taipei", language="zh-Hant")


def test_only_the_owner_makes_api_keys() -> None:
    assert [role for role, allowed in permissions.ROLES.items() if permissions.API_KEYS_WRITE in allowed] == ["owner"]


def test_files_of_members_are_for_owner_and_manager() -> None:
    allowed = [role for role, may in permissions.ROLES.items() if permissions.MEMBERS_IMPORT in may]
    assert allowed == ["owner", "manager"]


def test_where_the_money_goes_is_said_by_owner_and_manager_and_by_no_program() -> None:
    allowed = [role for role, may in permissions.ROLES.items() if permissions.PAYMENTS_WRITE in may]
    assert allowed == ["owner", "manager"]
    assert permissions.PAYMENTS_WRITE not in permissions.SCOPES


def test_a_cashier_sells_and_enrols_but_merges_nobody() -> None:
    assert permissions.of_role("cashier") == {
        "orders:read",
        "orders:write",
        "items:read",
        "carts:read",
        "members:read",
        "members:write",
        "members:note",
    }


def test_support_reads_all_notes_merges_and_changes_phones_but_touches_no_money() -> None:
    """C4, C5"""
    assert permissions.of_role("support") == {
        "orders:read",
        "items:read",
        "carts:read",
        "members:read",
        "members:note",
        "members:phone",
        "merges:write",
    }


def test_whoever_edits_members_writes_notes_and_tags() -> None:
    """C4: a key that could before still can."""
    assert all(permissions.MEMBERS_NOTE in may for may in permissions.ROLES.values() if "members:write" in may)
    assert permissions.of_scopes(["members:write"]) == {"members:write", "members:note"}
    assert permissions.of_scopes(["members:read", "members:note"]) == {"members:read"}


def test_nobody_but_the_owner_erases_people_and_no_program_changes_phones() -> None:
    """C5, C12"""
    assert [role for role, may in permissions.ROLES.items() if permissions.MEMBERS_ERASE in may] == ["owner"]
    assert permissions.SCOPES.isdisjoint({permissions.MEMBERS_PHONE, permissions.MEMBERS_ERASE})


def test_only_owner_and_manager_take_the_list_of_members_away() -> None:
    """C11."""
    assert {role for role, may in permissions.ROLES.items() if permissions.MEMBERS_EXPORT in may} == {
        "owner",
        "manager",
    }


def test_an_unknown_role_may_nothing() -> None:
    assert permissions.of_role("unspecified") == frozenset()
    assert permissions.role_name(identity.STAFF_ROLE_UNSPECIFIED) == "unspecified"


@pytest.mark.parametrize("role", [r for r in identity.StaffRole.values() if r])
def test_every_role_of_the_contract_has_its_row(role: identity.StaffRole.ValueType) -> None:
    assert permissions.role_name(role) in permissions.ROLES


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
