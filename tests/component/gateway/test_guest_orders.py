"""A guest who registers finds the orders of what was proved, and nothing else (A1, A7, C7)."""

from __future__ import annotations

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store
from tests.component.gateway.customer import customer
from tests.support.until import until


def test_a_guest_who_registers_finds_the_orders_of_the_proved_address_alone(stack: Stack, store: Store) -> None:
    """The order of the same phone with another address stays a guest's, until the phone is proved, too."""
    person = store.person()
    mine = store.order(add_as_member=False, contact=person)
    other = store.order(add_as_member=False, contact=person | {"email": store.person()["email"]})
    with customer(stack, store) as browser:
        assert browser.register(person["email"]).headers["Location"] == f"/s/{store.slug}/account"
        until(lambda: f"#{mine['number']}" in browser.get("account").text, "the guest order is in the account")
        assert f"#{other['number']}" not in browser.get("account").text
        browser.add(person["phone"])
        until(lambda: f"#{other['number']}" in browser.get("account").text, "the order of the phone is there")
    [member] = store.get("/customers", query=person["email"], members_only="true").json()["items"]
    found = until(
        lambda: (now := store.get(f"/customers/{member['customer_id']}").json())["orders_count"] == 2 and now,
        "both orders are counted",
    )
    assert found["net_spend_minor"] == mine["total_minor"] + other["total_minor"]
    past = store.get(f"/customers/{member['customer_id']}/timeline").json()["items"]
    assert [each["text"] for each in past if each["kind"] == "guest_orders_joined"] == ["phone,1", "email,1"]
