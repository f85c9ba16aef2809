"""Editing one person: profile, addresses, notes (C4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway import address_book, addresses
from gateway.auth import requires
from gateway.console import ask, ask_person
from gateway.console.forms import KeyedForm, seen_of, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.person_forms import AddressForm, NoteForm, ProfileForm, TagsForm
from gateway.console.problems import refuse, status_of
from onefold.common.v1.common_pb2 import Address
from onefold.membership.v1.profiles_pb2 import ChangeProfileRequest, Tags
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from services.common.errors import Conflict, InvalidInput, OnefoldError
from services.common.ids import new_id
from services.common.permissions import MEMBERS_NOTE, MEMBERS_WRITE

FIELDS = ("name", "phone", "email", "birthday", "language", "tags")
# Somebody else may be faster a few times in a row; what was not touched by both is simply saved.
_TRIES = 5
_Form = ProfileForm | TagsForm
_TAG = re.compile(r"tags\[\d+\]")


@blueprint.route("/members/<uuid:customer_id>/edit", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def edit_member(customer_id: UUID) -> Page:
    """Only what was changed is sent. What somebody else has changed meanwhile is shown beside it, to choose field by field."""
    return _edit(ProfileForm(), customer_id, _("The profile is saved."))


@blueprint.route("/members/<uuid:customer_id>/tags", methods=["GET", "POST"])
@requires(MEMBERS_NOTE)
def edit_tags(customer_id: UUID) -> Page:
    """The tags alone, in the same way."""
    return _edit(TagsForm(), customer_id, _("The tags are saved."))


def _edit(form: _Form, customer_id: UUID, done: str) -> Page:
    found = ask.customer(str(customer_id))
    if not form.is_submitted():
        _show(form, found)
        return _profile_page(form, found)
    _choose(form)
    try:
        conflicts = _save(form, str(customer_id))
    except OnefoldError as error:
        refuse(form, error, _places(form, error))
        return _profile_page(form, found), status_of(error)
    if conflicts:
        return _profile_page(form, found, conflicts), 409
    flash(done, "good")
    return redirect(url_for("console.member", customer_id=found.customer_id))


def _fields(form: _Form) -> list[str]:
    return [name for name in FIELDS if name in form]


def _save(form: _Form, customer_id: str) -> list[tuple[str, str, str, str]]:
    """Saves what differs from what was seen; (field, label, yours, now) where somebody else has changed the same."""
    seen = seen_of(form.seen.data)
    for _try in range(_TRIES):
        touched = {
            name: form[name].data or "" for name in _fields(form) if (form[name].data or "") != seen.get(name, "")
        }
        if not touched:
            return []
        try:
            ask_person.change_profile(_wish(customer_id, form, touched), form.idempotency_key.data)
        except Conflict as error:
            if error.reason != "stale_version":
                raise
            conflicts, seen = _compare(form, ask.customer(customer_id), touched, seen)
            if conflicts:
                return conflicts
        else:
            return []
    raise Conflict("stale_version")


def _compare(
    form: _Form, now: Customer, touched: Mapping[str, str], seen: Mapping[str, str]
) -> tuple[list[tuple[str, str, str, str]], dict[str, str]]:
    values = _values(now)
    conflicts = [
        (name, form[name].label.text, typed, values[name])
        for name, typed in touched.items()
        if values[name] not in (seen.get(name, ""), typed)
    ]
    for name in _fields(form):
        if name not in touched:
            form[name].data = values[name]
    form.expected_version.data, form.seen.data = str(now.version), orjson.dumps(values).decode()
    if conflicts:
        form.idempotency_key.data = str(new_id())
    return conflicts, values


def _choose(form: _Form) -> None:
    """Where somebody chose what is there now, that counts as typed."""
    seen = seen_of(form.seen.data)
    for name in _fields(form):
        if request.form.get(f"choose-{name}") == "now":
            form[name].data = seen.get(name, "")


def _wish(customer_id: str, form: _Form, touched: Mapping[str, str]) -> ChangeProfileRequest:
    version = version_of(form.expected_version.data)
    wish = ChangeProfileRequest(customer_id=customer_id, expected_version=version)
    for name, value in touched.items():
        if name != "tags":
            setattr(wish, name, value)
    if "tags" in touched:
        wish.tags.CopyFrom(
            Tags(tags=[tag for part in re.split(r"[,，、;；\n]", touched["tags"]) if (tag := part.strip())])
        )
    return wish


def _values(found: Customer) -> dict[str, str]:
    """The profile as the form has it."""
    return {
        "name": found.name,
        "phone": ask.phone(found.phone),
        "email": found.email,
        "birthday": found.birthday,
        "language": found.language,
        "tags": ", ".join(found.tags),
    }


def _show(form: _Form, found: Customer) -> None:
    values = _values(found)
    for name in _fields(form):
        form[name].data = values[name]
    form.expected_version.data, form.seen.data = str(found.version), orjson.dumps(values).decode()


def _places(form: _Form, error: OnefoldError) -> dict[str, str]:
    """Where on the form each fault is said; what is wrong with one tag, at the field of all of them."""
    found = error.violations if isinstance(error, InvalidInput) else ()
    return {name: name for name in _fields(form)} | {v.field: "tags" for v in found if _TAG.fullmatch(v.field)}


def _profile_page(form: _Form, found: Customer, conflicts: Sequence[tuple[str, str, str, str]] = ()) -> str:
    member = found.status == CustomerStatus.CUSTOMER_STATUS_MEMBER
    return render_template(
        "console/profile.html",
        area="members",
        member=found,
        form=form,
        conflicts=conflicts,
        # How the person logs in: it can be filled, and not changed (C5).
        fixed={name for name in ("phone", "email") if member and getattr(found, name)},
        today=ask.today().isoformat(),
    )


# Addresses

blueprint.add_app_template_filter(address_book.key_of, "address_key")


@blueprint.route("/members/<uuid:customer_id>/addresses/<key>", methods=["GET", "POST"])
@requires(MEMBERS_WRITE)
def edit_address(customer_id: UUID, key: str) -> Page:
    """Adds an address (`key` is "new") or changes one."""
    form, found = AddressForm(), ask.customer(str(customer_id))
    old = address_book.with_key(found.addresses, key)
    if not form.is_submitted():
        if key != address_book.NEW and old is None:
            abort(404)
        if old:
            addresses.show(form, old)
        return _address_page(form, found, key)
    typed = addresses.typed(form)
    if key != address_book.NEW and old is None and typed not in found.addresses:
        # Somebody else has changed or removed it: what was typed is kept, and saving adds it.
        return _address_page(form, found, address_book.NEW, gone=True), 409
    try:
        address_book.check_filled(typed)
        _change_addresses(
            found.customer_id, form.idempotency_key.data, lambda known: address_book.put(known, old, typed)
        )
    except OnefoldError as error:
        address_book.refuse_typed(form, error)
        return _address_page(form, found, key), status_of(error)
    flash(_("The address is saved."), "good")
    return redirect(url_for("console.member", customer_id=found.customer_id, _anchor="addresses-title"))


@blueprint.post("/members/<uuid:customer_id>/addresses/<key>/<any(default, remove):action>")
@requires(MEMBERS_WRITE)
def arrange_address(customer_id: UUID, key: str, action: str) -> Response:
    """Puts an address first, or takes it away."""
    _change_addresses(
        str(customer_id),
        KeyedForm().idempotency_key.data,
        lambda known: address_book.arrange(known, key, action),
    )
    flash(_("The address is removed.") if action == "remove" else _("The default address is changed."), "good")
    return redirect(url_for("console.member", customer_id=customer_id, _anchor="addresses-title"))


def _change_addresses(customer_id: str, key: str, wanted: Callable[[list[Address]], list[Address]]) -> None:
    address_book.change(
        lambda: ask.customer(customer_id),
        lambda found, arranged: ask_person.change_addresses(found, arranged, key),
        wanted,
    )


def _address_page(form: AddressForm, found: Customer, key: str, *, gone: bool = False) -> str:
    return render_template("console/address.html", area="members", member=found, form=form, key=key, gone=gone)


# Notes


@blueprint.post("/members/<uuid:customer_id>/notes")
@requires(MEMBERS_NOTE)
def add_note(customer_id: UUID) -> Page:
    """Adds a note; what cannot be saved comes back on a page of its own."""
    form = NoteForm()
    try:
        ask_person.add_note(str(customer_id), form.text.data or "", form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, {"text": "text"})
        found = ask.customer(str(customer_id))
        return render_template("console/note.html", area="members", member=found, form=form), status_of(error)
    flash(_("The note is saved."), "good")
    return redirect(url_for("console.member", customer_id=customer_id, _anchor="notes-title"))


@blueprint.post("/members/<uuid:customer_id>/notes/<uuid:note_id>/strike")
@requires(MEMBERS_NOTE)
def strike_note(customer_id: UUID, note_id: UUID) -> Response:
    """Strikes a note: it stays readable, with who struck it."""
    form = NoteForm()
    ask_person.strike_note(str(customer_id), str(note_id), form.idempotency_key.data)
    flash(_("The note is struck."), "good")
    return redirect(url_for("console.member", customer_id=customer_id, _anchor="notes-title"))


def note_form() -> Any:
    """An empty form for a page with notes."""
    return NoteForm(formdata=None)
