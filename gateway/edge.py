"""What every request goes through: its ids, its log line, and the headers that keep browsers safe."""

from __future__ import annotations

import re

import structlog
from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from opentelemetry.trace import StatusCode

from gateway import context
from services.common import telemetry
from services.common.telemetry.metrics import HTTP_SERVED

log = structlog.get_logger()
_FAULT = 500
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

# Files of members, and a little for the form around them. Everything else is small.
LARGEST_FILE_MB = 15
FILE_ROUTES = {"api.upload_import", "console.upload_import"}
_LARGEST_UPLOAD = (LARGEST_FILE_MB + 1) * 1024 * 1024

# No inline script or style anywhere; data: is for the icons inside Bootstrap's style sheet.
_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    # Not "no-referrer", because the check of forms over https needs to see our own pages. No other site learns an address.
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    # Pages and answers are about people; only what is the same for everybody may be kept.
    ("Cache-Control", "no-store"),
)


class FormSession(SecureCookieSessionInterface):
    """Flask's session for pages alone: programs have no forms, and reading it would cost each of their requests."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of the cookie; None, which Flask takes for an empty one, for programs."""
        return None if request.path.startswith(context.API) else super().open_session(app, request)


def install(app: Flask) -> None:
    """Hooks in before and after every request."""
    app.session_interface = FormSession()
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_close_span)


def takes_file() -> bool:
    """Whether the request under way may bring a file."""
    return request.endpoint in FILE_ROUTES


def _begin() -> None:
    context.begin()
    if takes_file():
        request.max_content_length = _LARGEST_UPLOAD
    # Threads of the server inherit nothing from the one that configured logging.
    structlog.contextvars.bind_contextvars(service="gateway")
    sent = request.environ
    request_id = sent.get("HTTP_X_REQUEST_ID", "")
    traceparent = sent.get("HTTP_TRACEPARENT", "")
    telemetry.begin(
        request_id if _REQUEST_ID.fullmatch(request_id) else "",
        traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
    )
    _open_span()


def _open_span() -> None:
    """A request has no block of code that is all of it: what is opened here is closed when Flask has done with it."""
    method, route = _names()
    g.span = telemetry.span(
        f"{method} {route}".strip(), telemetry.SERVER, http__request__method=method, http__route=route
    )
    g.recorded = g.span.__enter__()


def _close_span(error: BaseException | None) -> None:
    if span := g.pop("span", None):
        span.__exit__(None, None, None)


def _names() -> tuple[str, str]:
    """Method and route's template of the request: never the address, which may hold a name or a token, nor words of the client's own."""
    rule = request.url_rule
    return (request.method, rule.rule) if rule else ("", "")


def _end(response: Response) -> Response:
    headers = response.headers
    # Looked through once: each look of its own costs as much as the answer of a small page.
    there = {name for name, _ in headers}
    # The router's own redirects repeat the Host that was sent, in page and header, and anybody can send one.
    if "Location" in there and (location := headers["Location"]).startswith(request.host_url):
        headers["Location"] = "/" + location.removeprefix(request.host_url).lstrip("/")
        response.set_data(b"")
    headers.add("X-Request-Id", telemetry.request_id.get())
    if current_app.config["SESSION_COOKIE_SECURE"]:
        headers.add("Strict-Transport-Security", "max-age=31536000")
    for name, value in _HEADERS:
        if name not in there:
            headers.add(name, value)
    _tell(response.status_code)
    return response


def _tell(status: int) -> None:
    """The request as it is counted, recorded and logged."""
    (method, route), seconds = _names(), context.spent()
    if route == "/healthz":
        return
    HTTP_SERVED.observe(seconds, method, route, f"{status // 100}xx")
    g.recorded.set_attribute("http.response.status_code", status)
    if status >= _FAULT:
        g.recorded.set_status(StatusCode.ERROR)
    if not route.endswith("/<path:filename>"):
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1_000, 1))
