"""Pages behind the mails to staff: an invitation, a forgotten password (H1). For people who are not logged in."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from gateway.auth import session_token
from gateway.clients import services
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from gateway.console.session import agent, onward
from gateway.console.staff_forms import ForgottenForm, JoinForm
from gateway.context import NOBODY
from onefold.identity_merge.v1 import staff_pb2 as pb
from services.common.errors import InvalidInput


@blueprint.route("/join", methods=["GET", "POST"])
def join() -> Page:
    """Sets the password of an invitation or of a reset. Opening the page changes nothing: mail scanners open every link.

    Raises NotFound (invitation_refused), which the error page tells.
    """
    form = JoinForm()
    if request.method == "GET":
        form.token.data = request.args.get("token", "")
    wish = pb.ReadInvitationRequest(token=form.token.data or "")
    invitation = services().staff.read_invitation(wish, claims=NOBODY)
    if request.method == "GET":
        form.name.data = invitation.name
        return render_template("console/join.html", form=form, invitation=invitation)
    acceptance = pb.AcceptInvitationRequest(
        token=form.token.data or "",
        name=form.name.data or "",
        password=form.password.data or "",
        agent=agent(),
        session_token=session_token(),
    )
    try:
        return onward(services().staff.accept_invitation(acceptance, claims=NOBODY).session)
    except InvalidInput as error:
        refuse(form, error, {"name": "name", "password": "password"})
        return render_template("console/join.html", form=form, invitation=invitation), 422


@blueprint.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> Page:
    """Has a link mailed to whoever has the address; the page is the same if nobody has."""
    form = ForgottenForm()
    if request.method == "GET":
        form.store.data = request.args.get("store", "")
        return render_template("console/forgotten.html", form=form)
    wish = pb.RequestResetRequest(
        store_slug=(form.store.data or "").strip().lower(),
        email=(form.email.data or "").strip(),
        source=request.remote_addr or "",
    )
    services().staff.request_reset(wish, claims=NOBODY)
    said = _(
        "If somebody of this store has this e-mail, a link to set a new password is on its way. It is good for one hour."
    )
    return render_template("console/forgotten.html", form=form, said=said)
