"""The price list, through the API and the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.api.item_models import Item, ItemList
from tests.component.gateway.conftest import Store, key, problem

TEA: dict[str, Any] = {"name_en": "Oolong tea", "name_zh": "烏龍茶", "sku": "OOL-1", "unit_price_minor": 4_500}


@pytest.fixture
def own(new_store: Callable[[], Store]) -> Store:
    """A store without items."""
    return new_store()


def put(store: Store, item_id: str, body: dict[str, Any]) -> httpx.Response:
    return store.http.put(f"/items/{item_id}", json=body, headers={"Idempotency-Key": key()})


def test_an_item_is_added_found_changed_archived_and_sold(own: Store) -> None:
    """E7: an order keeps the copy that it was made with."""
    once = key()
    made = own.post("/items", TEA, once)
    assert made.status_code == 201, made.text
    assert own.post("/items", TEA, once).json() == made.json()
    item = Item.model_validate(made.json())
    assert own.http.get(made.headers["Location"].removeprefix("/api/v1")).json() == made.json()
    line = {"title": "烏龍茶", "quantity": 2, "unit_price_minor": 4_500, "item_id": item.item_id}
    order = own.order(lines=[line])
    changed = put(own, item.item_id, TEA | {"unit_price_minor": 5_000, "archived": True, "expected_version": 1})
    assert Item.model_validate(changed.json()).archived
    assert problem(put(own, item.item_id, TEA | {"expected_version": 1}))[:2] == (409, "stale_version")
    assert ItemList.model_validate(own.get("/items").json()).items == []
    assert [each["sku"] for each in own.get("/items", archived=True, query="烏龍").json()["items"]] == ["OOL-1"]
    lines = own.get(f"/orders/{order['order_id']}").json()["lines"]
    assert [(each["item_id"], each["unit_price_minor"]) for each in lines] == [(item.item_id, 4_500)]


def test_what_is_wrong_is_told_by_field(own: Store) -> None:
    assert own.post("/items", TEA).status_code == 201
    assert problem(own.post("/items", TEA | {"sku": "ool-1"}))[:2] == (409, "sku_taken")
    wrong = {"name_en": "", "sku": "x" * 65, "unit_price_minor": -1, "position": -1}
    assert problem(own.post("/items", wrong))[2] == {
        ("name_en", "required"),
        ("sku", "too_long"),
        ("unit_price_minor", "negative_amount"),
        ("position", "out_of_range"),
    }
    body = {"paid": True, "currency": "HKD", "contact": own.person()}
    line = {"title": "x", "quantity": 1, "unit_price_minor": 1, "item_id": "01990000-0000-7000-8000-000000000000"}
    assert problem(own.post("/orders", body | {"lines": [line]}))[2] == {("lines[0].item_id", "unknown_item")}


class Console:
    """The owner at the console, without a browser."""

    def __init__(self, store: Store) -> None:
        cookies = {"onefold_session": store.session_token, "onefold_language": "en"}
        self.http = httpx.Client(base_url=store.url, cookies=cookies, trust_env=False, timeout=30)

    def send(self, path: str, fields: dict[str, str], action: str = "") -> httpx.Response:
        """Opens the form, fills it in and sends it."""
        page = self.http.get(path).text
        form = dict(
            re.findall(r'<input[^>]* name="(csrf_token|idempotency_key|expected_version)"[^>]* value="([^"]*)"', page)
        )
        return self.http.post(action or path, data=form | fields, follow_redirects=True)


def test_staff_keep_the_list_at_the_console_and_an_orders_line_takes_its_price(own: Store) -> None:
    """A4: without script, a line that is called as an item is that item; what is typed otherwise stays free."""
    console = Console(own)
    fields = {"name_en": "Oolong tea", "name_zh": "烏龍茶", "sku": "OOL-1", "unit_price": "45"}
    fields |= {"sold_online": "y", "sold_at_counter": "y"}
    refused = console.send("/console/items/new", fields | {"unit_price": "-1", "name_en": "", "name_zh": ""})
    assert refused.status_code == 422
    assert "Oolong" not in refused.text
    assert "OOL-1" in refused.text
    assert "is on the list" in console.send("/console/items/new", fields).text
    [item] = own.get("/items").json()["items"]
    twin = console.send("/console/items/new", fields)
    assert (twin.status_code, "has this SKU" in twin.text) == (422, True)
    assert "HK$\u00a045.00" in console.http.get("/console/items?q=烏龍").text

    order = {"customer_mode": "new", "name": "Chan", "phone": "6123 4567", "action": "save", "payment_method": "1"}
    order |= {"lines-0-title": "烏龍茶", "lines-0-quantity": "2", "lines-0-unit_price": ""}
    order |= {"lines-1-title": "Gift", "lines-1-quantity": "1", "lines-1-unit_price": "1"}
    assert console.send("/console/orders/new/paid", order).status_code == 200
    [placed] = own.get("/orders").json()["items"]
    lines = own.get(f"/orders/{placed['order_id']}").json()["lines"]
    assert [(line["item_id"], line["sku"], line["total_minor"]) for line in lines] == [
        (item["item_id"], "OOL-1", 9_000),
        (None, "", 100),
    ]

    edit = f"/console/items/{item['item_id']}"
    assert "is archived" in console.send(edit, {"archived": "1"}, f"{edit}/archive").text
    assert own.get("/items").json()["items"] == []
    assert "is saved" in console.send(edit, fields | {"unit_price": "46", "position": "5"}).text
    [archived] = own.get("/items", archived=True).json()["items"]
    assert (archived["unit_price_minor"], archived["position"], archived["version"]) == (4_600, 5, 3)
    console.http.close()
