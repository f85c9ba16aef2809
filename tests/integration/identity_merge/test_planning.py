"""Plans of merges, and what may become of them (F1-F4, F8, fault 10)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import service_pb2 as membership
from services.common.errors import Conflict, InvalidInput, NotFound, OnefoldError, StateConflict, Unavailable
from services.common.ids import new_id
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.test_logins import deliver, enrolled


async def nothing_is_locked(service: Service) -> bool:
    return not await service.rows("SELECT 1 FROM merge_participants WHERE active")


async def test_a_plan_shows_what_membership_foresees_and_the_orders_of_each(service: Service) -> None:
    """F4, F8: the preview is handed on unchanged."""
    who, a, b, c = await service.new_store(), new_id(), new_id(), new_id()
    adjustment = membership.PointsAdjustment(points=50, expires_on="2099-12-31", description=" 生日 gift\0 ")
    request = pb.PlanMergeRequest(customer_ids=[str(b), str(a), str(c)], primary_id=str(a), adjustment=adjustment)
    plan = (await service.call(service.merges.PlanMerge, request, who, "plan")).plan
    assert (plan.primary_id, list(plan.merged_ids)) == (str(a), [str(b), str(c)])
    assert plan.adjustment.description == "生日 gift"
    assert plan.preview.points_after == 57
    assert [account.customer_id for account in plan.preview.accounts] == [str(a), str(b), str(c)]
    assert list(plan.preview.warnings) == ["different_names"]
    assert [(o.customer_id, o.settled_count) for o in plan.orders] == [(str(a), 3), (str(b), 0), (str(c), 0)]
    assert len(plan.plan_hash) == 64
    assert await nothing_is_locked(service)
    asked = {method: claims for method, _, claims in service.script.calls}
    assert {(c.actor, c.store_id) for c in asked.values()} == {(who.actor, who.store_id)}


@pytest.mark.parametrize(
    ("ids", "primary", "expected"),
    [
        (["a"], "a", [("customer_ids", "too_few_accounts")]),
        ([], "", [("customer_ids", "too_few_accounts"), ("primary_id", "required")]),
        (["a", "b", "c", "d", "e", "f"], "a", [("customer_ids", "too_many_accounts")]),
        (["a", "b", "a"], "a", [("customer_ids[2]", "repeated_account")]),
        (["a", "b"], "c", [("primary_id", "primary_not_listed")]),
        (["a", "?"], "a", [("customer_ids[1]", "invalid_id")]),
        (["a", ""], "?", [("customer_ids[1]", "required"), ("primary_id", "invalid_id")]),
    ],
)
async def test_a_request_that_cannot_be_names_its_faults(
    service: Service, ids: list[str], primary: str, expected: list[Any]
) -> None:
    """F1, F3"""
    who, known = await service.new_store(), {letter: str(new_id()) for letter in "abcdef"}
    request = pb.PlanMergeRequest(customer_ids=[known.get(i, i) for i in ids], primary_id=known.get(primary, primary))
    with pytest.raises(InvalidInput) as caught:
        await service.call(service.merges.PlanMerge, request, who, "plan")
    assert [(v.field, v.reason) for v in caught.value.violations] == expected
    assert service.script.calls == []


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("PreviewAbsorb", NotFound("customer_not_found", customer_id="1")),
        ("PreviewAbsorb", StateConflict("already_merged")),
        ("PreviewAbsorb", InvalidInput.of("adjustment.expires_on", "expiry_in_past", today="2026-01-01")),
        ("SummariseCustomers", Unavailable("service_unavailable")),
    ],
)
async def test_what_the_others_say_against_it_reaches_the_person(
    service: Service, method: str, error: OnefoldError
) -> None:
    who = await service.new_store()
    service.script.errors[method] = error
    with pytest.raises(type(error)) as caught:
        await service.plan(who, new_id(), new_id())
    assert (caught.value.reason, caught.value.params) == (error.reason, error.params)
    if isinstance(error, InvalidInput):
        assert caught.value.violations == error.violations
    assert await service.rows("SELECT 1 FROM merge_plans") == []


async def test_a_plan_is_stale_once_an_account_has_changed(service: Service) -> None:
    """F8, fault 10: nothing moved, nothing locked."""
    who, a = await service.new_store(), new_id()
    service.script.facts = {"points": "120", "name": "陳大文"}
    plan = await service.plan(who, a, new_id())
    service.script.fingerprint, service.script.facts["points"] = b"as they are now", "130"
    with pytest.raises(Conflict) as caught:
        await service.commit(who, plan)
    assert (caught.value.reason, caught.value.params) == ("stale_plan", {"changed": f"{a} points"})
    assert await nothing_is_locked(service)
    assert len(await service.rows("SELECT 1 FROM idempotency_keys")) == 1  # the plan's; none for the merge
    service.script.fingerprint = b"as they were"
    assert (await service.commit(who, plan)).state == pb.MERGE_STATE_PLANNED


async def test_a_provider_that_was_connected_meanwhile_makes_a_plan_stale(service: Service) -> None:
    """F8: membership never hears of it. Phones and addresses are in its fingerprint, so ours may follow later."""
    who, a, b = await service.new_store(), new_id(), new_id()
    plan = await service.plan(who, a, b)
    await deliver(service, who, enrolled(b))
    await service.rows(
        "INSERT INTO login_methods (store_id, login_method_id, customer_id, kind, digest, value, label, state)"
        " VALUES (:store, :id, :b, 'google', :digest, 'subject', 'chan@gmail.com', 2)",
        store=who.store,
        id=new_id(),
        b=b,
        digest=b"digest",
    )
    with pytest.raises(Conflict) as caught:
        await service.commit(who, plan)
    assert caught.value.reason == "stale_plan"
    again = await service.plan(who, a, b)
    shown = [(login.customer_id, login.kind, login.value) for login in again.logins]
    assert shown[-1] == (str(b), "google", "chan@gmail.com")
    assert len(shown) == 3
    await service.commit(who, again)


async def test_a_hash_of_another_plan_is_refused(service: Service) -> None:
    """The hash stands for what the person saw; another order of the same accounts is the same plan."""
    who, a, b, c = await service.new_store(), new_id(), new_id(), new_id()
    first, again, other = (
        await service.plan(who, a, b, c),
        await service.plan(who, a, c, b),
        await service.plan(who, b, a, c),
    )
    assert first.plan_hash == again.plan_hash != other.plan_hash
    first.plan_hash = other.plan_hash
    with pytest.raises(Conflict) as caught:
        await service.commit(who, first)
    assert caught.value.reason == "stale_plan"


async def test_a_plan_expires_after_an_hour_by_the_databases_clock(service: Service) -> None:
    """Fault 28"""
    who = await service.new_store()
    plan = await service.plan(who, new_id(), new_id())
    await service.rows("UPDATE merge_plans SET expires_at = expires_at - interval '1 hour'")
    with pytest.raises(StateConflict) as caught:
        await service.commit(who, plan)
    assert caught.value.reason == "plan_expired"
    assert await nothing_is_locked(service)


async def test_an_unknown_plan_and_another_stores_are_alike(service: Service) -> None:
    """S"""
    who, other = await service.new_store(), await service.new_store()
    plan = await service.plan(who, new_id(), new_id())
    for claims, plan_id in ((who, str(new_id())), (other, plan.plan_id)):
        with pytest.raises(NotFound) as caught:
            await service.commit(claims, pb.MergePlan(plan_id=plan_id, plan_hash=plan.plan_hash))
        assert caught.value.reason == "plan_not_found"


async def test_a_plan_becomes_one_run_however_often_it_is_committed(service: Service) -> None:
    """E7: the same key and others, at the same moment and after the accounts have changed."""
    who = await service.new_store()
    plan = await service.plan(who, new_id(), new_id(), new_id())
    runs = await asyncio.gather(*(service.commit(who, plan, key=f"click {n % 3}") for n in range(9)))
    assert len({run.merge_run_id for run in runs}) == 1
    service.script.fingerprint = b"as they are now"
    for key in ("click 0", "later"):
        assert (await service.commit(who, plan, key)).merge_run_id == runs[0].merge_run_id
    assert len(await service.rows("SELECT 1 FROM merge_runs")) == 1
    assert len(await service.rows("SELECT 1 FROM outbox WHERE type = 'identity_merge.merge_started.v1'")) == 1


async def test_a_plan_asked_for_twice_with_one_key_is_one_plan(service: Service) -> None:
    """E7: also when membership would answer differently by now; the key with other accounts is refused."""
    who, a, b = await service.new_store(), new_id(), new_id()
    request = pb.PlanMergeRequest(customer_ids=[str(a), str(b)], primary_id=str(a))
    first = await service.call(service.merges.PlanMerge, request, who, "k")
    service.script.errors["PreviewAbsorb"] = StateConflict("already_merged")
    assert await service.call(service.merges.PlanMerge, request, who, "k") == first
    assert len(await service.rows("SELECT 1 FROM merge_plans")) == 1
    request.primary_id = str(b)
    with pytest.raises(Conflict) as caught:
        await service.call(service.merges.PlanMerge, request, who, "k")
    assert caught.value.reason == "idempotency_key_reused"


async def test_a_key_is_good_for_one_plan(service: Service) -> None:
    """E7"""
    who = await service.new_store()
    first, second = await service.plan(who, new_id(), new_id()), await service.plan(who, new_id(), new_id())
    await service.commit(who, first, key="k")
    with pytest.raises(Conflict) as caught:
        await service.commit(who, second, key="k")
    assert caught.value.reason == "idempotency_key_reused"
    request = pb.CommitMergeRequest(plan_id=second.plan_id, plan_hash=second.plan_hash)
    with pytest.raises(InvalidInput) as missing:
        await service.call(service.merges.CommitMerge, request, who)
    assert missing.value.violations[0].reason == "idempotency_key_required"


async def test_who_commits_a_moment_later_gets_the_merge_that_has_changed_the_accounts(service: Service) -> None:
    """F9: the second one's look at the accounts falls behind the first one's pivot; that is no stale plan."""
    who, a, b = await service.new_store(), new_id(), new_id()
    plan = await service.plan(who, a, b)
    service.script.calls.clear()
    looking = service.script.gates["PreviewAbsorb"] = asyncio.Event()
    second = asyncio.create_task(service.commit(who, plan))
    while not service.script.asked("PreviewAbsorb"):
        await asyncio.sleep(0.01)
    del service.script.gates["PreviewAbsorb"]
    first = await service.commit(who, plan)
    service.script.merged[str(b)] = str(a)
    looking.set()
    assert (await second).merge_run_id == first.merge_run_id


async def test_membership_away_at_the_commit_changes_nothing(service: Service) -> None:
    who = await service.new_store()
    plan = await service.plan(who, new_id(), new_id())
    service.script.errors["PreviewAbsorb"] = Unavailable("service_unavailable")
    with pytest.raises(Unavailable):
        await service.commit(who, plan, key="k")
    assert await nothing_is_locked(service)
    service.script.errors.clear()
    assert await service.commit(who, plan, key="k")
