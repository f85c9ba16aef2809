"""Level discount and points in orders, through the API and the console (B1, B2, E6, E7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deploy.local.stack import Stack
from gateway.api.benefits import Benefits
from gateway.api.order_models import PlacedOrder
from tests.component.gateway.conftest import LINES, Store, key, problem
from tests.support.until import until


@pytest.fixture(scope="module")
def own(new_store: Callable[[], Store]) -> Store:
    """A store whose members get 10 % off."""
    store = new_store()
    rules: dict[str, Any] = {
        "basis": "lifetime",
        "levels": [{"name": "Gold 金", "threshold_minor": 0, "discount_percent": 10}],
        "version": store.get("/levels").json()["version"],
    }
    seen = store.post("/levels/simulate", rules).json()
    wish = rules | {"simulation_hash": seen["simulation_hash"]}
    asked = store.http.put("/levels", json=wish, headers={"Idempotency-Key": key()})
    run = asked.headers["Location"].removeprefix("/api/v1")
    until(lambda: store.get(run).json()["state"] == "done", "the levels are saved")
    return store


def rich_member(store: Store) -> str:
    """A member with 90 points earned and 500 given."""
    member = store.member()
    until(lambda: store.get(f"/customers/{member}/points").json()["balance"] == 90, "the order earns")
    given = store.post(f"/customers/{member}/points", {"points": 500, "expires_on": "2099-12-31", "note": ""})
    assert given.status_code == 200, given.text
    return member


def body(member: str, **wishes: Any) -> dict[str, Any]:
    return {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": member} | wishes


def test_an_order_takes_level_discount_and_points(own: Store) -> None:
    """B1, B2, E7: as quoted; a repeat gives the same and takes nothing more."""
    member, once = rich_member(own), key()
    quoted = Benefits.model_validate(own.get(f"/members/{member}/benefits", amount_minor=9_000).json())
    assert (quoted.level_name, quoted.level_discount_minor, quoted.points_balance) == ("Gold 金", 900, 590)
    assert (quoted.points_usable, quoted.points_value_minor) == (590, 590)
    wish = body(member, apply_level_discount=True, redeem_points=500, shipping_minor=1_000)
    first = own.post("/orders", wish, once)
    assert first.status_code == 201, first.text
    placed = PlacedOrder.model_validate(first.json())
    assert (placed.level_discount_minor, placed.level_name) == (900, "Gold 金")
    assert (placed.points_redeemed, placed.points_discount_minor, placed.total_minor) == (500, 500, 8_600)
    assert not placed.level_discount_missed
    assert own.post("/orders", wish, once).json() == first.json()
    until(lambda: own.get(f"/customers/{member}/points").json()["balance"] == 176, "590 - 500 + 86 earned")


def test_an_unpaid_order_holds_its_points_and_gives_them_back_when_it_is_cancelled(own: Store) -> None:
    """B4, E1: while it is unpaid nobody else spends them; afterwards the balance is what it was, once."""
    member = rich_member(own)

    def balance() -> int:
        return int(own.get(f"/members/{member}/benefits", amount_minor=9_000).json()["points_balance"])

    placed = own.post("/orders", body(member, paid=False, redeem_points=500)).json()
    assert (placed["status"], balance()) == ("unpaid", 90)
    assert problem(own.post("/orders", body(member, redeem_points=91)))[:2] == (409, "points_insufficient")
    once = key()
    for _again in range(2):
        cancelled = own.post(f"/orders/{placed['order_id']}/cancellation", {"reason": "changed their mind"}, once)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled"), cancelled.text
    until(lambda: balance() == 590, "the points come back")
    assert own.get(f"/customers/{member}").json()["orders_count"] == 1


def test_what_points_cannot_do_is_told_by_field(own: Store) -> None:
    """B2."""
    member = rich_member(own)
    lines = [{"title": "Tea", "quantity": 1, "unit_price_minor": 100}]
    above = own.post("/orders", body(member, lines=lines, redeem_points=101))
    assert problem(above) == (422, "invalid_input", {("redeem_points", "points_above_due")})
    assert "100" in above.json()["detail"]
    assert problem(own.post("/orders", body(member, redeem_points=591)))[:2] == (409, "points_insufficient")
    nobody = {"redeem_points": 1, "customer_id": None, "contact": own.person()}
    assert problem(own.post("/orders", body(member, **nobody)))[2] == {("customer_id", "customer_not_chosen")}
    assert len(own.get(f"/customers/{member}/orders").json()["items"]) == 1


def test_without_membership_an_order_stands_without_the_discount_and_points_are_refused(
    own: Store, stack: Stack
) -> None:
    """E6: the answer says so; by the same key the order goes through without points."""
    member, once = rich_member(own), key()
    process = stack.process("membership-serve")
    process.kill()
    try:
        refused = own.post("/orders", body(member, redeem_points=10), once)
        assert problem(refused)[:2] == (503, "points_unavailable")
        response = own.post("/orders", body(member, apply_level_discount=True), once)
        placed = PlacedOrder.model_validate(response.json())
    finally:
        process.start()
        stack.write_state()
        # Those who come next shall find it: the gateway waits a little before it connects anew.
        until(lambda: own.get(f"/customers/{member}").status_code == 200, "membership is back")
    assert (placed.total_minor, placed.level_discount_minor, placed.level_discount_missed) == (9_000, 0, True)
