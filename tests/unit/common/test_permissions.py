"""The one table of roles (H1, H4)."""

from __future__ import annotations

from services.common import permissions


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
    assert {permissions.MEMBERS_PHONE, permissions.MEMBERS_ERASE}.isdisjoint(permissions.SCOPES)


def test_only_owner_and_manager_take_the_list_of_members_away() -> None:
    """C11."""
    assert {role for role, may in permissions.ROLES.items() if permissions.MEMBERS_EXPORT in may} == {
        "owner",
        "manager",
    }


def test_only_the_owner_says_who_works_for_the_store_and_no_program_does() -> None:
    assert [role for role, may in permissions.ROLES.items() if permissions.STAFF_WRITE in may] == ["owner"]
    assert {permissions.STAFF_WRITE, permissions.API_KEYS_WRITE, permissions.AUDIT_READ}.isdisjoint(permissions.SCOPES)


def test_what_everybody_did_is_read_by_owner_and_manager() -> None:
    assert [role for role, may in permissions.ROLES.items() if permissions.AUDIT_READ in may] == ["owner", "manager"]


def test_the_owner_may_whatever_anybody_may() -> None:
    """Else nobody could give it."""
    assert permissions.of_role("owner") == frozenset().union(*permissions.ROLES.values())


def test_an_unknown_role_may_nothing() -> None:
    assert permissions.of_role("unspecified") == frozenset()
