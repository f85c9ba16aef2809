"""Logging in by a code that is sent by e-mail, and logging out (A4, A8).

The pages are the same whether or not anybody has the address; only the e-mail tells, to whoever reads it.
"""

from __future__ import annotations

import hashlib
import secrets

from flask import make_response, redirect, render_template, request, url_for
from flask import session as form_session
from werkzeug.wrappers import Response

from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.languages import html_language
from gateway.storefront import cookies, session
from gateway.storefront.forms import CodeForm, LogInForm
from gateway.storefront.frame import blueprint, store_at
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import OnefoldError

# As long as somebody may take over all of it, from the first code to the last.
_SECRET_SECONDS = 3_600
# Whom the code on its way was sent to, for the page that asks for it; in the browser's own signed session.
_SENT_TO = "code_sent_to"


@blueprint.route("/<slug>/login", methods=["GET", "POST"])
def log_in(slug: str) -> Page:
    """Asks for the address, and has a code sent to it."""
    store, form = store_at(slug), LogInForm()
    if request.method == "GET":
        return redirect(_onward(store)) if session.member(store) else _first_page(store, form)
    email = (form.email.data or "").strip()
    browser = cookies.read(cookies.CODE, slug) or secrets.token_urlsafe(32)
    wish = pb.RequestCodeRequest(
        email=email, browser=browser, language=html_language(), source=request.remote_addr or ""
    )
    session.member(store)
    try:
        services().accounts.request_code(wish, key=_key(form, email))
    except OnefoldError as error:
        refuse(form, error, {"email": "email"})
        return _log_in_page(store, form), http_status(error)
    form_session[_SENT_TO] = email
    response = redirect(url_for("storefront.enter_code", slug=slug, next=_wanted(slug)))
    cookies.keep(response, cookies.CODE, slug, browser, _SECRET_SECONDS)
    return response


@blueprint.route("/<slug>/login/code", methods=["GET", "POST"])
def enter_code(slug: str) -> Page:
    """Trades the code for a session. Whoever never asked for one is led to where one does."""
    store, form = store_at(slug), CodeForm()
    session.member(store)
    browser = cookies.read(cookies.CODE, slug)
    if not browser:
        return redirect(url_for("storefront.log_in", slug=slug, next=_wanted(slug)))
    if request.method == "GET":
        return _code_page(store, form)
    try:
        begun = services().accounts.verify_code(pb.VerifyCodeRequest(browser=browser, code=form.code.data or ""))
    except OnefoldError as error:
        refuse(form, error, {"code": "code"})
        return _code_page(store, form), http_status(error)
    response = redirect(_onward(store))
    form_session.pop(_SENT_TO, None)
    session.begin(store, begun, response)
    return response


@blueprint.post("/<slug>/logout")
def log_out(slug: str) -> Response:
    """Ends the session everywhere."""
    store = store_at(slug)
    response = redirect(url_for("storefront.log_in", slug=slug))
    session.end(store, response)
    return response


def _first_page(store: Store, form: LogInForm) -> Response:
    """With the browser's secret already, so that a double click asks twice for the same."""
    response = make_response(_log_in_page(store, form))
    if not cookies.read(cookies.CODE, store.slug):
        cookies.keep(response, cookies.CODE, store.slug, secrets.token_urlsafe(32), _SECRET_SECONDS)
    return response


def _key(form: LogInForm, email: str) -> str:
    """The form's key for this address: whoever goes back to correct it sends the same form with another."""
    return f"{form.idempotency_key.data}-{hashlib.sha256(email.encode()).hexdigest()[:16]}"


def _wanted(slug: str) -> str | None:
    return cookies.inside(slug, request.args.get("next", "")) or None


def _onward(store: Store) -> str:
    return _wanted(store.slug) or url_for("storefront.account", slug=store.slug)


def _log_in_page(store: Store, form: LogInForm) -> str:
    return render_template("storefront/login.html", store=store, form=form, next=_wanted(store.slug))


def _code_page(store: Store, form: CodeForm) -> str:
    email = str(form_session.get(_SENT_TO, ""))
    again = LogInForm(formdata=None, email=email)
    return render_template(
        "storefront/code.html", store=store, form=form, again=again, email=email, next=_wanted(store.slug)
    )
