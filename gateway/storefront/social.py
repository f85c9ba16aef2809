"""Logging in and registering by Google, Facebook, and whatever else is offered (A3, A8).

Providers know one address of this installation to send people back to. The state that they bring along begins with the store's name
in addresses, by which its page is found; whether it is good, identity_merge says.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, make_response, redirect, render_template, request, url_for
from flask import session as form_session
from werkzeug.wrappers import Response

from gateway.clients import services
from gateway.console.frame import Page
from gateway.errors import http_status
from gateway.languages import html_language
from gateway.reasons import sentence_of
from gateway.storefront import codes, session
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.offers import name_of
from gateway.storefront.outcomes import follow, wanted
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import LoginMethod, Store
from services.common.errors import NotFound, OnefoldError

# The provider is asked meanwhile: for what it says of itself, or of the person.
_BEGIN_SECONDS, _FINISH_SECONDS = 6.0, 11.0
_BROUGHT = ("state", "code", "error", "iss")
# Longer than any that we have made, or that identity_merge would take.
_LONGEST = 4_096
# From which store the browser was sent away: some providers forget the state of those who refuse.
_STORE = "social_store"


@blueprint.post("/<slug>/login/with/<provider>")
def social_begin(slug: str, provider: str) -> Page:
    """Sends the browser to the provider, to log in, or to add it to the account of the form's `add`.

    By a page and not by a redirect: "form-action" of the policy holds for where a form's answer leads, too.
    """
    store, adding = store_at(slug), bool(request.form.get("add"))
    if adding:
        session.members_only(store)
    session.member(store)
    browser, way = codes.secret(slug) or codes.new_secret(), wanted(slug) or ""
    wish = pb.BeginSocialLoginRequest(
        provider_id=provider,
        browser=browser,
        redirect_uri=current_app.config["PUBLIC_URL"] + url_for("storefront.social_back"),
        language=html_language(),
        session_token=session.token(store) if adding else "",
    )
    try:
        address = services().social_logins.begin(wish, seconds=_BEGIN_SECONDS).authorization_url
    except OnefoldError as error:
        return _failed(store, error, way)
    codes.go_on(way)
    form_session[_STORE] = slug
    page = make_response(
        render_template("storefront/social.html", store=store, provider=name_of(store, provider), address=address)
    )
    page.headers["Refresh"] = f"0; url={address}"
    return codes.keep_secret(page, slug, browser)


@blueprint.route("/login/back", methods=["GET", "POST"])
def social_back() -> Response:
    """Where providers send everybody back to. A form (Apple's) comes without our cookies, so the browser comes once more, by itself.

    Raises NotFound (store_not_found) for who was never sent anywhere.
    """
    brought: dict[str, Any] = {name: request.values[name] for name in _BROUGHT if request.values.get(name)}
    if request.method == "POST":
        return redirect(url_for("storefront.social_back", **brought), 303)
    slug = brought.get("state", "").partition(".")[0] or str(form_session.get(_STORE, ""))
    if not slug or any(len(value) > _LONGEST for value in brought.values()):
        raise NotFound("store_not_found")
    return redirect(url_for("storefront.social_finish", slug=slug, next=codes.way(slug) or None, **brought))


@blueprint.get("/<slug>/login/back")
def social_finish(slug: str) -> Page:
    """Takes what the browser came back with, and leads on."""
    store = store_at(slug)
    session.member(store)
    state, code, error, issuer = (request.args.get(name, "") for name in _BROUGHT)
    wish = pb.FinishSocialLoginRequest(
        # A browser without a secret was never sent anywhere; identity_merge refuses it as all others.
        browser=codes.secret(slug) or codes.new_secret(),
        state=state,
        code=code,
        error=error,
        issuer=issuer,
        session_token=session.token(store),
        agent=session.agent(),
        source=request.remote_addr or "",
    )
    try:
        met = services().social_logins.finish(wish, seconds=_FINISH_SECONDS)
    except OnefoldError as refusal:
        return _failed(store, refusal, wanted(slug) or "")
    added = (
        met.login_method if met.HasField("login_method") else LoginMethod(kind=met.proof.kind, value=met.proof.value)
    )
    return follow(store, met.outcome, begun=met.session, added=added, proof=met.proof)


def _failed(store: Store, error: OnefoldError, way: str) -> tuple[str, int]:
    """Why not, and the way back to where one begins."""
    page = render_template(
        "storefront/social.html", store=store, sentence=sentence_of(error.reason), back=_beginning(store, way)
    )
    return page, http_status(error)


def _beginning(store: Store, way: str) -> str:
    if session.member(store):
        return url_for("storefront.logins", slug=store.slug)
    return url_for("storefront.log_in", slug=store.slug, next=way or None)
