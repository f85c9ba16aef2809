"""What a person wishes of a merge, and what they saw of its plan. Wishes travel in the address until the plan is committed,
so that going back, another language or a reload lose nothing and nothing is kept on the server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from gateway.console import ask, labels
from gateway.console.members import signed_points
from gateway.console.merge_words import value_text
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

    @classmethod
    def of(cls, run: MergeRun) -> Wishes:
        """What a run was asked for."""
        points, ids = run.adjustment.points, (run.primary_id, *run.merged_ids)
        change = "award" if points > 0 else "deduct" if points else "none"
        number = str(abs(points)) if points else ""
        return cls(ids, run.primary_id, change, number, run.adjustment.expires_on, run.adjustment.description)

    def among(self, ids: Sequence[str]) -> Wishes:
        """The same for other accounts."""
        return replace(self, ids=tuple(ids), primary=self.primary if self.primary in ids else "")

    def beside(self) -> list[tuple[str, str]]:
        """All but the accounts, as hidden fields."""
        return [(name, value) for name, value in self.pairs() if name != "id" and value]

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
    """One thing that is not any more as it was when the person checked, and whose it is."""

    label: str
    account: str
    before: str
    now: str


def digest(plan: MergePlan) -> dict[str, list[str]]:
    """What the check page says of a plan, by "field account", for telling later what changed (F8). The account "" is the one after
    the merge.
    """
    seen: dict[str, list[str]] = {}
    for fact in plan.preview.facts:
        seen.setdefault(f"{fact.field} {fact.customer_id}", []).append(fact.value)
    for login in plan.logins:
        if login.kind not in ("phone", "email"):
            seen.setdefault(f"login {login.customer_id}", []).append(login.value)
    for account in plan.orders:
        if account.unpaid_count:
            seen[f"unpaid_orders {account.customer_id}"] = [str(account.unpaid_count)]
    for outcome in plan.preview.fields:
        seen.setdefault(f"{outcome.field} ", []).append(outcome.value)
    return seen


def changes(seen: str, plan: MergePlan, names: Mapping[str, str]) -> list[Change]:
    """What differs between the plan that was seen and the one of now; nothing where what came back cannot be read.

    `names` are the accounts' as they are now.
    """
    try:
        before: Any = json.loads(seen)
    except ValueError:
        return []
    if not isinstance(before, dict):
        return []
    now = digest(plan)
    found = []
    for key in dict.fromkeys([*now, *before]):
        was, is_now = before.get(key, []), now.get(key, [])
        field, _space, account = key.partition(" ")
        if isinstance(was, list) and was != is_now and (account in names or not account):
            texts = [", ".join(value_text(field, str(value)) for value in values) for values in (was, is_now)]
            whose = names.get(account) or _("after the merge")
            found.append(Change(labels.words_of(labels.FIELD, field), whose, *texts))
    return found


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
    return Progress(steps, _sentence(run, finished), finished, refused)


def _sentence(run: MergeRun, finished: bool) -> str:
    if finished:
        return str(_("All done: the accounts are one."))
    if run.state == MergeState.MERGE_STATE_LOGINS_RETIRED and run.orders_expected:
        moved, total = f"{run.orders_moved:,}", f"{run.orders_expected:,}"
        return str(_("Moving orders: %(moved)s of %(total)s.", moved=moved, total=total))
    return str(_("The accounts are being merged."))
