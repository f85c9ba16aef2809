"""Carts through the API: a merchant's own shop page (E4, H4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.cart_models import Cart
from gateway.api.order_models import PlacedOrder
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until

UNKNOWN = "01990000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def own(new_store: Callable[[], Store]) -> Store:
    """A store of which only these tests know."""
    return new_store()


def item(store: Store, price: int = 4_500, **change: Any) -> str:
    made = store.post("/items", {"name_en": "Oolong tea", "name_zh": "烏龍茶", "unit_price_minor": price} | change)
    assert made.status_code == 201, made.text
    return str(made.json()["item_id"])


def line(item_id: str, quantity: int = 1, price: int = 4_500) -> dict[str, Any]:
    return {"item_id": item_id, "quantity": quantity, "unit_price_minor": price}


def cart(store: Store, *lines: tuple[str, int], customer_id: str | None = None) -> Cart:
    body = {"customer_id": customer_id, "lines": [{"item_id": i, "quantity": n} for i, n in lines]}
    made = store.post("/carts", body)
    assert made.status_code == 201, made.text
    return Cart.model_validate(made.json())


def set_line(store: Store, cart_id: str, item_id: str, quantity: Any) -> Any:
    path = f"/carts/{cart_id}/lines/{item_id}"
    return store.http.put(path, json={"quantity": quantity}, headers={"Idempotency-Key": key()})


def unchecked(store: Store) -> list[str]:
    return [each["customer_id"] for each in store.get("/customers", cart_unchecked=True).json()["items"]]


def test_a_guests_cart_becomes_one_order_of_a_guest(own: Store) -> None:
    """A1, A7, A8, E7: an identifier that nobody has proved leads to no account, and no answer tells that there is one."""
    member_contact = own.person("Member")
    member = own.member(contact=member_contact)
    tea = item(own)
    answers = []
    for contact in (member_contact | {"name": "Somebody"}, own.person("Somebody")):
        made = cart(own, (tea, 2))
        body = {"lines": [line(tea, 2)], "contact": contact, "language": "en"}
        placed = [own.post(f"/carts/{made.cart_id}/checkout", body) for _ in range(2)]
        assert [each.status_code for each in placed] == [201, 201], placed[0].text
        order = PlacedOrder.model_validate(placed[0].json())
        assert placed[1].json()["order_id"] == order.order_id
        assert (order.status, order.channel, order.total_minor) == ("unpaid", "storefront", 9_000)
        assert [(each.title, each.item_id) for each in order.lines] == [("Oolong tea", tea)]
        assert order.customer.customer_id != member
        answers.append((order.customer.status, order.customer.created_member, set(placed[0].json())))
    assert answers[0] == answers[1]
    assert answers[0][0] == "guest"


def test_a_visitors_cart_goes_to_the_member_and_is_found_until_it_is_ordered(own: Store) -> None:
    """C3, E4, A2: the order is the member's, with what the account knows."""
    who = own.person()
    member, tea, pot = own.member(contact=who), item(own), item(own, 48_000)
    mine = cart(own, (tea, 1), customer_id=member)
    visitors = cart(own, (tea, 2), (pot, 1))
    until(lambda: unchecked(own) == [member], "the cart is found")
    for _ in range(2):
        claimed = own.post(f"/carts/{visitors.cart_id}/owner", {"customer_id": member})
    merged = Cart.model_validate(claimed.json())
    assert merged.cart_id == mine.cart_id
    assert [(each.item_id, each.quantity) for each in merged.lines] == [(tea, 3), (pot, 1)]
    assert own.get(f"/carts/{visitors.cart_id}").json()["state"] == "claimed"
    assert problem(set_line(own, visitors.cart_id, tea, 1))[:2] == (409, "cart_closed")
    assert set_line(own, mine.cart_id, pot, 0).json()["subtotal_minor"] == 13_500
    placed = own.post(f"/carts/{mine.cart_id}/checkout", {"lines": [line(tea, 3)], "apply_level_discount": True})
    order = PlacedOrder.model_validate(placed.json())
    assert (order.customer_id, order.contact.phone, order.customer.status) == (member, who["phone"], "member")
    until(lambda: unchecked(own) == [], "the cart is checked out")


def test_a_cart_moves_with_a_merge(own: Store) -> None:
    """F5, F10."""
    primary, other, tea = own.member(), own.member(), item(own)
    left = cart(own, (tea, 2), customer_id=other)
    until(lambda: other in unchecked(own), "the cart is found")
    assert own.merge(primary, other)["state"] == "completed"
    until(lambda: unchecked(own) == [primary], "the cart is the survivor's")
    assert own.get(f"/carts/{left.cart_id}").json()["state"] == "claimed"
    there = cart(own, customer_id=other)
    assert (there.customer_id, [each.quantity for each in there.lines]) == (primary, [2])
    assert set_line(own, there.cart_id, tea, 0).json()["lines"] == []
    until(lambda: unchecked(own) == [], "the cart is empty")


def test_what_cannot_be_bought_is_told_by_field_and_nothing_is_written(own: Store) -> None:
    """Another store's items, archived ones, changed prices, ten thousand lines."""
    tea, gone = item(own), item(own)
    made = cart(own, (tea, 1), (gone, 1))
    for quantity in (-1, 1_000, 2**31 - 1):
        refused = problem(set_line(own, made.cart_id, tea, quantity))
        assert refused == (422, "invalid_input", {("quantity", "out_of_range")})
    assert problem(set_line(own, made.cart_id, tea, "2"))[2] == {("quantity", "quantity_out_of_range")}
    assert problem(set_line(own, made.cart_id, UNKNOWN, 1))[2] == {("item_id", "unknown_item")}
    assert problem(set_line(own, UNKNOWN, tea, 1))[:2] == (404, "cart_not_found")
    many = {"lines": [{"item_id": tea, "quantity": 1}] * 10_000}
    assert problem(own.post("/carts", many))[2] == {("lines", "cart_full")}
    archived = {"name_en": "x", "unit_price_minor": 4_500, "archived": True}
    own.http.put(f"/items/{gone}", json=archived, headers={"Idempotency-Key": key()})
    checkout = f"/carts/{made.cart_id}/checkout"
    body = {"lines": [line(tea, price=1), line(gone)], "contact": own.person()}
    assert problem(own.post(checkout, body))[2] == {
        ("lines[0].unit_price_minor", "price_changed"),
        ("lines[1].item_id", "item_not_sold"),
    }
    set_line(own, made.cart_id, gone, 0)
    assert problem(own.post(checkout, {"lines": [], "contact": own.person()}))[2] == {("lines", "cart_changed")}
    assert problem(own.post(checkout, {"lines": [line(tea)] * 10_000, "contact": own.person()}))[0] == 422
    assert problem(own.post(checkout, {"lines": [line(tea)]}))[2] == {("contact.name", "required")}
    assert own.get(f"/carts/{made.cart_id}").json()["state"] == "open"
