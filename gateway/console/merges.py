"""Merging accounts, as a person goes through it: accounts, points and primary, check, merge, watch it finish (F1-F9)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from gateway import merge_plans
from gateway.auth import requires
from gateway.console import ask
from gateway.console.forms import MergeForm
from gateway.console.frame import Page, blueprint
from gateway.console.merge_words import by_expiry, compare, endings, login_kind, names_at, rule_rows
from gateway.console.plans import FIELDS, MOST, Wishes, changes, digest, progress
from gateway.console.problems import refuse, sentence_of
from onefold.identity_merge.v1.service_pb2 import MergePlan
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from services.common.errors import Conflict, NotFound, OnefoldError
from services.common.ids import new_id
from services.common.permissions import MEMBERS_READ, MERGES_WRITE

# Reasons after which looking again helps: the plan is made anew and shown with what changed.
LOOK_AGAIN = {"stale_plan", "plan_expired", "plan_not_found"}


@blueprint.get("/merges")
@requires(MEMBERS_READ)
def merges() -> str:
    """Every merge of the store, newest first."""
    token = request.args.get("page", "")
    found = ask.merges(token=token)
    names = ask.names_of(run.primary_id for run in found.runs)
    return render_template(
        "console/merges.html",
        area="merges",
        runs=found.runs,
        names=names,
        next_token=found.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/merges/new")
@requires(MERGES_WRITE)
def merge_accounts() -> str:
    """Step 1: the picked accounts side by side, with more to be added by search (F1)."""
    wishes, query = Wishes.read(request.args), request.args.get("q", "").strip()
    accounts = _accounts(wishes.ids)
    found = ask.customers(query=query, size=8, members_only=True).customers if query else None
    ids = [account.customer_id for account in accounts]
    wishes = wishes.among(ids)
    return render_template(
        "console/merge_accounts.html",
        area="merges",
        accounts=accounts,
        names=ask.tell_apart(accounts),
        rows=_compare(accounts),
        logins={each: ask.if_up(lambda each=each: ask.login_methods(each)) or [] for each in ids},  # type: ignore[misc]
        problems=_problems(accounts),
        query=query,
        found=None if found is None else [customer for customer in found if customer.customer_id not in ids],
        with_also=lambda customer_id: wishes.among([*ids, customer_id]).address("console.merge_accounts"),
        without=lambda customer_id: wishes.among([i for i in ids if i != customer_id]).address(
            "console.merge_accounts"
        ),
        beside=wishes.beside(),
    )


def _accounts(ids: tuple[str, ...]) -> list[Customer]:
    """The accounts as they are now; two ids of one account, one of them merged long ago, are one (F10)."""
    wanted = ids[: MOST + 5]
    found = ask.customers_by_id(wanted)
    if missing := [each for each in wanted if each not in found]:
        raise NotFound("customer_not_found", customer_id=missing[0])
    return list({found[each].customer_id: found[each] for each in wanted}.values())


def _problems(accounts: list[Customer]) -> list[str]:
    sentences = [
        _("%(name)s is not a member. Only members can be merged.", name=ask.person(account))
        for account in accounts
        if account.status != CustomerStatus.CUSTOMER_STATUS_MEMBER
    ]
    if len(accounts) > MOST:
        sentences.append(
            _("At most 5 accounts can be merged at a time. Remove some now; afterwards you can merge again.")
        )
    return sentences


def _compare(accounts: list[Customer]) -> list[dict[str, Any]]:
    rows = [
        (_("Name"), [account.name for account in accounts]),
        (_("Phone"), [ask.phone(account.phone) for account in accounts]),
        (_("E-mail"), [account.email for account in accounts]),
        (_("Birthday"), [ask.iso_day(account.birthday) for account in accounts]),
        (_("Joined"), [ask.day(account.joined_at) if account.HasField("joined_at") else "" for account in accounts]),
        (_("Points"), [f"{account.points_balance:,}" for account in accounts]),
        (_("Orders"), [f"{account.orders_count:,}" for account in accounts]),
        (_("Net spend"), [ask.money(account.net_spend_minor) for account in accounts]),
    ]
    marked = {_("Name"), _("Phone"), _("E-mail"), _("Birthday")}
    return [
        {"label": label, "values": values, "differs": label in marked and len(set(values)) > 1}
        for label, values in rows
    ]


@blueprint.get("/merges/new/points")
@requires(MERGES_WRITE)
def merge_settings() -> Page:
    """Step 2: which account stays, and points to award or deduct (F2, F3)."""
    wishes = Wishes.read(request.args)
    form = MergeForm(request.args)
    if not request.args.get("change"):
        form.change.data = "none"
    return _settings(wishes, form)


def _settings(wishes: Wishes, form: MergeForm) -> Page:
    accounts = _accounts(wishes.ids)
    if len(accounts) < 2 or _problems(accounts):
        return redirect(wishes.address("console.merge_accounts"))
    page = render_template(
        "console/merge_settings.html",
        area="merges",
        form=form,
        accounts=accounts,
        names=ask.tell_apart(accounts),
        together=sum(account.points_balance for account in accounts),
        accounts_address=wishes.address("console.merge_accounts"),
        today=ask.today().isoformat(),
        page_address=wishes.address("console.merge_settings"),
    )
    return page, 422 if form.faulty else 200


@blueprint.get("/merges/check")
@requires(MERGES_WRITE)
def merge_check() -> Page:
    """Step 3: the plan, field by field (F4, F8). Nothing is written but the plan itself."""
    wishes = Wishes.read(request.args)
    return _planned(wishes)


def _planned(wishes: Wishes, seen: str | None = None, problem: OnefoldError | None = None) -> Page:
    """The check page for a fresh plan; where there can be none, the wishes with the reason."""
    try:
        plan = merge_plans.plan(wishes.request(), str(new_id()))
    except OnefoldError as error:
        form = MergeForm(MultiDict(wishes.pairs()))
        refuse(form, error, FIELDS)
        return _settings(wishes, form)
    preview, names = plan.preview, ask.tell_apart(plan.preview.accounts)
    page = render_template(
        "console/merge_check.html",
        area="merges",
        problems=[sentence_of(problem.reason, problem.params)] if problem else [],
        changes=changes(seen, plan, names) if seen is not None else None,
        settings_address=wishes.address("console.merge_settings"),
        page_address=wishes.address("console.merge_check"),
        rows=compare(preview.facts, preview.fields, plan.primary_id, names),
        endings=endings(preview.retired, plan.logins, plan.primary_id, names),
        shares={share.customer_id: share for share in plan.relink.accounts},
        names=names,
        **_commit_fields(plan, wishes),
    )
    return page, 409 if seen is not None or problem else 200


def _commit_fields(plan: MergePlan, wishes: Wishes) -> dict[str, Any]:
    return {"plan": plan, "wishes": wishes.pairs(), "seen": json.dumps(digest(plan)), "idempotency_key": str(new_id())}


@blueprint.post("/merges")
@requires(MERGES_WRITE)
def merge_commit() -> Page:
    """Step 4: starts the checked plan, once (E7, F9). A stale plan is shown anew with what changed."""
    wishes, sent = Wishes.read(request.form), request.form
    plan = MergePlan(plan_id=sent.get("plan_id", ""), plan_hash=sent.get("plan_hash", ""))
    if sent.get("confirmed") != "yes":
        return _sure(wishes, plan)
    try:
        run = ask.commit_merge(plan.plan_id, plan.plan_hash, sent.get("idempotency_key", ""))
    except (Conflict, NotFound) as error:
        if error.reason in LOOK_AGAIN:
            return _planned(wishes, seen=sent.get("seen", ""))
        return _planned(wishes, problem=error)
    except OnefoldError as error:
        return _planned(wishes, problem=error)
    return redirect(url_for("console.merge", merge_id=run.merge_run_id))


def _sure(wishes: Wishes, plan: MergePlan) -> str:
    """Without script the question of the dialog is a page."""
    check = wishes.address("console.merge_check")
    return render_template(
        "console/merge_sure.html",
        area="merges",
        check_address=check,
        page_address=check,
        plan=plan,
        wishes=wishes.pairs(),
        seen=request.form.get("seen", ""),
        idempotency_key=request.form.get("idempotency_key", ""),
    )


@blueprint.get("/merges/rules")
@requires(MEMBERS_READ)
def merge_rules() -> str:
    """How each kind of thing fares in a merge, from the table that the service itself follows (F8)."""
    return render_template("console/merge_rules.html", area="merges", rules=rule_rows(ask.merge_rules()))


@blueprint.get("/merges/<uuid:merge_id>")
@requires(MEMBERS_READ)
def merge(merge_id: UUID) -> str:
    """How far a merge has come; the page follows it to its end, and is its record from then on (F13)."""
    run = ask.merge(str(merge_id))
    now = progress(run)
    record = ask.if_up(lambda: ask.merge_record(run.merge_run_id)) if now.finished and not now.refused else None
    names = names_at(record, run)
    return render_template(
        "console/merge.html",
        area="merges",
        run=run,
        progress=now,
        refusal=sentence_of(run.refusal, {}) if run.refusal else "",
        again_address=Wishes.of(run).address(
            "console.merge_check" if run.refusal == "stale_plan" else "console.merge_accounts"
        ),
        primary_name=ask.name_of(run.primary_id),
        record=record,
        names=names,
        rows=compare(record.facts, record.fields, run.primary_id, names) if record else [],
        lots=by_expiry(record.fields) if record else [],
        ended=[(login_kind(each.kind), each) for each in run.ended_logins],
    )


@blueprint.get("/merges/<uuid:merge_id>.json")
@requires(MEMBERS_READ)
def merge_json(merge_id: UUID) -> Response:
    """The same for the page's script."""
    now = progress(ask.merge(str(merge_id)))
    steps = [{"name": step.name, "state": step.state} for step in now.steps]
    return jsonify(finished=now.finished, sentence=now.sentence, steps=steps)
