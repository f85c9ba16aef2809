"""Orders through the API (A4, E1, E2, E5-E7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.order_models import Order, OrderList, PlacedOrder
from tests.component.gateway.conftest import LINES, Store, key, problem

UNKNOWN = "01990000-0000-7000-8000-000000000000"


def test_a_paid_order_of_somebody_new_stands_and_makes_a_member(store: Store) -> None:
    """A4, E5."""
    person = store.person()
    response = store.post("/orders", {"paid": True, "currency": "HKD", "lines": LINES, "contact": person})
    assert response.status_code == 201, response.text
    placed = PlacedOrder.model_validate(response.json())
    assert (placed.status, placed.total_minor, placed.paid_minor) == ("paid", 9_000, 9_000)
    assert placed.contact.model_dump() == person
    assert placed.customer.status == "member"
    assert placed.customer.created_member
    read = store.http.get(response.headers["Location"].removeprefix("/api/v1"))
    assert Order.model_validate(read.json()).customer_id == placed.customer.customer_id


def test_an_unpaid_order_makes_a_guest_unless_a_member_is_wished_for(store: Store) -> None:
    """A4: "add as a member" is on by default for paid orders alone."""
    assert store.order(paid=False)["customer"]["status"] == "guest"
    assert store.order(paid=False, add_as_member=True)["customer"]["status"] == "member"
    guest = store.order(add_as_member=False)["customer"]
    assert guest["status"] == "guest"
    # Picked later by id, with the wish, the guest becomes one too.
    picked = store.order(customer_id=guest["customer_id"], contact={"name": "Picked"})["customer"]
    assert (picked["customer_id"], picked["status"], picked["created_member"]) == (guest["customer_id"], "member", True)


def test_an_order_with_the_phone_of_a_member_goes_to_that_member(store: Store) -> None:
    person = store.person()
    first = store.order(contact=person)
    second = store.order(contact=person | {"name": "Another name", "email": ""})
    assert second["customer"]["customer_id"] == first["customer"]["customer_id"]
    assert not second["customer"]["created_member"]
    assert second["contact"]["name"] == "Another name"


def test_an_order_of_a_known_member_takes_the_contact_from_the_account(store: Store) -> None:
    person = store.person()
    member = store.member(contact=person)
    order = store.order(customer_id=member, contact=None)
    assert order["contact"] == person
    assert order["customer"] == {
        "customer_id": member,
        "status": "member",
        "name": person["name"],
        "created_member": False,
    }


def test_the_same_key_gives_the_same_answer_and_one_order(store: Store) -> None:
    """E7."""
    body, once = {"paid": True, "currency": "HKD", "lines": LINES, "contact": store.person()}, key()
    first, second = store.post("/orders", body, once), store.post("/orders", body, once)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(store.get("/orders", query=body["contact"]["phone"]).json()["items"]) == 1  # type: ignore[index]


def test_the_same_key_with_another_body_is_refused(store: Store) -> None:
    """E7."""
    body, once = {"paid": True, "currency": "HKD", "lines": LINES, "contact": store.person()}, key()
    assert store.post("/orders", body, once).status_code == 201
    assert problem(store.post("/orders", body | {"note": "x"}, once))[:2] == (422, "idempotency_key_reused")


def test_a_repeat_is_the_same_although_the_customer_has_changed_in_between(store: Store) -> None:
    """E7, F10: what the gateway fills in of the customer must not make another request of a repeat."""
    other, primary, once = store.member(), store.member(), key()
    body = {"paid": False, "currency": "HKD", "lines": LINES, "customer_id": other}
    first = store.post("/orders", body, once).json()
    assert store.merge(primary, other)["state"] == "completed"
    again = store.post("/orders", body, once)
    assert again.status_code == 201, again.text
    assert again.json()["order_id"] == first["order_id"]
    assert again.json()["customer"]["customer_id"] == primary


@pytest.mark.parametrize("sent", [None, "", "x" * 201, "two words"])
def test_a_write_without_a_usable_key_is_refused(store: Store, sent: str | None) -> None:
    """E7."""
    headers = {} if sent is None else {"Idempotency-Key": sent}
    response = store.http.post("/orders", json={}, headers=headers)
    assert problem(response)[:2] == (400, "idempotency_key_required")


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"lines": []}, {("lines", "empty_lines")}),
        ({"lines": [LINES[0] | {"quantity": 0}]}, {("lines[0].quantity", "quantity_out_of_range")}),
        ({"lines": [LINES[0] | {"unit_price_minor": -1}]}, {("lines[0].unit_price_minor", "negative_amount")}),
        ({"lines": [LINES[0] | {"unit_price_minor": 10**12}]}, {("lines[0].unit_price_minor", "amount_too_large")}),
        ({"lines": [LINES[0] | {"discount_minor": 9_001}]}, {("lines[0].discount_minor", "discount_too_large")}),
        ({"discount_minor": 9_001}, {("discount_minor", "discount_too_large")}),
        ({"currency": "ZZZ"}, {("currency", "unknown_currency")}),
        ({"currency": "TWD"}, {("currency", "currency_not_of_store")}),
        ({"contact": {"name": "A", "phone": "21234567"}}, {("contact.phone", "not_a_mobile_phone")}),
        ({"contact": {"name": "A", "phone": "9.4512053E+07"}}, {("contact.phone", "invalid_phone")}),
        ({"contact": {"name": "A", "email": "a@"}}, {("contact.email", "invalid_email")}),
        (
            {"contact": {"name": "A" * 121, "phone": "1", "email": "a"}},
            {("contact.name", "too_long"), ("contact.phone", "invalid_phone"), ("contact.email", "invalid_email")},
        ),
        ({"placed_at": "2999-01-01T00:00:00Z"}, {("placed_at", "date_in_future")}),
        ({"unheard_of": 1}, {("unheard_of", "unknown_field")}),
    ],
)
def test_bad_input_is_told_by_field_and_nothing_is_written(
    store: Store, change: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    body = {
        "paid": True,
        "currency": "HKD",
        "lines": LINES,
        "contact": store.person(),
        "external_reference": key(),
    } | change
    before = store.get("/orders", page_size=1).json()["items"]
    status, reason, found = problem(store.post("/orders", body))
    assert (status, reason) == (422, "invalid_input")
    assert faults <= found
    assert store.get("/orders", page_size=1).json()["items"] == before


def test_an_unknown_customer_is_told_and_nothing_is_written(store: Store) -> None:
    body = {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": UNKNOWN}
    assert problem(store.post("/orders", body))[:2] == (404, "customer_not_found")


def test_payment_is_confirmed_once_and_for_the_whole(store: Store) -> None:
    """E1."""
    path = f"/orders/{store.order(paid=False)['order_id']}/payment"
    assert problem(store.post(path, {"method": "cash", "amount_minor": 1}))[:2] == (409, "amount_not_of_order")
    paid = Order.model_validate(store.post(path, {"method": "cash", "reference": "till 7"}).json())
    assert (paid.status, paid.paid_minor, paid.payments[0].reference) == ("paid", 9_000, "till 7")
    assert problem(store.post(path, {"method": "cash"}))[:2] == (409, "order_not_unpaid")


def test_the_contact_on_an_order_is_edited_and_the_account_is_not(store: Store) -> None:
    """E2."""
    person = store.person()
    order = store.order(contact=person)
    path, headers = f"/orders/{order['order_id']}/contact", {"Idempotency-Key": key()}
    edit = {"contact": person | {"email": "other@mail.example"}, "expected_version": order["version"]}
    edited = store.http.patch(path, json=edit, headers=headers)
    assert edited.json()["contact"]["email"] == "other@mail.example", edited.text
    assert store.get(f"/customers/{order['customer']['customer_id']}").json()["email"] == person["email"]
    again = store.http.patch(
        path, json=edit | {"expected_version": order["version"]}, headers={"Idempotency-Key": key()}
    )
    assert problem(again)[:2] == (409, "stale_version")


def test_a_list_is_read_page_by_page_without_gaps_or_doubles(store: Store) -> None:
    wanted = {store.order()["order_id"] for _ in range(5)}
    seen: list[str] = []
    token = ""
    while len(seen) < 5:
        page = OrderList.model_validate(store.get("/orders", page_size=2, page_token=token).json())
        assert len(page.items) == 2
        seen += [order.order_id for order in page.items]
        assert page.next_page_token
        token = page.next_page_token
    assert set(seen[:5]) == wanted
    assert len(set(seen)) == len(seen)


def test_a_page_that_nobody_gave_out_is_refused(store: Store) -> None:
    assert problem(store.get("/orders", page_token="bm90IGEgcGFnZQ=="))[2] == {("page_token", "invalid_page_token")}


@pytest.mark.parametrize(
    ("path", "status", "reason"), [(UNKNOWN, 404, "order_not_found"), ("42", 422, "invalid_input")]
)
def test_an_order_that_is_not_there_is_told(store: Store, path: str, status: int, reason: str) -> None:
    assert problem(store.get(f"/orders/{path}"))[:2] == (status, reason)


def test_the_order_mail_is_sent_again_five_times_and_no_more(store: Store) -> None:
    """E3, Q."""
    order = store.order()
    counted = [store.post(f"/orders/{order['order_id']}/resend-email", {}).json()["resends"] for _ in range(5)]
    assert counted == [1, 2, 3, 4, 5]
    sixth = store.post(f"/orders/{order['order_id']}/resend-email", {})
    assert problem(sixth) == (409, "resend_limit_reached", set())


def test_an_order_goes_on_and_money_is_given_back(store: Store) -> None:
    """E1, B5: by the same words as the pages; a refund in part leaves the status as it is."""
    order = store.order()
    path = f"/orders/{order['order_id']}"
    shipped = Order.model_validate(store.post(f"{path}/status", {"status": "shipped", "tracking": "SF 1"}).json())
    assert (shipped.status, shipped.tracking) == ("shipped", "SF 1")
    assert problem(store.post(f"{path}/status", {"status": "processing"}))[1] == "order_cannot_become"
    part = Order.model_validate(store.post(f"{path}/refunds", {"amount_minor": 1_000, "reason": "late"}).json())
    assert (part.status, part.refunded_minor, part.refunds[0].reason) == ("shipped", 1_000, "late")
    assert Order.model_validate(store.post(f"{path}/refunds", {}).json()).status == "refunded"
    assert problem(store.post(f"{path}/cancellation", {"reason": "x"}))[1] == "order_not_cancellable"
    unpaid = store.order(paid=False)
    cancelled = store.post(f"/orders/{unpaid['order_id']}/cancellation", {"reason": "no answer"})
    assert Order.model_validate(cancelled.json()).history[-1].change == "cancelled"
    listed = OrderList.model_validate(store.http.get("/orders", params={"status": "partly_refunded"}).json())
    assert order["order_id"] not in [each.order_id for each in listed.items], "refunded whole"


def test_nothing_is_sold_to_an_account_that_is_gone(new_store: Callable[[], Store]) -> None:
    """C9: its id is refused where it was typed; the same phone buys as somebody new."""
    store = new_store()
    person = store.person()
    member = store.member(contact=person)
    before = key()
    stood = store.post(
        "/orders", {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": member}, before
    ).json()
    gone = store.http.request(
        "DELETE", f"/customers/{member}", json={"confirmation": person["phone"]}, headers={"Idempotency-Key": key()}
    )
    assert gone.status_code in (200, 204), gone.text
    wish = {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": member}
    assert problem(store.post("/orders", wish)) == (422, "invalid_input", {("customer_id", "customer_gone")})
    assert store.post("/orders", wish, before).json()["order_id"] == stood["order_id"], "a repeat has its answer"
    assert store.order(contact=person)["customer"]["customer_id"] != member
