"""What cannot be taken back: another phone with the member's consent (C5), deletion (C9, C10), erasure (C12)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from gateway.auth import requires
from gateway.console import ask, ask_person
from gateway.console.forms import code_of, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.person_forms import ConfirmForm, PhoneForm, PolicyForm
from gateway.console.problems import refuse, status_of
from onefold.membership.v1.profiles_pb2 import ChangePhoneRequest, Consent, DeletionPolicy
from onefold.membership.v1.service_pb2 import Customer
from services.common.errors import Conflict, OnefoldError
from services.common.ids import new_id
from services.common.permissions import MEMBER_SETTINGS_WRITE, MEMBERS_ERASE, MEMBERS_PHONE, MEMBERS_WRITE


@blueprint.route("/members/<uuid:customer_id>/phone", methods=["GET", "POST"])
@requires(MEMBERS_PHONE)
def change_phone(customer_id: UUID) -> Page:
    """Records the consent with the change. When the account has changed meanwhile, what it has now is shown, to send again."""
    form = PhoneForm()
    found = ask.customer(str(customer_id))
    if not form.is_submitted():
        form.expected_version.data = str(found.version)
        return render_template("console/phone.html", area="members", member=found, form=form)
    try:
        changed = ask_person.change_phone(_phone_wish(form, found.customer_id), form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, {"phone": "phone", "consent.given": "given", "consent.note": "note"})
        if isinstance(error, Conflict) and error.reason == "stale_version":
            form.expected_version.data, form.idempotency_key.data = str(found.version), str(new_id())
        return render_template("console/phone.html", area="members", member=found, form=form), status_of(error)
    flash(_("The phone is now %(phone)s. The old number is free.", phone=ask.phone(changed.phone)), "good")
    return redirect(url_for("console.member", customer_id=found.customer_id))


def _phone_wish(form: PhoneForm, customer_id: str) -> ChangePhoneRequest:
    return ChangePhoneRequest(
        customer_id=customer_id,
        expected_version=version_of(form.expected_version.data),
        phone=form.phone.data or "",
        consent=Consent(given=form.given.data or "", note=form.note.data or ""),
    )


@blueprint.route("/members/<uuid:customer_id>/delete", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def delete_member(customer_id: UUID) -> Page:
    """Deletes for good, once the phone has been typed again."""
    return _remove(customer_id, "console/delete.html", ask_person.delete, _("The account is deleted."))


@blueprint.route("/members/<uuid:customer_id>/erase", methods=["GET", "POST"])
@requires(MEMBERS_ERASE)
def erase_member(customer_id: UUID) -> Page:
    """Erases the person, once the phone has been typed again."""
    done = _("The person is erased. Orders and messages forget the person within a few moments.")
    return _remove(customer_id, "console/erase.html", ask_person.erase, done)


def _remove(customer_id: UUID, template: str, remove: Callable[[str, str, str], None], done: str) -> Page:
    form, found = ConfirmForm(), ask.customer(str(customer_id))
    if found.customer_id != str(customer_id):
        flash(_("The account you asked for was merged into this one."), "info")
        return redirect(url_for("console.member", customer_id=found.customer_id))
    policy = ask.if_up(ask_person.deletion_policy)
    page = {"area": "members", "member": found, "form": form, "asked": _asked(found)}
    page |= {"never": policy == DeletionPolicy.DELETION_POLICY_NEVER}
    if not form.is_submitted():
        return render_template(template, **page)
    try:
        remove(str(customer_id), form.confirmation.data or "", form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, {"confirmation": "confirmation"})
        return render_template(template, **page), status_of(error)
    flash(done, "good")
    return redirect(url_for("console.member", customer_id=customer_id))


def _asked(found: Customer) -> tuple[str, str]:
    """What is to be typed again: (what it is, what it reads); empty where nothing is known."""
    if found.phone:
        return _("Phone"), ask.phone(found.phone)
    if found.name:
        return _("Name"), found.name
    return (_("E-mail"), found.email) if found.email else ("", "")


@blueprint.route("/members/deletion", methods=["GET", "POST"])
@requires(MEMBER_SETTINGS_WRITE)
def deletion_settings() -> Page:
    """Whether members can be deleted at all (C10)."""
    form = PolicyForm()
    if not form.is_submitted():
        form.policy.data = str(ask_person.deletion_policy())
        return render_template("console/deletion.html", area="members", form=form)
    try:
        ask_person.set_deletion_policy(code_of(form.policy.data), form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, {"policy": "policy"})
        return render_template("console/deletion.html", area="members", form=form), status_of(error)
    flash(_("The setting is saved."), "good")
    return redirect(url_for("console.deletion_settings"))
