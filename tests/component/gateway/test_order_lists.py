"""Lists of orders and their export through the API (E1, C11)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.api.order_models import OrderList
from tests.component.gateway.conftest import Store, problem

ZONE = ZoneInfo("Asia/Hong_Kong")


def listed(store: Store, **query: Any) -> list[int]:
    """The numbers of a list."""
    return [order.number for order in OrderList.model_validate(store.get("/orders", **query).json()).items]


def test_orders_are_filtered_by_each_part_and_by_several(new_store: Callable[[], Store]) -> None:
    """E1: statuses, days of the store, totals, channels, member, words."""
    store = new_store()
    small = store.order(contact=store.person("陳 小文"), lines=[{"title": "x", "quantity": 1, "unit_price_minor": 500}])
    till = store.order(paid=True, channel="pos", contact=store.person("Chan"))
    unpaid = store.order(paid=False, add_as_member=False, contact=store.person("大"))
    store.post(f"/orders/{till['order_id']}/refunds", {"amount_minor": 1})
    a, b, c = (order["number"] for order in (small, till, unpaid))
    today = datetime.now(ZONE).date()
    assert listed(store) == [c, b, a]
    assert listed(store, status=["unpaid", "completed"]) == [c, b]
    assert listed(store, status="partly_refunded") == listed(store, status="completed", channel="pos") == [b]
    assert listed(store, channel=["pos", "api"]) == [c, b, a]
    assert listed(store, total_to_minor=500) == listed(store, query="陳小") == listed(store, query=f"#{a}") == [a]
    assert listed(store, customer_id=till["customer_id"]) == [b]
    assert listed(store, placed_from=today - timedelta(days=1), placed_to=today + timedelta(days=1)) == [c, b, a]
    assert listed(store, placed_to=today - timedelta(days=2)) == listed(store, query="大", status="paid") == []


def test_a_day_is_the_stores_day(new_store: Callable[[], Store]) -> None:
    """Half past midnight in Hong Kong is the evening before in London."""
    store = new_store()
    placed = datetime(2026, 3, 1, 0, 30, tzinfo=ZONE).astimezone(UTC).isoformat()
    number = store.order(placed_at=placed)["number"]
    assert listed(store, placed_from="2026-03-01", placed_to="2026-03-01") == [number]
    assert listed(store, placed_to="2026-02-28") == []


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"status": "lost"}, "status[0]", "unknown_value"),
        ({"channel": "fax"}, "channel[0]", "unknown_value"),
        ({"placed_from": "24/11/2026"}, "placed_from", "invalid_date"),
        ({"placed_from": "2026-11-24", "placed_to": "2026-11-23"}, "placed_to", "range_upside_down"),
        ({"total_from_minor": 2, "total_to_minor": 1}, "total_to_minor", "range_upside_down"),
        ({"total_from_minor": -1}, "total_from_minor", "negative_amount"),
        ({"customer_id": "x"}, "customer_id", "invalid_id"),
        ({"query": "x" * 101}, "query", "too_long"),
        ({"colour": "red"}, "colour", "unknown_field"),
    ],
)
def test_what_is_wrong_with_a_filter_is_told_by_its_name(store: Store, query: Any, field: str, reason: str) -> None:
    for path in ("/orders", "/orders/export.csv"):
        assert problem(store.get(path, **query))[2] == {(field, reason)}


def test_a_list_of_orders_is_taken_away_as_a_file(new_store: Callable[[], Store]) -> None:
    """C11: what the filter lets through, all pages of it; nothing in it runs in a spreadsheet."""
    store = new_store()
    for n in range(3):
        store.order(contact=store.person(f"=HYPERLINK({n})"), note="@SUM(A1)")
    store.order(paid=False, contact=store.person("Nobody"))
    answer = store.get("/orders/export.csv", status="paid")
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="orders-' in answer.headers["content-disposition"]
    header, *rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert header[:3] == ["Order", "Placed", "Status"]
    assert [row[4] for row in rows] == [f"'=HYPERLINK({n})" for n in (2, 1, 0)]
    assert {(row[2], row[13]) for row in rows} == {("Paid", "'@SUM(A1)")}
    assert rows[0][11] == f"{rows[0][10]}"
