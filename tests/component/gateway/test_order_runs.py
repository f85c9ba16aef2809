"""Many orders changed at once through the API (E1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.api.bulk_models import OrderRun, OrderRunList, RefusedOrderList
from tests.component.gateway.conftest import Store, problem
from tests.support.until import until


def ended(store: Store, started: dict[str, Any]) -> OrderRun:
    """The run at its end."""

    def look() -> OrderRun | None:
        run = OrderRun.model_validate(store.get(f"/order-runs/{started['run_id']}").json())
        return run if run.state == "done" else None

    return until(look, "the run ends")


def test_many_orders_go_on_and_are_refunded_and_the_others_are_listed(new_store: Callable[[], Store]) -> None:
    """E1, E7: by ids and by filter; the same key is the same run; each refusal has a reason and a sentence."""
    store = new_store()
    paid = [store.order() for _ in range(3)]
    unpaid = store.order(paid=False, add_as_member=False)
    ids = [order["order_id"] for order in (*paid, unpaid)]
    body = {"order_ids": ids, "status": "shipped", "note": "van 7"}
    first = store.post("/order-runs/status", body, "ship").json()
    assert store.post("/order-runs/status", body, "ship").json()["run_id"] == first["run_id"]
    run = ended(store, first)
    assert (run.status, run.method, run.done, run.refused_count) == ("shipped", None, 4, 1)
    [stayed] = RefusedOrderList.model_validate(store.get(f"/order-runs/{run.run_id}/refused").json()).items
    assert (stayed.order_id, stayed.number, stayed.reason) == (ids[3], unpaid["number"], "order_cannot_become")
    assert stayed.detail.startswith("This order cannot take that step")
    order = store.get(f"/orders/{ids[0]}").json()
    assert (order["status"], order["history"][-1]["note"]) == ("shipped", "van 7")
    refunds = {"filter": {"status": ["shipped"]}, "expected_count": 3, "method": "cash"}
    assert ended(store, store.post("/order-runs/refunds", refunds).json()).refused_count == 0
    assert store.get(f"/orders/{ids[1]}").json()["refunded_minor"] == paid[1]["total_minor"]
    listed = OrderRunList.model_validate(store.get("/order-runs").json())
    assert [each.status for each in listed.items] == ["refunded", "shipped"]


def test_a_run_that_cannot_be_meant_is_refused(new_store: Callable[[], Store]) -> None:
    """E1: nobody chosen, another number than was seen, a filter that cannot be read."""
    store = new_store()
    store.order()
    assert problem(store.post("/order-runs/refunds", {})) == (
        422,
        "invalid_input",
        {("selection", "no_orders_chosen")},
    )
    changed = store.post("/order-runs/refunds", {"filter": {}, "expected_count": 7})
    assert (changed.status_code, changed.json()["reason"]) == (409, "selection_changed")
    upside_down = {"filter": {"placed_from": "2026-11-24", "placed_to": "2026-11-23"}, "status": "shipped"}
    assert problem(store.post("/order-runs/status", upside_down)) == (
        422,
        "invalid_input",
        {("placed_to", "range_upside_down")},
    )
