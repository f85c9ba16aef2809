"""What a member has agreed to, and the copy of all that is kept about them (C6)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.storefront import session
from gateway.storefront.forms import ConsentForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.session import Member
from gateway.storefront.writing import Writing
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import registration_pb2 as pb
from services.common.errors import OnefoldError

KINDS = ("email_marketing", "sms_marketing")
VIA: dict[str, LazyString] = {
    "registration": _l("when registering"),
    "account": _l("in the account"),
    "staff": _l("told to the store"),
}


@blueprint.route("/<slug>/account/privacy", methods=["GET", "POST"])
def privacy(slug: str) -> Page:
    """Shows and changes consents, with all earlier changes. Only what was changed is written."""
    store, form = store_at(slug), ConsentForm()
    who = session.members_only(store)
    known = services().consents.get(pb.GetConsentsRequest(customer_id=who.customer_id))
    given = {consent.kind for consent in known.consents if consent.given}
    if not form.is_submitted():
        for kind in KINDS:
            form[kind].data = kind in given
        return _page(store, form, known)
    changed = [kind for kind in KINDS if bool(form[kind].data) != (kind in given)]
    try:
        if changed:
            _set(who, form, changed)
    except OnefoldError as error:
        refuse(form, error, {})
        return _page(store, form, known), http_status(error)
    flash(_("Your choice is saved."), "good")
    return redirect(url_for("storefront.privacy", slug=slug))


def chosen(form: Any) -> list[str]:
    """The kinds that are ticked."""
    return [kind for kind in KINDS if form[kind].data]


def _set(who: Member, form: ConsentForm, changed: list[str]) -> None:
    wish = [pb.UseConsent(kind=kind, given=bool(form[kind].data)) for kind in changed]
    services().consents.set(
        pb.SetConsentsRequest(customer_id=who.customer_id, consents=wish), key=form.idempotency_key.data
    )


def _page(store: Store, form: ConsentForm, known: pb.GetConsentsResponse) -> str:
    return render_template(
        "storefront/privacy.html",
        store=store,
        form=form,
        changes=known.changes,
        labels={kind: form[kind].label.text for kind in KINDS},
        via=VIA,
        write=Writing(store),
    )
