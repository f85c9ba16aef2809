"""Many merges at once through the API (F1, F2, F8-F10)."""

from __future__ import annotations

from gateway.api.merge_batch_models import MergeBatch, MergeBatchList, MergeGroupList
from tests.component.gateway.conftest import Json, Store, key, problem
from tests.support.until import until


def reached(store: Store, batch_id: str, state: str) -> MergeBatch:
    """The batch in that state."""

    def look() -> MergeBatch | None:
        batch = MergeBatch.model_validate(store.get(f"/merge-batches/{batch_id}").json())
        return batch if batch.state == state else None

    return until(look, f"the batch is {state}")


def test_many_groups_are_checked_confirmed_and_merged_and_the_others_are_told(store: Store) -> None:
    """F1, F8: a group that is good, one that changed after the check, one with an account that is nobody's, one that overlaps."""
    a, b, c, d = (store.member() for _ in range(4))
    nobody = key()
    award = {"points": 25, "expires_on": "2099-12-31", "description": "=double card"}
    groups: list[Json] = [
        {"primary_id": a, "other_ids": [b]} | award,
        {"primary_id": c, "other_ids": [d]},
        {"primary_id": c, "other_ids": [nobody]},
        {"primary_id": d, "other_ids": [b]},
    ]
    once = key()
    made = store.post("/merge-batches", {"groups": groups}, once)
    assert made.status_code == 202, made.text
    batch_id = made.json()["batch_id"]
    assert store.post("/merge-batches", {"groups": groups}, once).json()["batch_id"] == batch_id
    seen = reached(store, batch_id, "checked")
    assert (seen.total, seen.ready_count, seen.failed_count) == (4, 2, 2)
    store.post(f"/customers/{d}/points", {"points": 5, "expires_on": "2099-03-31"})
    path = f"/merge-batches/{batch_id}"
    assert store.post(f"{path}/confirm", {}).status_code == 202
    done = reached(store, batch_id, "done")
    assert (done.merged_count, done.failed_count, done.confirmed_by) == (1, 3, done.requested_by)
    found = MergeGroupList.model_validate(store.get(f"{path}/groups").json()).items
    told = [[(p.field, p.reason) for p in group.problems] for group in found]
    assert told == [
        [],
        [("", "stale_plan")],
        [("other_ids[0]", "customer_not_found")],
        [("primary_id", "account_in_other_group"), ("other_ids[0]", "account_in_other_group")],
    ]
    assert store.get(f"/merges/{found[0].merge_run_id}").json()["state"] == "completed"
    assert store.get(f"/customers/{b}").json()["customer_id"] == a
    failed = store.get(f"{path}/report.csv", failed_only=True)
    assert failed.headers["Content-Type"].startswith("text/csv")
    assert len(failed.text.splitlines()) == 4
    assert "'=double card" in store.get(f"{path}/report.csv").text
    assert problem(store.post(f"{path}/confirm", {}))[:2] == (409, "merge_batch_confirmed")
    assert problem(store.post("/merge-batches", {"groups": []}))[2] == {("groups", "no_groups")}
    listed = MergeBatchList.model_validate(store.get("/merge-batches").json())
    assert [batch.batch_id for batch in listed.items] == [batch_id]
