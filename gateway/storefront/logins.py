"""How a member logs in, and where they are logged in now (C6, F13)."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway import devices
from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.storefront import codes, session
from gateway.storefront.forms import IdentifierForm, SessionForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.offers import name_of, offered, written
from gateway.storefront.writing import Writing
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import OnefoldError


@blueprint.get("/<slug>/account/login")
def logins(slug: str) -> Page:
    """Phones, addresses, providers and password, and the sessions."""
    store = store_at(slug)
    session.members_only(store)
    return _page(store, IdentifierForm(formdata=None))


@blueprint.post("/<slug>/account/login")
def add_login(slug: str) -> Page:
    """Has a code sent to one more phone or address, or to one that is still to be proved."""
    store, form = store_at(slug), IdentifierForm()
    session.members_only(store)
    try:
        browser = codes.ask(form, slug, codes.ADD, session_token=session.token(store))
    except OnefoldError as error:
        refuse(form, error, codes.FIELDS)
        return _page(store, form), http_status(error)
    return codes.keep_secret(redirect(url_for("storefront.enter_code", slug=slug)), slug, browser)


@blueprint.post("/<slug>/account/sessions/end")
def end_sessions(slug: str) -> Response:
    """Ends one session, or all but this one. What has ended already is no error."""
    store, form = store_at(slug), SessionForm()
    who = session.members_only(store)
    wish = pb.EndSessionsRequest(session_token=session.token(store), session_id=form.session_id.data or "")
    ended = services().accounts.end_sessions(wish).ended
    session.forget(who)
    flash(ngettext("%(num)s session has ended.", "%(num)s sessions have ended.", ended), "good")
    return redirect(url_for("storefront.logins", slug=slug, _anchor="sessions-title"))


def account_of(store: Store) -> pb.GetAccountResponse:
    """Login methods and sessions of whoever is logged in. Raises Unauthenticated (session_refused)."""
    return services().accounts.get(pb.GetAccountRequest(session_token=session.token(store)))


def _page(store: Store, form: IdentifierForm) -> str:
    found = account_of(store)
    connected = {method.kind for method in found.login_methods}
    return render_template(
        "storefront/logins.html",
        store=store,
        account=found,
        form=form,
        write=Writing(store),
        device=devices.words,
        by=lambda kind: _by(store, kind),
        shown=lambda method: written(store, method.kind, method.value),
        providers=[provider for provider in offered(store) if provider.provider_id not in connected],
    )


def _by(store: Store, kind: str) -> str:
    words: dict[str, str] = {
        "phone": _("by a code to the phone"),
        "email": _("by a code or link to the e-mail"),
        "password": _("by password"),
    }
    return words.get(kind) or str(_("by %(provider)s", provider=name_of(store, kind)))
