"""What the console decides by itself: where a log-in leads, what changed in a plan, how far a merge is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from gateway import languages
from gateway.console.plans import Wishes, changes, digest, progress
from gateway.console.session import _inside
from onefold.identity_merge.v1.service_pb2 import MergePlan, MergeRun, MergeState
from onefold.membership.v1.service_pb2 import AccountFact, FieldOutcome, PreviewAbsorbResponse
from onefold.orders.v1.service_pb2 import CustomerOrders
from services.common.errors import InvalidInput
from tests.support.forms import csrf_token


@pytest.fixture
def in_english() -> Iterator[None]:
    app = Flask("test")
    languages.install(app)
    with app.test_request_context("/console/", headers={"Accept-Language": "en"}):
        yield


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/console/orders?q=a", True),
        ("https://evil.example/", False),
        ("//evil.example/", False),
        ("/\\evil.example", False),
        ("\\\\evil.example", False),
        ("/\t/evil.example", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_only_addresses_of_our_own_are_gone_on_to(address: str, kept: bool) -> None:
    assert _inside(address) == (address if kept else "")


def a_plan(points: int, name: str, unpaid: int = 0) -> MergePlan:
    """Account b has these."""
    facts = [AccountFact(field="points", value=str(points), customer_id="b")]
    facts += [AccountFact(field="name", value=name, customer_id="b")] * bool(name)
    fields = [FieldOutcome(field="points", value=str(points + 10))]
    sums = [CustomerOrders(customer_id="b", unpaid_count=unpaid)]
    return MergePlan(preview=PreviewAbsorbResponse(facts=facts, fields=fields), orders=sums)


NAMES = {"a": "Kept", "b": "Other"}


@pytest.mark.usefixtures("in_english")
def test_what_changed_since_the_check_is_named_one_by_one() -> None:
    """F8."""
    seen = json.dumps(digest(a_plan(1_200, "Amy")))
    told = changes(seen, a_plan(1_300, "Amy Chan", unpaid=1), NAMES)
    assert [(each.label, each.account, each.before, each.now) for each in told] == [
        ("Points", "Other", "1,200", "1,300"),
        ("Name", "Other", "Amy", "Amy Chan"),
        ("Unpaid orders", "Other", "", "1"),
        ("Points", "after the merge", "1,210", "1,310"),
    ]
    assert [(each.label, each.now) for each in changes(seen, a_plan(1_200, ""), NAMES)] == [("Name", "")]


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize("seen", ["", "not json", "[]", "3"])
def test_a_check_that_cannot_be_read_back_changes_nothing(seen: str) -> None:
    assert changes(seen, a_plan(1, ""), NAMES) == []


def test_a_merge_without_a_primary_or_a_number_is_refused_by_field() -> None:
    """F2, F3."""
    wishes = Wishes.read(MultiDict([("id", "a"), ("id", "b"), ("id", "a"), ("change", "award"), ("points", "many")]))
    assert wishes.ids == ("a", "b")
    with pytest.raises(InvalidInput) as caught:
        wishes.request()
    assert {(each.field, each.reason) for each in caught.value.violations} == {
        ("primary_id", "required"),
        ("adjustment.points", "not_a_whole_number"),
    }


@pytest.mark.parametrize(("change", "points"), [("award", 50), ("deduct", -50), ("none", 0)])
def test_points_carry_the_sign_of_what_was_chosen(change: str, points: int) -> None:
    """F2: an expiry goes with an award alone."""
    wishes = Wishes(ids=("a", "b"), primary="a", change=change, points="50", expires_on="2099-12-31")
    adjustment = wishes.request().adjustment
    assert adjustment.points == points
    assert adjustment.expires_on == ("2099-12-31" if change == "award" else "")


@pytest.mark.usefixtures("in_english")
@pytest.mark.parametrize(
    ("state", "steps", "finished"),
    [
        (MergeState.MERGE_STATE_PLANNED, ["done", "now", "later", "later"], False),
        (MergeState.MERGE_STATE_ABSORBED, ["done", "done", "now", "later"], False),
        (MergeState.MERGE_STATE_LOGINS_RETIRED, ["done", "done", "done", "now"], False),
        (MergeState.MERGE_STATE_COMPLETED, ["done", "done", "done", "done"], True),
    ],
)
def test_a_merge_shows_its_steps_in_order(state: MergeState.ValueType, steps: list[str], finished: bool) -> None:
    """F9."""
    now = progress(MergeRun(state=state))
    assert [step.state for step in now.steps] == steps
    assert now.finished is finished


@pytest.mark.usefixtures("in_english")
def test_a_merge_says_how_many_orders_have_moved() -> None:
    """F9."""
    run = MergeRun(state=MergeState.MERGE_STATE_LOGINS_RETIRED, orders_moved=4_000, orders_expected=50_000)
    assert progress(run).sentence == "Moving orders: 4,000 of 50,000."


def test_a_log_in_that_nobody_can_judge_now_is_not_told_to_be_wrong(client: FlaskClient) -> None:
    """503, by which monitors and programs tell a service that is away from a password that is wrong."""
    hidden = {"csrf_token": csrf_token(client.get("/console/login").text)}
    refused = client.post("/console/login", data=hidden | {"store": "tea", "email": "a@tea.example", "password": "x"})
    assert refused.status_code == 503
    assert 'value="a@tea.example"' in refused.text
