"""What a person wishes of a merge, and what they saw of its plan. Wishes travel in the address until the plan is committed,
so that going back, another language or a reload lose nothing and nothing is kept on the server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from gateway.console import ask, labels
from gateway.console.members import signed_points
from onefold.identity_merge.v1.service_pb2 import MergePlan, MergeRun, MergeState, PlanMergeRequest
from onefold.membership.v1.service_pb2 import PointsAdjustment
from services.common.errors import Violations

MOST = 5
FIELDS = {
    "primary_id": "primary",
    "adjustment.points": "points",
    "adjustment.expires_on": "expires_on",
    "adjustment.description": "description",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """Who shall become one, which account stays, and which points go with it (F1-F3), as typed."""

    ids: tuple[str, ...]
    primary: str = ""
    change: str = "none"
    points: str = ""
    expires_on: str = ""
    description: str = ""

    @classmethod
    def read(cls, sent: MultiDict[str, str]) -> Wishes:
        """From an address or a form."""
        texts = {name: sent.get(name, "").strip() for name in ("primary", "points", "expires_on", "description")}
        ids = tuple(dict.fromkeys(sent.getlist("id")))
        return cls(ids=ids, change=sent.get("change", "none"), **texts)

    def pairs(self) -> list[tuple[str, str]]:
        """As hidden fields of a form."""
        named = ("primary", "change", "points", "expires_on", "description")
        return [("id", each) for each in self.ids] + [(name, str(getattr(self, name))) for name in named]

    def address(self, endpoint: str) -> str:
        """A page of the wizard with these wishes."""
        filled = {name: value for name, value in self.pairs() if value and name != "id"}
        return url_for(endpoint, id=list(self.ids), **filled)  # type: ignore[arg-type]  # lists repeat the parameter

    def request(self) -> PlanMergeRequest:
        """For the merge service. Raises InvalidInput where a number cannot be read or no primary is chosen."""
        faults = Violations()
        adjustment = PointsAdjustment()
        if not self.primary:
            faults.add("primary_id", "required")
        if self.change in ("award", "deduct"):
            self._read_points(adjustment, faults)
        faults.check()
        return PlanMergeRequest(customer_ids=self.ids, primary_id=self.primary, adjustment=adjustment)

    def _read_points(self, adjustment: PointsAdjustment, faults: Violations) -> None:
        award = self.change == "award"
        adjustment.description = self.description
        with ask.noting(faults):
            adjustment.points = signed_points(self.points, award, "adjustment.points")
        if award:
            adjustment.expires_on = self.expires_on


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not any more as it was when the person checked."""

    label: str
    before: str
    now: str


def digest(plan: MergePlan) -> dict[str, str]:
    """What the check page says of a plan, in few words, for telling later what changed (F8)."""
    seen = {f"field:{outcome.field}": outcome.value for outcome in plan.preview.fields}
    seen["points"] = str(plan.preview.points_after)
    seen["retired"] = ", ".join(sorted(each.value for each in plan.preview.retired))
    seen["settled"] = str(sum(each.settled_count for each in plan.orders))
    seen["unpaid"] = str(sum(each.unpaid_count for each in plan.orders))
    return seen


def changes(seen: str, plan: MergePlan) -> list[Change]:
    """What differs between the plan that was seen and the one of now; nothing where what came back cannot be read."""
    try:
        before: Any = json.loads(seen)
    except ValueError:
        return []
    if not isinstance(before, dict):
        return []
    now = digest(plan)
    keys = [key for key in dict.fromkeys([*before, *now]) if str(before.get(key, "")) != now.get(key, "")]
    return [Change(_label(key), str(before.get(key, "")), now.get(key, "")) for key in keys]


def _label(key: str) -> str:
    field = key.removeprefix("field:")
    if field != key:
        return labels.words_of(labels.FIELD, field)
    words = {
        "points": _("Points after the merge"),
        "retired": _("Never usable again"),
        "settled": _("Paid orders"),
        "unpaid": _("Unpaid orders"),
    }
    return str(words.get(key, key))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a merge under way: done, now or later."""

    name: str
    label: str
    state: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a merge has come."""

    steps: list[Step]
    sentence: str
    finished: bool
    refused: bool


def progress(run: MergeRun) -> Progress:
    """The steps of a run with their states. It only goes forward, whoever dies on the way (F9)."""
    names = [
        (MergeState.MERGE_STATE_PLANNED, "planned", _("Accounts locked and checked")),
        (MergeState.MERGE_STATE_ABSORBED, "absorbed", _("Profile and points combined")),
        (MergeState.MERGE_STATE_LOGINS_RETIRED, "logins_retired", _("Old login methods ended")),
        (MergeState.MERGE_STATE_COMPLETED, "completed", _("Orders moved")),
    ]
    refused = run.state == MergeState.MERGE_STATE_REFUSED
    finished = refused or run.state == MergeState.MERGE_STATE_COMPLETED
    steps = [
        Step(name, label, "done" if run.state >= state else "now" if run.state == state - 1 else "later")
        for state, name, label in names
    ]
    sentence = _("All done: the accounts are one.") if finished else _("The accounts are being merged.")
    return Progress(steps, sentence, finished, refused)
