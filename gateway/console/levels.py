"""Levels: the store's rules, simulated before they are saved (B1, B6), and a member's level by hand (B3).

Nothing is kept on the server between editing and saving: what was typed travels in the form.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask, ask_levels
from gateway.console.frame import Page, blueprint
from gateway.console.level_forms import CustomerLevelForm, LevelsForm
from gateway.console.problems import refuse, sentence_of
from onefold.membership.v1 import levels_pb2 as pb
from onefold.membership.v1.service_pb2 import Customer
from services.common.errors import OnefoldError
from services.common.ids import new_id
from services.common.permissions import LEVELS_WRITE, MEMBERS_READ, MEMBERS_WRITE

MOST_LEVELS = 10


@blueprint.get("/levels")
@requires(MEMBERS_READ)
def levels() -> str:
    """The levels as they are."""
    return render_template("console/levels.html", area="members", rules=ask_levels.rules())


@blueprint.route("/levels/edit", methods=["GET", "POST"])
@requires(LEVELS_WRITE)
def edit_levels() -> Page:
    """Edit, simulate, save: each button of the form sends all of it along."""
    form = LevelsForm()
    if request.method == "GET":
        form.show(ask_levels.rules())
        if not len(form.levels):
            form.add_level()
        return _editor(form)
    action, _colon, what = request.form.get("action", "check").partition(":")
    if action == "add":
        form.add_level()
        return _editor(form)
    if action == "remove":
        form.drop_level(int(what) if what.isdecimal() else -1)
        return _editor(form)
    if action == "back":
        return _editor(form)
    return _save(form) if action == "save" else _check(form)


def _editor(form: LevelsForm) -> Page:
    page = render_template("console/levels_edit.html", area="members", form=form, most=MOST_LEVELS)
    return (page, 422) if form.faulty else page


def _check(form: LevelsForm, problem: str = "") -> Page:
    """What saving would do, with a page of those who go up and of those who go down."""
    tokens = {name: request.form.get(name, "") for name in ("up_page", "down_page")}
    try:
        rules = form.read()
        up, down = ask_levels.simulate(rules), ask_levels.simulate(rules, down=True)
        pages = {
            "up": ask_levels.simulate(rules, token=tokens["up_page"]) if tokens["up_page"] else up,
            "down": ask_levels.simulate(rules, down=True, token=tokens["down_page"]) if tokens["down_page"] else down,
        }
    except OnefoldError as error:
        refuse(form, error, {"levels": "basis", "basis": "basis"})
        return _editor(form)
    form.simulation_hash.data = up.simulation_hash.hex()
    page = render_template(
        "console/levels_check.html", area="members", form=form, found=up, pages=pages, problem=problem
    )
    return (page, 409) if problem else page


def _save(form: LevelsForm) -> Page:
    """Has the rules saved. What is done at once is told at once; the rest has a page."""
    try:
        seen = bytes.fromhex(form.simulation_hash.data or "")
        run = ask_levels.save(form.read(), seen, form.idempotency_key.data)
    except ValueError:
        return _check(form)
    except OnefoldError as error:
        refuse(form, error, {})
        return _editor(form)
    if run.refusal == "stale_simulation":
        # Another look is another wish.
        form.idempotency_key.data = str(new_id())
        return _check(form, sentence_of(run.refusal))
    if run.state != pb.LEVEL_RUN_STATE_DONE:
        return redirect(url_for("console.level_run", run_id=run.run_id))
    flash(_outcome(run), "good")
    return redirect(url_for("console.levels"))


@blueprint.get("/levels/runs/<uuid:run_id>")
@requires(MEMBERS_READ)
def level_run(run_id: UUID) -> Page:
    """How far a saving of levels is, and how it ended."""
    run = ask_levels.run(str(run_id))
    return render_template(
        "console/level_run.html",
        area="members",
        run=run,
        finished=ask_levels.is_over(run),
        sentence=_outcome(run) if run.state == pb.LEVEL_RUN_STATE_DONE else _progress(run),
        refusal=sentence_of(run.refusal) if run.refusal else "",
    )


@blueprint.get("/levels/runs/<uuid:run_id>.json")
@requires(MEMBERS_READ)
def level_run_json(run_id: UUID) -> Response:
    """The same for the page's script."""
    run = ask_levels.run(str(run_id))
    return jsonify(finished=ask_levels.is_over(run), sentence=_progress(run), steps=[], done=run.done)


def _progress(run: pb.LevelRun) -> str:
    if not run.total:
        return str(_("Waiting to begin …"))
    return str(_("%(done)s of %(total)s customers looked at", done=f"{run.done:,}", total=f"{run.total:,}"))


def _outcome(run: pb.LevelRun) -> str:
    moved = run.up_count + run.down_count
    return str(
        ngettext(
            "Levels saved. %(number)s member moved.",
            "Levels saved. %(number)s members moved.",
            moved,
            number=f"{moved:,}",
        )
    )


# A member's level


def member_level(member: Customer) -> dict[str, Any]:
    """What the level panel of the member page shows; parts that cannot be reached are left out of it."""
    rules = ask.if_up(ask_levels.rules)
    form = CustomerLevelForm(formdata=None)
    return {
        "level_changes": ask.if_up(lambda: ask_levels.changes(member.customer_id)),
        "level_form": _with_choices(form, rules, member) if rules and rules.levels else None,
    }


@blueprint.route("/members/<uuid:customer_id>/level", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def set_level(customer_id: UUID) -> Page:
    """Puts the member into a level, with a reason and perhaps pinned (B3)."""
    form, rules = CustomerLevelForm(), ask_levels.rules()
    found = ask.customer(str(customer_id))
    if request.method == "POST":
        wish = pb.SetCustomerLevelRequest(
            customer_id=str(customer_id),
            level_id=form.level_id.data or "",
            reason=form.reason.data or "",
            pinned_until=form.pinned_until.data or "",
        )
        try:
            name = ask_levels.set_level(wish, form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"level_id": "level_id", "reason": "reason", "pinned_until": "pinned_until"})
        else:
            flash(_("Level saved: %(level)s.", level=name or _("No level")), "good")
            return redirect(url_for("console.member", customer_id=customer_id))
    page = render_template(
        "console/level.html",
        area="members",
        member=found,
        form=_with_choices(form, rules, found),
        today=ask.today().isoformat(),
    )
    return (page, 422) if form.faulty else page


def _with_choices(form: CustomerLevelForm, rules: pb.LevelRules, member: Customer) -> CustomerLevelForm:
    form.level_id.choices = [("", _("No level")), *((level.level_id, level.name) for level in rules.levels)]
    if form.level_id.data is None:
        form.level_id.data = member.level_id
    return form
