"""The one door: a phone or an address, then the code that was sent there, then in (A3, A4, A8).

The pages are the same whether or not anybody has the identifier; only the message tells, to whoever reads it.
"""

from __future__ import annotations

from flask import make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.clients import services
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.storefront import codes, session
from gateway.storefront.forms import CodeForm, IdentifierForm, PasswordLogInForm
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.offers import offered
from gateway.storefront.outcomes import enter, follow, onward, wanted
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import OnefoldError, Unauthenticated


@blueprint.route("/<slug>/login", methods=["GET", "POST"])
def log_in(slug: str) -> Page:
    """Asks for a phone or an address, and has a code sent there."""
    store, form = store_at(slug), IdentifierForm()
    who, way = session.member(store), wanted(slug)
    if request.method == "GET":
        # With the browser's secret already, so that a double click asks twice for the same.
        form.identifier.data = form.identifier.data or codes.suggested(slug)
        return redirect(onward(store)) if who else codes.keep_secret(make_response(_log_in_page(store, form)), slug)
    try:
        browser = codes.ask(form, slug, way=way or "")
    except OnefoldError as error:
        refuse(form, error, codes.FIELDS)
        return _log_in_page(store, form), http_status(error)
    return codes.keep_secret(redirect(url_for("storefront.enter_code", slug=slug, next=way)), slug, browser)


@blueprint.route("/<slug>/login/code", methods=["GET", "POST"])
def enter_code(slug: str) -> Page:
    """Trades the code for what it proves. Whoever never asked for one is led to where one does."""
    store, form = store_at(slug), CodeForm()
    session.member(store)
    browser = codes.secret(slug)
    if not browser:
        return redirect(url_for("storefront.log_in", slug=slug, next=wanted(slug)))
    if request.method == "GET":
        return _code_page(store, form)
    wish = pb.VerifyCodeRequest(
        browser=browser, code=form.code.data or "", session_token=session.token(store), agent=session.agent()
    )
    try:
        answer = services().accounts.verify_code(wish)
    except OnefoldError as error:
        refuse(form, error, {"code": "code"})
        return _code_page(store, form), http_status(error)
    return follow(store, answer.outcome, begun=answer, added=answer.login_method)


@blueprint.route("/<slug>/login/password", methods=["GET", "POST"])
def log_in_by_password(slug: str) -> Page:
    """The other way in, for accounts with a password. The first page brings along what was typed there, and no password yet."""
    store, form = store_at(slug), PasswordLogInForm()
    if session.member(store) and request.method == "GET":
        return redirect(onward(store))
    if "password" not in request.form:
        return _password_page(store, form)
    wish = pb.LogInWithPasswordRequest(
        password=form.password.data or "",
        source=request.remote_addr or "",
        agent=session.agent(),
        session_token=session.token(store),
        **codes.read_identifier(form.identifier.data),
    )
    try:
        return enter(store, services().accounts.log_in_with_password(wish).session)
    except Unauthenticated as error:
        form.faulty = True
        form.form_errors = [_("This does not fit together. Check both, or have a code sent instead.")]
        return _password_page(store, form), http_status(error)
    except OnefoldError as error:
        refuse(form, error, codes.FIELDS | {"password": "password"})
        return _password_page(store, form), http_status(error)


@blueprint.post("/<slug>/logout")
def log_out(slug: str) -> Response:
    """Ends the session everywhere."""
    store = store_at(slug)
    response = redirect(url_for("storefront.log_in", slug=slug))
    session.end(store, response)
    return response


def _log_in_page(store: Store, form: IdentifierForm) -> str:
    return render_template(
        "storefront/login.html", store=store, form=form, next=wanted(store.slug), providers=offered(store)
    )


def _password_page(store: Store, form: PasswordLogInForm) -> str:
    return render_template("storefront/login_password.html", store=store, form=form, next=wanted(store.slug))


def _code_page(store: Store, form: CodeForm) -> str:
    sent = codes.sent()
    return render_template(
        "storefront/code.html",
        store=store,
        form=form,
        sent=sent,
        to=codes.written(store, sent.to) if sent else "",
        again=IdentifierForm(formdata=None, identifier=sent.to if sent else ""),
        next=wanted(store.slug),
    )
