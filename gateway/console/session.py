"""Logging in and out, and the language of the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from gateway import languages
from gateway.auth import begin_session, end_session
from gateway.clients import services
from gateway.console.forms import LogInForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from gateway.context import NOBODY
from onefold.identity_merge.v1.service_pb2 import LogInRequest
from services.common.errors import OnefoldError


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
    )
    try:
        session = services().access.log_in(wish, claims=NOBODY)
    except OnefoldError as error:
        refuse(form, error, {"store_slug": "store", "email": "email", "password": "password"})
        return render_template("console/login.html", form=form), 422
    response = redirect(_inside(request.args.get("next", "")) or url_for("console.home"))
    left = session.expires_at.ToDatetime(tzinfo=UTC) - datetime.now(UTC)
    begin_session(response, session.session_token, max(int(left.total_seconds()), 0))
    return response


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
    parts = urlsplit(address.replace("\\", "/"))
    ours = address.startswith("/") and not parts.scheme and not parts.netloc and not any(c < " " for c in address)
    return address if ours else ""
