"""A member's password: set and changed by whoever can vouch for it (C6)."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _

from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.storefront import codes, session
from gateway.storefront.forms import IdentifierForm, PasswordForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.logins import account_of
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import OnefoldError

_FIELDS = {name: name for name in ("current_password", "new_password")}


@blueprint.route("/<slug>/account/password", methods=["GET", "POST"])
def password(slug: str) -> Page:
    """Sets the password; other sessions end with the old one. Where nothing vouches for it, a code does: it leads back here."""
    store, form = store_at(slug), PasswordForm()
    session.members_only(store)
    if not form.is_submitted():
        return _page(store, form)
    wish = pb.SetPasswordRequest(
        session_token=session.token(store),
        current_password=form.current_password.data or "",
        new_password=form.new_password.data or "",
    )
    try:
        begun = services().accounts.set_password(wish).session
    except OnefoldError as error:
        refuse(form, error, _FIELDS)
        return _page(store, form), http_status(error)
    flash(_("Your password is set. All other browsers are logged out."), "good")
    response = redirect(url_for("storefront.logins", slug=slug))
    session.renew(store, begun, response)
    return response


def _page(store: Store, form: PasswordForm) -> str:
    found = account_of(store)
    proved = [m for m in found.login_methods if m.kind in ("phone", "email") and m.HasField("confirmed_at")]
    return render_template(
        "storefront/password.html",
        store=store,
        form=form,
        account=found,
        ways=[(method.value, codes.written(store, method.value)) for method in proved],
        key_form=IdentifierForm(formdata=None),
    )
