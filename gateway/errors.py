"""Errors at the edge: every error of the tree becomes RFC 9457 problem+json for programs, or a page for people (rule 7)."""

from __future__ import annotations

from typing import Any

import grpc
import orjson
import structlog
from flask import Flask, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from grpc_status import rpc_status
from werkzeug.exceptions import HTTPException

from gateway import roles
from gateway.context import speaks_json
from gateway.edge import LARGEST_FILE_MB, takes_file
from gateway.reasons import sentence_of
from services.common import errors, rpc_errors, telemetry
from services.common.errors import InvalidInput, OnefoldError, Unauthenticated, Violation

__all__ = ["field_errors", "from_rpc", "http_status", "is_unreachable", "problem", "sentence_of"]

log = structlog.get_logger()

_STATUS: dict[type[OnefoldError], int] = {
    errors.InvalidInput: 422,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.StateConflict: 409,
    errors.Conflict: 409,
    errors.Unavailable: 503,
    errors.Internal: 500,
}
# Where a reason says more than its kind. The two of idempotency are as the IETF's draft of the header has them.
_STATUS_OF_REASON = {
    "deadline_exceeded": 504,
    "idempotency_key_required": 400,
    "idempotency_key_reused": 422,
    "malformed_request": 400,
    "form_expired": 400,
    "too_many_codes": 429,
    "too_many_requests": 429,
}
# Errors that Flask itself raises.
_REASON_OF_STATUS = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
}
# The contracts' names of things that REST carries elsewhere.
_FIELD_NAMES = {
    "page.size": "page_size",
    "page.token": "page_token",
    "idempotency-key": "Idempotency-Key",
    "points_redeemed": "redeem_points",
}


def from_rpc(error: grpc.RpcError) -> OnefoldError:
    """The error of the tree that a service raised; Unavailable when it could not be reached in time."""
    if not isinstance(error, grpc.Call):
        return errors.Internal("internal", type(error).__name__)
    return rpc_errors.from_status(error.code(), error.details() or "", rpc_status.from_call(error))


def is_unreachable(error: OnefoldError) -> bool:
    """True when nobody answered, so that nothing is known of what was asked."""
    return isinstance(error, errors.Unavailable)


def http_status(error: OnefoldError) -> int:
    """The HTTP status for an error of the tree."""
    reason = reason_of(error)
    return _STATUS_OF_REASON.get(reason) or _STATUS.get(type(error), 500)


def reason_of(error: OnefoldError) -> str:
    """The reason that stands at the top: that of a header is not one of many fields to mend."""
    if isinstance(error, InvalidInput) and [v.reason for v in error.violations] == ["idempotency_key_required"]:
        return "idempotency_key_required"
    return error.reason


def field_errors(error: OnefoldError) -> dict[str, str]:
    """Field path → sentence, in the request's language; empty when no field is to blame."""
    if not isinstance(error, InvalidInput):
        return {}
    return {v.field: sentence_of(v.reason, v.params) for v in error.violations}


def problem(error: OnefoldError) -> dict[str, Any]:
    """The problem document (RFC 9457), in the request's language."""
    reason = reason_of(error)
    entries = [_entry(v) for v in error.violations] if isinstance(error, InvalidInput) else []
    detail = "; ".join(f"{e['field']}: {e['detail']}" for e in entries) or sentence_of(reason, error.params)
    return {
        "type": f"{current_app.config['PUBLIC_URL']}/api/docs/problems#{reason}",
        "title": sentence_of(reason),
        "status": http_status(error),
        "detail": detail,
        "reason": reason,
        "request_id": telemetry.request_id.get(),
        "errors": entries,
        **_changed(error),
    }


def _changed(error: OnefoldError) -> dict[str, Any]:
    """Of a stale plan also what changed since, and in which account (F8)."""
    pairs = [pair.split(" ", 1) for pair in error.params.get("changed", "").split(", ") if pair]
    return {"changed": [{"customer_id": account, "field": field} for account, field in pairs]} if pairs else {}


def _entry(violation: Violation) -> dict[str, str]:
    return {
        "field": _FIELD_NAMES.get(violation.field, violation.field),
        "reason": violation.reason,
        "detail": sentence_of(violation.reason, violation.params),
    }


def install(app: Flask) -> None:
    """Registers the handlers. The most exact class wins."""
    app.register_error_handler(OnefoldError, _on_error)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Exception, _on_defect)


def _on_error(error: OnefoldError) -> ResponseReturnValue:
    if speaks_json():
        return _problem_response(error)
    if isinstance(error, Unauthenticated) and "console.log_in" in current_app.view_functions:
        return redirect(url_for("console.log_in", next=_way_back()))
    return _page(error)


def _on_csrf(_: CSRFError) -> ResponseReturnValue:
    cause = errors.StateConflict("form_expired")
    return _problem_response(cause) if speaks_json() else _page(cause)


def _on_http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()
    code = error.code or 500
    reason = _REASON_OF_STATUS.get(code, "malformed_request" if code < 500 else "internal")
    cause = errors.StateConflict(reason, error.name)
    if code == 413 and takes_file():
        cause = errors.StateConflict("file_too_large", largest=str(LARGEST_FILE_MB))
    return _problem_response(cause, error) if speaks_json() else _page(cause, error)


def _on_defect(error: Exception) -> ResponseReturnValue:
    log.error("request_failed", route=str(request.url_rule), error=type(error).__name__, exc_info=error)
    cause = errors.Internal("internal")
    return _problem_response(cause) if speaks_json() else _page(cause)


def _problem_response(error: OnefoldError, http: HTTPException | None = None) -> Response:
    document = problem(error)
    if http is not None:
        document["status"] = http.code
    response = Response(orjson.dumps(document), document["status"], mimetype="application/problem+json")
    _add_headers(response, document["status"], http)
    return response


def _page(error: OnefoldError, http: HTTPException | None = None) -> Response:
    document = problem(error)
    status = (http and http.code) or document["status"]
    try:
        missing = roles.missing(error.params.get("permission", "")) if status == 403 else None
        response = Response(render_template("error.html", problem=document, status=status, missing=missing), status)
    except Exception as failure:  # the page that tells of errors must not fail with them
        log.error("error_page_failed", error=type(failure).__name__, exc_info=failure)
        response = Response(document["detail"], status, mimetype="text/plain")
    _add_headers(response, status, http)
    return response


def _add_headers(response: Response, status: int, http: HTTPException | None) -> None:
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="onefold"'
    if status in (503, 504):
        response.headers["Retry-After"] = "1"
    if http is not None and http.code == 405:
        response.headers.extend([(k, v) for k, v in http.get_headers() if k == "Allow"])


def _way_back() -> str | None:
    """Where to go on after logging in: only a page that was read, for a form cannot be sent again behind one's back."""
    return request.full_path.removesuffix("?") if request.method == "GET" and request.path != "/" else None
