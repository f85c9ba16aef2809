"""Who works for the store: invitations, roles, leaving (H1)."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.auth import principal, requires
from gateway.clients import services
from gateway.console.forms import KeyedForm, PlainForm, code_of
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, sentence_of, status_of
from gateway.console.staff_forms import InviteForm, StaffForm
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import staff_pb2 as pb
from services.common import clock
from services.common.errors import OnefoldError
from services.common.permissions import STAFF_WRITE


@blueprint.route("/staff", methods=["GET", "POST"])
@requires(STAFF_WRITE)
def staff() -> Page:
    """Everybody who works for the store and who is to, and the form that invites one more."""
    form = InviteForm()
    if request.method == "POST":
        try:
            services().staff.invite(_invitation(form), key=form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {name: name for name in ("name", "email", "role")})
        else:
            flash(_("The invitation is on its way to %(email)s.", email=form.email.data), "good")
            return redirect(url_for("console.staff"))
    token = request.args.get("page", "")
    found = services().staff.list(pb.ListStaffRequest(page=PageRequest(token=token)))
    page = render_template(
        "console/staff.html",
        area="settings",
        entries=found.entries,
        next_token=found.next_page_token,
        later_page=bool(token),
        now=clock.now().timestamp(),
        form=form,
        again=KeyedForm(formdata=None),
    )
    return page, 422 if form.faulty else 200


def _invitation(form: InviteForm) -> pb.InviteStaffRequest:
    wish = pb.InviteStaffRequest(email=(form.email.data or "").strip(), name=form.name.data or "")
    wish.role = code_of(form.role.data)  # type: ignore[assignment]  # an open enum
    return wish


@blueprint.post("/staff/invitations/<uuid:invitation_id>/withdraw")
@requires(STAFF_WRITE)
def withdraw_invitation(invitation_id: UUID) -> Response:
    """Ends an invitation; its link opens nothing any more."""
    try:
        services().staff.withdraw(pb.WithdrawInvitationRequest(invitation_id=str(invitation_id)))
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The invitation is withdrawn."), "good")
    return redirect(url_for("console.staff"))


@blueprint.route("/staff/<uuid:staff_id>", methods=["GET", "POST"])
@requires(STAFF_WRITE)
def staff_member(staff_id: UUID) -> Page:
    """Name and role of one of them."""
    form, entry = StaffForm(), _entry(staff_id)
    if request.method == "GET":
        form.name.data, form.role.data = entry.staff.name, str(entry.staff.role)
        return _member_page(form, entry)
    wish = pb.ChangeStaffRequest(staff_id=str(staff_id), name=form.name.data or "")
    wish.role = code_of(form.role.data)  # type: ignore[assignment]  # an open enum
    try:
        changed = services().staff.change(wish, key=form.idempotency_key.data).entry
    except OnefoldError as error:
        refuse(form, error, {"name": "name", "role": "role"})
        return _member_page(form, entry), status_of(error)
    flash(_("%(name)s is saved.", name=changed.staff.name), "good")
    return redirect(url_for("console.staff"))


def _entry(staff_id: UUID) -> pb.StaffEntry:
    return services().staff.get(pb.GetStaffRequest(staff_id=str(staff_id))).entry


def _member_page(form: StaffForm, entry: pb.StaffEntry) -> str:
    me = principal().staff
    return render_template(
        "console/staff_member.html",
        area="settings",
        form=form,
        entry=entry,
        mine=bool(me and me.staff_id == entry.staff.staff_id),
    )


@blueprint.post("/staff/<uuid:staff_id>/second-factor")
@requires(STAFF_WRITE)
def reset_second_factor(staff_id: UUID) -> Response:
    """For somebody who has lost phone and recovery codes."""
    try:
        services().staff.reset_totp(pb.ResetTotpRequest(staff_id=str(staff_id)))
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(
            _("The second factor is off, and all sessions have ended. A new one can be set up under “My account”."),
            "good",
        )
    return redirect(url_for("console.staff_member", staff_id=staff_id))


@blueprint.route("/staff/<uuid:staff_id>/remove", methods=["GET", "POST"])
@requires(STAFF_WRITE)
def remove_staff(staff_id: UUID) -> Page:
    """Asks once more, and ends somebody's access."""
    form, entry = PlainForm(), _entry(staff_id)
    if request.method == "POST":
        try:
            services().staff.remove(pb.RemoveStaffRequest(staff_id=str(staff_id)))
        except OnefoldError as error:
            refuse(form, error, {})
        else:
            flash(_("%(name)s has no access any more.", name=entry.staff.name), "good")
            return redirect(url_for("console.staff"))
    page = render_template("console/staff_remove.html", area="settings", form=form, entry=entry)
    return page, 422 if form.faulty else 200
