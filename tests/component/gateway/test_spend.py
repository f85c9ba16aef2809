"""Net spend explained through the API (B5)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.spend import SpendExplained
from tests.component.gateway.conftest import Store
from tests.support.until import until


def settled(store: Store, customer_id: str) -> SpendExplained | None:
    found = SpendExplained.model_validate(store.get(f"/customers/{customer_id}/spend").json())
    return found if found.settled else None


def test_net_spend_is_the_sum_of_the_orders_after_a_refund_and_a_merge(new_store: Callable[[], Store]) -> None:
    """B5, F5: asked for by the merged id, too; the order that came along says from which account."""
    store = new_store()
    stays, goes = store.member(), store.member()
    more = store.order(customer_id=stays, contact=None, add_as_member=False)
    store.post(f"/orders/{more['order_id']}/refunds", {"amount_minor": 2_500, "method": "cash"})
    until(lambda: settled(store, stays), "the refund is counted")
    store.merge(stays, goes)
    found = until(lambda: settled(store, goes), "both say the same")
    assert (found.customer_id, found.net_spend_minor) == (stays, 3 * 9_000 - 2_500)
    assert (
        found.items[0].running_minor
        == found.net_spend_minor
        == store.get(f"/customers/{stays}").json()["net_spend_minor"]
    )
    assert [(each.refunded_minor, each.moved_from) for each in found.items] == [(2_500, None), (0, goes), (0, None)]
