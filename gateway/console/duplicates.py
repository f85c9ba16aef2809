"""The work list of accounts that may be one person's: look at two, merge them, or say that they are two (F12)."""

from __future__ import annotations

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask_duplicates
from gateway.console.frame import blueprint
from gateway.console.problems import sentence_of
from onefold.identity_merge.v1 import duplicates_pb2 as pb
from services.common.errors import NotFound
from services.common.permissions import MEMBERS_READ, MERGES_WRITE

_UNDER_WAY = {pb.DUPLICATE_SCAN_STATE_WAITING, pb.DUPLICATE_SCAN_STATE_RUNNING}


@blueprint.get("/merges/duplicates")
@requires(MEMBERS_READ)
def duplicates() -> str:
    """Pairs that wait to be judged, the likeliest first, or those that were dismissed."""
    token, dismissed = request.args.get("page", ""), "dismissed" in request.args
    pairs, next_token = ask_duplicates.pairs(token, dismissed=dismissed)
    scan = ask_duplicates.scan()
    return render_template(
        "console/duplicates.html",
        area="merges",
        pairs=pairs,
        dismissed=dismissed,
        token=token,
        next_token=next_token,
        scan=scan,
        under_way=scan.state in _UNDER_WAY,
        sentence=_sentence(scan),
    )


@blueprint.get("/merges/duplicates/scan.json")
@requires(MEMBERS_READ)
def duplicate_scan_json() -> Response:
    """How far a scan is, for the page's script."""
    scan = ask_duplicates.scan()
    return jsonify(finished=scan.state not in _UNDER_WAY, sentence=_sentence(scan), steps=[], done=scan.members_read)


@blueprint.post("/merges/duplicates/scan")
@requires(MERGES_WRITE)
def scan_duplicates() -> Response:
    """ "Scan now"; the list follows it."""
    ask_duplicates.start_scan()
    return redirect(url_for("console.duplicates"))


@blueprint.post("/merges/duplicates/judge")
@requires(MERGES_WRITE)
def judge_duplicate() -> Response:
    """ "Not the same person", or that taken back. A pair that is gone by now says so."""
    ids, restored = request.form.getlist("id"), request.form.get("restored") == "yes"
    judge = ask_duplicates.restore if restored else ask_duplicates.dismiss
    try:
        judge(ids, request.form.get("idempotency_key", ""))
    except NotFound as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The pair is suggested again.") if restored else _("Noted: not the same person."), "good")
    member = request.form.get("member", "")
    if member in ids:
        return redirect(url_for("console.member", customer_id=member))
    return redirect(
        url_for("console.duplicates", page=request.form.get("page") or None, dismissed=1 if restored else None)
    )


def _sentence(scan: pb.DuplicateScan) -> str:
    if scan.state == pb.DUPLICATE_SCAN_STATE_WAITING:
        return str(_("Waiting to begin …"))
    if scan.state != pb.DUPLICATE_SCAN_STATE_RUNNING:
        return ""
    if scan.members_read < scan.members_total or not scan.members_total:
        done, total = f"{scan.members_read:,}", f"{scan.members_total:,}"
        return str(_("%(done)s of %(total)s members read", done=done, total=total))
    return str(_("Members are being compared …"))
