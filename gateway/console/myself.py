"""My account: name, password, second factor, sessions (H1)."""

from __future__ import annotations

import io

import segno
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from gateway import devices
from gateway.auth import enter, principal, requires, session_token
from gateway.clients import services
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from gateway.console.staff_forms import BeginTotpForm, ConfirmTotpForm, EndTotpForm, MyNameForm, MyPasswordForm
from onefold.identity_merge.v1 import staff_pb2 as pb
from services.common.errors import OnefoldError

# otpauth:// addresses are far shorter; what does not fit into a QR code was made by no page of ours.
_LONGEST_URI = 600


@blueprint.get("/account")
@requires()
def account() -> Page:
    """All of it on one page, each part with its own form."""
    return _page()


def _page(name: MyNameForm | None = None, password: MyPasswordForm | None = None) -> Page:
    found = services().staff.get_myself(pb.GetMyselfRequest(session_token=session_token()))
    faulty = bool((name and name.faulty) or (password and password.faulty))
    page = render_template(
        "console/account.html",
        area="",
        me=found,
        device=devices.words,
        name_form=name or MyNameForm(formdata=None, name=found.staff.name),
        password_form=password or MyPasswordForm(formdata=None),
    )
    return page, 422 if faulty else 200


@blueprint.post("/account/name")
@requires()
def my_name() -> Page:
    """What everybody reads beside what one did."""
    form = MyNameForm()
    try:
        services().staff.change_my_name(pb.ChangeMyNameRequest(name=form.name.data or ""))
    except OnefoldError as error:
        refuse(form, error, {"name": "name"})
        return _page(name=form)
    flash(_("Your name is saved. Pages show it within a second."), "good")
    return redirect(url_for("console.account"))


@blueprint.post("/account/password")
@requires()
def my_password() -> Page:
    """Other sessions end; this one goes on under a new token."""
    form = MyPasswordForm()
    wish = pb.ChangeMyPasswordRequest(
        session_token=session_token(), current_password=form.current.data or "", new_password=form.new.data or ""
    )
    try:
        entered = services().staff.change_my_password(wish).session
    except OnefoldError as error:
        refuse(form, error, {"current_password": "current", "new_password": "new"})
        return _page(password=form)
    flash(_("The new password is saved. You are logged out everywhere else."), "good")
    response = redirect(url_for("console.account"))
    enter(response, entered)
    return response


@blueprint.post("/account/sessions/end")
@requires()
def end_my_sessions() -> Response:
    """One of one's sessions, or all but this one."""
    wish = pb.EndMySessionsRequest(session_token=session_token(), session_id=request.form.get("session_id", ""))
    ended = services().staff.end_my_sessions(wish).ended
    flash(ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", ended), "good")
    return redirect(url_for("console.account"))


@blueprint.route("/account/second-factor", methods=["GET", "POST"])
@requires()
def second_factor() -> Page:
    """Begins a new second factor, or says how the one that is on is turned off."""
    form, found = BeginTotpForm(), _myself()
    if request.method == "GET":
        return _factor_page(found, begin=form)
    try:
        begun = services().staff.begin_totp(pb.BeginTotpRequest(password=form.password.data or ""))
    except OnefoldError as error:
        refuse(form, error, {"password": "password"})
        return _factor_page(found, begin=form)
    return _factor_page(found, confirm=ConfirmTotpForm(formdata=None, secret=begun.secret, uri=begun.uri))


@blueprint.post("/account/second-factor/confirm")
@requires()
def confirm_second_factor() -> Page:
    """Turns it on, and shows the recovery codes this once."""
    form = ConfirmTotpForm()
    try:
        codes = services().staff.confirm_totp(pb.ConfirmTotpRequest(code=form.code.data or "")).recovery_codes
    except OnefoldError as error:
        refuse(form, error, {"code": "code"})
        return _factor_page(_myself(), confirm=form)
    return render_template("console/recovery_codes.html", area="", codes=codes, store=principal().store)


@blueprint.post("/account/second-factor/end")
@requires()
def end_second_factor() -> Page:
    """Turns it off by both factors."""
    form = EndTotpForm()
    try:
        services().staff.end_totp(pb.EndTotpRequest(password=form.password.data or "", code=form.code.data or ""))
    except OnefoldError as error:
        refuse(form, error, {"password": "password", "code": "code"})
        return _factor_page(_myself(), end=form)
    flash(_("The second factor is off."), "good")
    return redirect(url_for("console.account"))


def _myself() -> pb.GetMyselfResponse:
    return services().staff.get_myself(pb.GetMyselfRequest(session_token=session_token()))


def _factor_page(
    me: pb.GetMyselfResponse,
    begin: BeginTotpForm | None = None,
    confirm: ConfirmTotpForm | None = None,
    end: EndTotpForm | None = None,
) -> Page:
    page = render_template(
        "console/second_factor.html",
        area="",
        me=me,
        begin=begin or BeginTotpForm(formdata=None),
        confirm=confirm,
        end=end or EndTotpForm(formdata=None),
        picture=_picture(confirm.uri.data or "") if confirm else "",
    )
    return page, 422 if any(form and form.faulty for form in (begin, confirm, end)) else 200


def _picture(uri: str) -> Markup:
    """The QR code as SVG inside the page: the secret stands in no address, and nothing is loaded from elsewhere."""
    drawn = io.BytesIO()
    segno.make(uri[:_LONGEST_URI] or " ").save(
        drawn,
        kind="svg",
        xmldecl=False,
        svgns=False,
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        border=4,
        light="#fff",
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704  # made by segno of modules alone; the text is not in it
