"""Logging in and out, and the language of the pages."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway import languages
from gateway.auth import challenge, end_session, enter, session_token
from gateway.clients import services
from gateway.console.forms import LogInForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, status_of
from gateway.console.staff_forms import SecondStepForm
from gateway.context import NOBODY
from onefold.identity_merge.v1.service_pb2 import LogInRequest, LogInResponse
from onefold.identity_merge.v1.staff_pb2 import LogInWithTotpRequest
from services.common.errors import OnefoldError, Unauthenticated


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> Page:
    """Trades store, e-mail and password for a session; every refusal reads the same."""
    form = LogInForm()
    if request.method == "GET":
        form.store.data = request.args.get("store", "")
        return render_template("console/login.html", form=form)
    wish = LogInRequest(
        store_slug=(form.store.data or "").strip().lower(),
        email=(form.email.data or "").strip(),
        password=form.password.data or "",
        agent=agent(),
        session_token=session_token(),
    )
    try:
        entered = services().access.log_in(wish, claims=NOBODY)
    except OnefoldError as error:
        refuse(form, error, {"store_slug": "store", "email": "email", "password": "password"})
        return render_template("console/login.html", form=form), status_of(error)
    return onward(entered, request.args.get("next", ""))


@blueprint.route("/login/code", methods=["GET", "POST"])
def second_step() -> Page:
    """The second step of a log-in. Whose first step is over, or was never done, begins again."""
    form, begun = SecondStepForm(), challenge()
    if not begun:
        return redirect(url_for("console.log_in", next=request.args.get("next")))
    if request.method == "GET":
        return render_template("console/second_step.html", form=form)
    wish = LogInWithTotpRequest(
        challenge=begun, code=form.code.data or "", agent=agent(), session_token=session_token()
    )
    try:
        entered = services().staff.log_in_with_totp(wish, claims=NOBODY).session
    except Unauthenticated:
        flash(_("The time for the code is over, or it was wrong too often. Log in again."), "bad")
        return redirect(url_for("console.log_in", next=request.args.get("next")))
    except OnefoldError as error:
        refuse(form, error, {"code": "code"})
        return render_template("console/second_step.html", form=form), status_of(error)
    return onward(entered, request.args.get("next", ""))


def onward(entered: LogInResponse, wanted: str = "") -> Response:
    """To the page that was wanted, or to the second step before it."""
    inside = _inside(wanted)
    if entered.totp_challenge:
        response = redirect(url_for("console.second_step", next=inside or None))
    else:
        response = redirect(inside or url_for("console.home"))
    enter(response, entered)
    return response


def agent() -> str:
    """What the browser calls itself."""
    return request.headers.get("User-Agent", "")


@blueprint.post("/logout")
def log_out() -> Response:
    """Ends the session everywhere."""
    response = redirect(url_for("console.log_in"))
    end_session(response)
    return response


@blueprint.post("/language")
def language() -> Response:
    """Keeps the language that was chosen and shows the same page in it."""
    response = redirect(_inside(request.form.get("next", "")) or url_for("console.home"))
    languages.remember(response, request.form.get("language", ""), secure=current_app.config["SESSION_COOKIE_SECURE"])
    return response


def _inside(address: str) -> str:
    """The address, if it leads to a page of our own; a link from outside must not send people elsewhere through us."""
    path = address.replace("\\", "/")
    # However many slashes it begins with beyond one, browsers read a host behind them.
    ours = path.startswith("/") and not path.startswith("//") and address.isprintable()
    return address if ours else ""
