"""Guests who have ordered are invited to become members: who they are, the mail, and what became of it (A5).

Nothing is kept on the server in between: the picked guests and the list's words travel in the address, then in the form.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from google.protobuf.timestamp_pb2 import Timestamp
from werkzeug.wrappers import Response

from gateway import formats, invitations
from gateway.auth import requires
from gateway.console import ask, ask_invitations
from gateway.console.forms import ALL, PICKED, InviteForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, sentence_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import invitations_pb2 as pb
from services.common.errors import InvalidInput, OnefoldError
from services.common.permissions import MEMBERS_READ, MEMBERS_WRITE


@blueprint.get("/members/invite")
@requires(MEMBERS_WRITE)
def invite() -> Page:
    """Guests who have ordered, newest first, to be picked."""
    query, token = request.args.get("q", "").strip(), request.args.get("page", "").strip()
    form, guests, next_token = InviteForm(formdata=None), list[invitations.Guest](), ""
    try:
        guests, next_token, token = _found(query, token)
    except InvalidInput as error:
        refuse(form, error, {})
    page = render_template(
        "console/invite.html",
        area="members",
        form=form,
        query=query,
        guests=[(guest, _why(guest)) for guest in guests],
        free=any(not guest.refusal for guest in guests),
        next_token=next_token,
        later_page=bool(token),
    )
    return page, 422 if form.faulty else 200


def _found(query: str, token: str) -> tuple[list[invitations.Guest], str, str]:
    """The page, the way to the next, and the token that led here. Whoever changes the words and then turns the page begins anew."""
    try:
        return *invitations.guests(query, PageRequest(token=token)), token
    except InvalidInput as error:
        if not token or [violation.field for violation in error.violations] != ["page.token"]:
            raise
        return *invitations.guests(query, PageRequest()), ""


def _why(guest: invitations.Guest) -> str:
    """Why somebody cannot be picked, and until when, if that is known; "" for who can."""
    if guest.invitee.HasField("again_at") and guest.refusal == guest.invitee.refusal:
        return str(_("Can be invited again from %(when)s.", when=_moment(guest.invitee.again_at)))
    return sentence_of(guest.refusal) if guest.refusal else ""


@blueprint.route("/members/invite/send", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def send_invitations() -> Page:
    """The mail to the picked guests, or to all of the list."""
    form, query = InviteForm(), request.values.get("q", "").strip()
    picked = list(dict.fromkeys(request.values.getlist("id")))
    if request.method == "POST":
        try:
            return _send(form, query, picked)
        except OnefoldError as error:
            refuse(form, error, {"greeting": "greeting"})
    elif not form.scope.data:
        form.scope.data = PICKED if picked else ALL
    found = pb.CountInviteesResponse()
    try:
        found = ask_invitations.count(query)
    except OnefoldError as error:
        if not form.faulty:
            refuse(form, error, {})
    page = render_template(
        "console/invite_send.html", area="members", form=form, query=query, picked=picked, found=found
    )
    return page, 422 if form.faulty else 200


def _send(form: InviteForm, query: str, picked: list[str]) -> Page:
    greeting, key = form.greeting.data or "", form.idempotency_key.data
    if form.scope.data == ALL:
        run = ask_invitations.invite_all(query, greeting, key)
        return redirect(url_for("console.invitation_run", run_id=run.run_id))
    outcomes = ask_invitations.invite(picked, greeting, key)
    refused = [outcome for outcome in outcomes if outcome.refusal]
    sentence = _invited(len(outcomes) - len(refused))
    if not refused:
        flash(sentence, "good")
        return redirect(url_for("console.invitations_list"))
    known = ask.if_up(lambda: ask.customers_by_id(outcome.customer_id for outcome in refused)) or {}
    return render_template(
        "console/invite_result.html",
        area="members",
        sentence=sentence if len(refused) < len(outcomes) else "",
        refused=[(outcome, known.get(outcome.customer_id), _reason(outcome)) for outcome in refused],
    )


def _moment(stamp: Timestamp) -> str:
    return formats.moment_text(stamp, ask.zone(), ask.locale())


def _reason(outcome: pb.InvitationOutcome) -> str:
    if outcome.HasField("again_at"):
        return str(_("Can be invited again from %(when)s.", when=_moment(outcome.again_at)))
    return sentence_of(outcome.refusal)


def _invited(number: int) -> str:
    many: Any = number
    return str(
        ngettext(
            "%(number)s invitation is on its way.",
            "%(number)s invitations are on their way.",
            many,
            number=f"{number:,}",
        )
    )


@blueprint.get("/members/invitations")
@requires(MEMBERS_READ)
def invitations_list() -> str:
    """Who was invited, newest first, and what became of it."""
    token = request.args.get("page", "")
    found = ask_invitations.invited(token)
    return render_template(
        "console/invitations.html",
        area="members",
        invited=invitations.with_states(found.invitations),
        invited_count=found.invited_count,
        accepted_count=found.accepted_count,
        next_token=found.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/members/invite/runs/<uuid:run_id>")
@requires(MEMBERS_READ)
def invitation_run(run_id: UUID) -> str:
    """How far a run is; at its end, how many were not invited and why."""
    run = ask_invitations.run(str(run_id))
    over = ask_invitations.is_over(run)
    return render_template(
        "console/invitation_run.html",
        area="members",
        run=run,
        finished=over,
        sentence=_invited(run.invited) if over else _progress(run),
        refused=[(sentence_of(each.refusal), each.count) for each in run.refused],
    )


@blueprint.get("/members/invite/runs/<uuid:run_id>.json")
@requires(MEMBERS_READ)
def invitation_run_json(run_id: UUID) -> Response:
    """The same for the page's script."""
    run = ask_invitations.run(str(run_id))
    return jsonify(finished=ask_invitations.is_over(run), sentence=_progress(run), steps=[], done=run.done)


def _progress(run: pb.InvitationRun) -> str:
    if not run.done:
        return str(_("Waiting to begin …"))
    return str(_("%(done)s of %(total)s guests gone through", done=f"{run.done:,}", total=f"{run.total:,}"))
