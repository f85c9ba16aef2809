"""Who changed what, as programs and people read it (H1, C12)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.audit import AuditEntry, AuditEntryList
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until


def entries(store: Store, **asked: Any) -> list[AuditEntry]:
    answer = store.get("/audit-entries", **asked)
    assert answer.status_code == 200, answer.text
    return AuditEntryList.model_validate(answer.json()).items


def awaited(store: Store, number: int, **asked: Any) -> list[AuditEntry]:
    """Newest first, as soon as there are so many: an entry follows its change by an event."""
    return until(lambda: found if len(found := entries(store, **asked)) >= number else [], f"{number} of {asked}")


@pytest.fixture(scope="module")
def told(new_store: Callable[[], Store]) -> tuple[Store, str, str]:
    """A store in which one member was edited and got points, and one order was refunded: store, member, order."""
    store = new_store()
    order = store.order(contact={"name": "陳大文", "phone": "+85261234553", "email": "tai.man@chan.example"})
    order_id, member = order["order_id"], order["customer"]["customer_id"]
    header = {"Idempotency-Key": key()}
    edited = store.http.patch(
        f"/customers/{member}", json={"expected_version": 0, "name": "=1+1", "birthday": "1990-01-02"}, headers=header
    )
    assert edited.status_code == 200, edited.text
    store.post(f"/customers/{member}/points", {"points": 50, "expires_on": "2099-12-31", "note": "=sorry"})
    store.post(f"/orders/{order_id}/refunds", {"amount_minor": 2_500, "method": "cash", "reason": "spilt by 陳大文"})
    awaited(store, 5)
    return store, member, order_id


def test_each_change_says_who_from_what_to_what(told: tuple[Store, str, str]) -> None:
    store, member, order_id = told
    [refund] = entries(store, subject_id=order_id)
    me = store.get("/me").json()
    assert (refund.actor, refund.actor_name, refund.action) == (me["actor"], "Ada", "order.refunded")
    changes = {change.field: (change.before, change.after) for change in refund.changes}
    assert changes["refunded"] == ("HKD 0.00", "HKD 25.00")
    assert changes["method"] == ("", "cash")
    [points, profile] = entries(store, subject_id=member)
    assert int(points.changes[0].after) - int(points.changes[0].before) == 50
    assert profile.action == "customer.profile_changed"
    assert {change.field for change in profile.changes} == {"name", "birthday"}


def test_a_customers_personal_data_are_masked(told: tuple[Store, str, str]) -> None:
    """C12: nothing in the log has to be erased."""
    store, _, _ = told
    whole = store.get("/audit-entries").text
    # Ids, hashes and times are random digits, in which any number may stand.
    words = re.sub(r"[0-9A-Za-z+/_=-]{20,}|[0-9-]{10}T[0-9:.]+", "", whole)
    for personal in ("陳大文", "1+1", "1990", "61234553", "chan.example", "sorry", "spilt"):
        assert personal not in words
    assert "•••" in words


def test_filters_narrow_the_log_and_words_find_values(told: tuple[Store, str, str]) -> None:
    store, _, order_id = told
    assert {entry.action for entry in entries(store, action="customer.")} == {
        "customer.points_adjusted",
        "customer.profile_changed",
    }
    assert [entry.subject_id for entry in entries(store, query="HKD 25.00 cash")] == [order_id]
    assert {entry.action for entry in entries(store, actor="operator")} == {"store.created"}
    assert entries(store, day_to="2000-01-01") == []
    numbers = [entry.seq for entry in entries(store)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert problem(store.get("/audit-entries", day_from="x"))[2] == {("day_from", "invalid_date")}
    assert problem(store.get("/audit-entries", action="x'y"))[2] == {("action", "unknown_value")}


def test_the_file_has_a_row_for_each_change_and_no_formula(told: tuple[Store, str, str]) -> None:
    store, _, order_id = told
    answer = store.get("/audit-entries/export.csv")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {len(row) for row in rows} == {12}
    changed = [row[7:10] for row in rows if row[6] == order_id]
    assert ["refunded", "HKD 0.00", "HKD 25.00"] in changed
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_only_who_may_read_it_reads_it(told: tuple[Store, str, str]) -> None:
    store, _, _ = told
    made = store.post("/api-keys", {"name": "till", "scopes": ["orders:read", "members:read"]}).json()
    with store.client(made["secret"]) as http:
        assert problem(http.get("/audit-entries"))[:2] == (403, "permission_denied")
        assert problem(http.get("/audit-entries/export.csv"))[:2] == (403, "permission_denied")
    [entry] = awaited(store, 1, action="api_key.made")
    assert {change.field: change.after for change in entry.changes} == {
        "name": "till",
        "scopes": "members:read, orders:read",
    }
    assert made["secret"] not in store.get("/audit-entries").text
