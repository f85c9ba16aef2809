"""A customer edits their own profile and addresses; how they log in is for `logins`, the phone changes by support (C5, C6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import orjson
from flask import abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway import address_book, addresses
from gateway.clients import services
from gateway.console.forms import KeyedForm, seen_of
from gateway.console.frame import Page
from gateway.console.person_forms import AddressForm
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.storefront import session
from gateway.storefront.forms import ProfileForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.session import Member
from gateway.storefront.writing import Writing
from onefold.common.v1.common_pb2 import Address
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1.profiles_pb2 import Addresses, ChangeProfileRequest
from onefold.membership.v1.service_pb2 import Customer, GetCustomerRequest
from services.common.errors import Conflict, OnefoldError
from services.common.ids import new_id

FIELDS = ("name", "birthday", "language")
_TRIES = 5


@blueprint.route("/<slug>/account/profile", methods=["GET", "POST"])
def edit_profile(slug: str) -> Page:
    """Only what was changed is sent. Where the store has changed the same meanwhile, what it says now is shown before anything is saved."""
    store, form = store_at(slug), ProfileForm()
    who = session.members_only(store)
    if not form.is_submitted():
        _show(form, _now(who))
        return _profile_page(store, form)
    try:
        _save(form, who)
    except OnefoldError as error:
        refuse(form, error, {name: name for name in FIELDS})
        return _profile_page(store, form, stale=isinstance(error, Conflict)), http_status(error)
    flash(_("Your profile is saved."), "good")
    return redirect(url_for("storefront.account", slug=slug))


def _save(form: ProfileForm, who: Member) -> None:
    """Raises Conflict (stale_version) once somebody else has changed the same; the form has then what it says now beside it."""
    seen = seen_of(form.seen.data)
    touched = {name: form[name].data or "" for name in FIELDS if (form[name].data or "") != seen.get(name, "")}
    for _try in range(_TRIES):
        found = _now(who)
        values = _values(found)
        if all(values[name] == typed for name, typed in touched.items()):
            return
        if any(values[name] not in (seen.get(name, ""), typed) for name, typed in touched.items()):
            form.seen.data, form.idempotency_key.data = orjson.dumps(values).decode(), str(new_id())
            raise Conflict("stale_version")
        try:
            _change(found, form.idempotency_key.data, _wish(touched))
        except Conflict as error:
            if error.reason != "stale_version":
                raise
        else:
            return
    raise Conflict("stale_version")


def _wish(touched: Mapping[str, str]) -> ChangeProfileRequest:
    wish = ChangeProfileRequest()
    for name, typed in touched.items():
        setattr(wish, name, typed)
    return wish


def _change(found: Customer, key: str, wish: ChangeProfileRequest) -> None:
    wish.customer_id, wish.expected_version = found.customer_id, found.version
    services().profiles.change_profile(wish, key=key)


def _now(who: Member) -> Customer:
    return services().membership.get_customer(GetCustomerRequest(customer_id=who.customer_id)).customer


def _values(found: Customer) -> dict[str, str]:
    return {name: getattr(found, name) for name in FIELDS}


def _show(form: ProfileForm, found: Customer) -> None:
    values = _values(found)
    for name in FIELDS:
        form[name].data = values[name]
    form.seen.data = orjson.dumps(values).decode()


def _profile_page(store: Store, form: ProfileForm, *, stale: bool = False) -> str:
    now = seen_of(form.seen.data) if stale else {}
    return render_template(
        "storefront/profile.html",
        store=store,
        form=form,
        write=Writing(store),
        others={name: value for name, value in now.items() if name in FIELDS and value != (form[name].data or "")},
    )


@blueprint.route("/<slug>/account/addresses/<key>", methods=["GET", "POST"])
def edit_address(slug: str, key: str) -> Page:
    """Adds an address (`key` is "new") or changes one."""
    store, form = store_at(slug), AddressForm()
    who = session.members_only(store)
    known = list(_now(who).addresses)
    old, typed = address_book.with_key(known, key), addresses.typed(form)
    if not form.is_submitted():
        if key != address_book.NEW and old is None:
            abort(404)
        if old:
            addresses.show(form, old)
        return _address_page(store, form, key)
    if key != address_book.NEW and old is None and typed not in known:
        return _address_page(store, form, address_book.NEW, gone=True), 409
    try:
        address_book.check_filled(typed)
        _change_addresses(who, form.idempotency_key.data, lambda now: address_book.put(now, old, typed))
    except OnefoldError as error:
        address_book.refuse_typed(form, error)
        return _address_page(store, form, key), http_status(error)
    flash(_("The address is saved."), "good")
    return redirect(url_for("storefront.account", slug=slug, _anchor="addresses-title"))


@blueprint.post("/<slug>/account/addresses/<key>/<any(default, remove):action>")
def arrange_address(slug: str, key: str, action: str) -> Response:
    """Puts an address first, or takes it away."""
    who = session.members_only(store_at(slug))
    _change_addresses(who, KeyedForm().idempotency_key.data, lambda now: address_book.arrange(now, key, action))
    flash(_("The address is removed.") if action == "remove" else _("The default address is changed."), "good")
    return redirect(url_for("storefront.account", slug=slug, _anchor="addresses-title"))


def _change_addresses(who: Member, key: str, wanted: Callable[[list[Address]], list[Address]]) -> None:
    def write(found: Customer, arranged: Sequence[Address]) -> None:
        _change(found, key, ChangeProfileRequest(addresses=Addresses(addresses=arranged)))

    address_book.change(lambda: _now(who), write, wanted)


def _address_page(store: Store, form: AddressForm, key: str, *, gone: bool = False) -> str:
    return render_template("storefront/address.html", store=store, form=form, key=key, gone=gone)
