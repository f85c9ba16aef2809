"""Lists, exports, saved filters and figures through the API (C1-C3, C11)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.customer_models import CustomerList
from gateway.api.directory_models import Overview, SavedFilter, SavedFilterList
from services.common.money import LARGEST_AMOUNT
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until


def listed(store: Store, **query: Any) -> list[str]:
    """The ids of a list."""
    found = CustomerList.model_validate(store.get("/customers", page_size=100, **query).json())
    return [customer.customer_id for customer in found.items]


def test_customers_are_filtered_and_sorted(new_store: Callable[[], Store]) -> None:
    """C2, C3, A5: each list by itself and page by page."""
    store = new_store()
    small = store.member(contact=store.person("陳 小文"))
    big = store.member(
        contact=store.person("Chan Tai Man"), lines=[{"title": "x", "quantity": 9, "unit_price_minor": 50_000}]
    )
    guest = store.order(add_as_member=False, channel="storefront", contact=store.person("Guest"))["customer"][
        "customer_id"
    ]
    until(lambda: listed(store, invitable=True) == [guest], "the guest's order is known")
    assert listed(store, members_only=True, sort="net_spend_high") == [big, small]
    assert listed(store, members_only=True, sort="points_low") == [small, big]
    assert listed(store, members_only=True, sort="name") == [big, small]
    assert listed(store, net_spend_from_minor=400_000) == [big]
    assert listed(store, members_only=True, registered_recently=True) == [big, small]
    assert listed(store, cart_unchecked=True) == listed(store, tag=["vip"]) == listed(store, birthday_month=3) == []
    assert listed(store, query="陳小文") == listed(store, query="小 文") == [small]
    assert listed(store, query="chan taiman", without_level=True) == [big]
    first = store.get("/customers", members_only=True, page_size=1).json()
    assert first["members_total"] == 2
    rest = store.get("/customers", members_only=True, page_size=1, page_token=first["next_page_token"]).json()
    assert [each["items"][0]["customer_id"] for each in (first, rest)] == [big, small]
    refused = store.get("/customers", members_only=True, sort="oldest", page_token=first["next_page_token"])
    assert problem(refused)[2] == {("page_token", "invalid_page_token")}


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"sort": "luck"}, "sort", "unknown_value"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"birthday_month": 13}, "birthday_month", "unknown_month"),
        ({"net_spend_from_minor": 2, "net_spend_to_minor": 1}, "net_spend_to_minor", "range_upside_down"),
        ({"net_spend_from_minor": LARGEST_AMOUNT + 1}, "net_spend_from_minor", "amount_too_large"),
        ({"level_id": ["x"]}, "level_id[0]", "invalid_id"),
        ({"tag": ["x" * 41]}, "tag[0]", "too_long"),
        ({"query": "x" * 101}, "query", "too_long"),
        ({"page_token": "x"}, "page_token", "invalid_page_token"),
    ],
)
def test_what_is_wrong_with_a_filter_is_told_by_its_name(store: Store, query: Any, field: str, reason: str) -> None:
    """C3: in lists and exports alike, and before anything is sent."""
    assert problem(store.get("/customers", **query))[2] == {(field, reason)}
    if "page_token" not in query:
        assert problem(store.get("/customers/export.csv", **query))[2] == {(field, reason)}


def test_filters_are_saved_renamed_and_deleted(new_store: Callable[[], Store]) -> None:
    """C11, E7."""
    store = new_store()
    body = {"name": "Big spenders", "filter": {"net_spend_from_minor": 100_000, "tag": ["vip"], "sort": "points_high"}}
    once = key()
    made = store.post("/saved-filters", body, once)
    assert made.status_code == 201
    assert store.post("/saved-filters", body, once).json() == made.json()
    saved = SavedFilter.model_validate(made.json())
    assert (saved.filter.tag, saved.filter.sort, saved.filter.net_spend_to_minor) == (["vip"], "points_high", None)
    path = made.headers["Location"].removeprefix("/api/v1")
    assert store.get(path).json() == made.json()
    assert problem(store.post("/saved-filters", body | {"name": "BIG spenders"}))[:2] == (409, "filter_name_taken")
    assert problem(store.post("/saved-filters", body | {"name": " "}))[2] == {("name", "required")}
    wrong = {"name": "x", "filter": {"birthday_month": 13}}
    assert problem(store.post("/saved-filters", wrong))[2] == {("filter.birthday_month", "unknown_month")}
    renamed = store.http.patch(path, json={"name": "大客"}, headers={"Idempotency-Key": key()})
    assert renamed.json() == made.json() | {"name": "大客", "version": 2}
    found = SavedFilterList.model_validate(store.get("/saved-filters").json())
    assert [each.name for each in found.items] == ["大客"]
    assert store.http.delete(path, headers={"Idempotency-Key": key()}).status_code == 204
    assert problem(store.get(path))[:2] == (404, "filter_not_found")


def test_a_saved_filter_is_changed_by_whoever_saw_it_last(new_store: Callable[[], Store]) -> None:
    """C11, E7."""
    store = new_store()
    made = store.post("/saved-filters", {"name": "Rich", "filter": {"tag": ["vip"]}})
    path = made.headers["Location"].removeprefix("/api/v1")

    def put(body: Any, once: str = "") -> Any:
        return store.http.put(path, json=body, headers={"Idempotency-Key": once or key()})

    body, once = {"name": "Richer", "filter": {"net_spend_from_minor": 5}, "expected_version": 1}, key()
    changed = put(body, once)
    saved = SavedFilter.model_validate(changed.json())
    assert (saved.name, saved.filter.net_spend_from_minor, saved.filter.tag, saved.version) == ("Richer", 5, [], 2)
    assert put(body, once).json() == store.get(path).json() == changed.json()
    assert problem(put(body))[:2] == (409, "stale_version")
    wrong = body | {"expected_version": 2, "filter": {"birthday_month": 13}}
    assert problem(put(wrong))[2] == {("filter.birthday_month", "unknown_month")}


def test_a_list_is_exported_in_the_readers_language_and_runs_in_no_spreadsheet(new_store: Callable[[], Store]) -> None:
    """C11: a byte order mark for spreadsheets, every page, apostrophes before formulas and none before phones."""
    store = new_store()
    for n in range(3):
        store.order(contact=store.person(f'=HYPERLINK("https://evil.example",{n})'), add_as_member=True)
    until(lambda: len(listed(store, net_spend_from_minor=9_000)) == 3, "three customers whose orders are counted")
    answer = store.http.get("/customers/export.csv", headers={"Accept-Language": "zh-HK"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="members-2')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert header[:2] == ["姓名", "電話"]
    assert [row[0][:12] for row in rows] == ["'=HYPERLINK("] * 3
    assert all(row[1].startswith("+852 6") for row in rows)
    assert rows[0][9] == "90.00"
    assert {row[-1] for row in rows} == set(listed(store))


def test_an_export_needs_a_permission_of_its_own(new_store: Callable[[], Store]) -> None:
    """H1, H4: whoever reads members page by page may not take them all away."""
    store = new_store()
    made = store.post("/api-keys", {"name": "reader", "scopes": ["members:read"]}).json()
    with store.client(made["secret"]) as reader:
        assert reader.get("/customers").status_code == 200
        assert problem(reader.get("/customers/export.csv"))[:2] == (403, "permission_denied")


def test_the_store_is_seen_at_a_glance(new_store: Callable[[], Store]) -> None:
    """C1."""
    store = new_store()
    store.member()
    store.member()
    overview = until(
        lambda: (now := Overview.model_validate(store.get("/overview").json())).members == 2 and now, "two are counted"
    )
    assert (overview.new_members, overview.points_outstanding) == (2, 180)
    assert [month.net_spend_minor for month in overview.months][-1] == 18_000
    assert [(count.level_id, count.members) for count in overview.levels] == [(None, 2)]
