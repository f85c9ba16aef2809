"""Customers, points and merges through the API (B2, B4, C2, F)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.customer_models import Customer, CustomerList, LoginMethodList, PointsLedger
from gateway.api.merge_models import Merge, MergeList, MergeRecord, Plan
from gateway.api.message_models import MessageList
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until


def test_a_member_is_found_by_part_of_a_name_phone_or_email(store: Store) -> None:
    """C2: Chinese names of two characters included."""
    person = store.person("歐陽峯")
    member = store.member(contact=person)
    for part in ("陽峯", person["phone"][-5:], person["email"][:-4]):
        found = CustomerList.model_validate(store.get("/customers", query=part, page_size=100).json())
        assert member in [customer.customer_id for customer in found.items], part


def test_points_are_awarded_and_deducted_and_never_below_zero(store: Store) -> None:
    """B2, B4."""
    member = store.member()
    path = f"/customers/{member}/points"
    before = PointsLedger.model_validate(store.get(path).json()).balance
    once = key()
    award = {"points": 50, "expires_on": "2099-03-31", "note": "sorry"}
    for _ in range(2):
        assert store.post(path, award, once).json() == {"customer_id": member, "balance": before + 50}
    assert problem(store.post(path, {"points": -10_000}))[:2] == (409, "points_insufficient")
    assert problem(store.post(path, {"points": 5}))[2] == {("expires_on", "expiry_required")}
    assert problem(store.post(path, {"points": 5, "expires_on": "2020-01-01"}))[2] == {("expires_on", "expiry_in_past")}
    assert problem(store.post(path, {"points": 0}))[2] == {("points", "zero_points")}
    ledger = PointsLedger.model_validate(store.get(path).json())
    assert ledger.balance == before + 50 == sum(lot.remaining for lot in ledger.lots)
    assert (ledger.items[0].points, ledger.items[0].note) == (50, "sorry")


def test_a_new_members_login_methods_and_messages_can_be_read(store: Store) -> None:
    member = store.member()
    methods = until(
        lambda: LoginMethodList.model_validate(store.get(f"/customers/{member}/login-methods").json()).items,
        "login methods appear",
    )
    assert {(method.kind, method.confirmed_at) for method in methods} == {("email", None), ("phone", None)}
    messages = until(
        lambda: MessageList.model_validate(store.get(f"/customers/{member}/messages").json()).items, "messages appear"
    )
    assert {message.kind for message in messages} <= {"order_placed", "confirm_login"}


def test_a_merge_is_planned_checked_and_done_and_every_old_id_still_leads_somewhere(store: Store) -> None:
    """F1-F10; and the record says for good what the plan had said (F13)."""
    primary, other = store.member(), store.member()
    ids = {"customer_ids": [primary, other], "primary_id": primary}
    adjustment = {"points": 10, "expires_on": "2099-12-31", "description": "welcome"}
    plan = Plan.model_validate(store.post("/merges/plans", ids | {"adjustment": adjustment}).json())
    assert plan.points_after == sum(lot.remaining for lot in plan.lots)
    run = store.post("/merges", {"plan_id": plan.plan_id, "plan_hash": plan.plan_hash})
    assert run.status_code == 202, run.text
    address = run.headers["Location"].removeprefix("/api/v1")
    done = until(lambda: (now := Merge.model_validate(store.get(address).json())).finished_at and now, "the merge ends")
    assert (done.state, done.orders_moved) == ("completed", 1)
    survivor = Customer.model_validate(store.get(f"/customers/{other}").json())
    assert (survivor.customer_id, survivor.requested_id, survivor.points_balance) == (primary, other, plan.points_after)
    assert [account.customer_id for account in survivor.merged_accounts] == [other]
    assert len(store.get(f"/customers/{other}/orders").json()["items"]) == 2
    listed = MergeList.model_validate(store.get("/merges", customer_id=other).json())
    assert [merge.merge_run_id for merge in listed.items] == [done.merge_run_id]
    record = MergeRecord.model_validate(store.get(f"{address}/record").json())
    assert (record.facts, record.fields, record.forgotten) == (plan.facts, plan.fields, False)
    assert {login.customer_id for login in record.ended_logins} == {other}


def test_a_merge_that_cannot_be_is_told_before_anything_happens(store: Store, new_store: Callable[[], Store]) -> None:
    """F1: one, six, repeated, foreign, primary missing."""
    members = [store.member() for _ in range(2)]
    foreign = new_store().member()

    def plan(ids: list[str], primary: str) -> tuple[int, str, set[tuple[str, str]]]:
        return problem(store.post("/merges/plans", {"customer_ids": ids, "primary_id": primary}))

    assert plan(members[:1], members[0])[2] == {("customer_ids", "too_few_accounts")}
    assert plan([members[0]] * 2, members[0])[2] == {("customer_ids[1]", "repeated_account")}
    assert ("customer_ids", "too_many_accounts") in plan([*members, *[key() for _ in range(4)]], members[0])[2]
    assert plan(members, foreign)[2] == {("primary_id", "primary_not_listed")}
    assert plan([members[0], foreign], members[0])[:2] == (404, "customer_not_found")


def test_a_plan_is_refused_after_one_of_the_accounts_has_changed(store: Store) -> None:
    """F8."""
    primary, other = store.member(), store.member()
    plan = store.post("/merges/plans", {"customer_ids": [primary, other], "primary_id": primary}).json()
    store.post(f"/customers/{other}/points", {"points": 5, "expires_on": "2099-03-31"})
    refused = store.post("/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]})
    assert problem(refused)[:2] == (409, "stale_plan")
    changed = {(each["customer_id"], each["field"]) for each in refused.json()["changed"]}
    assert changed == {(other, "points"), (other, "lot")}
    assert store.get(f"/customers/{other}").json()["customer_id"] == other
