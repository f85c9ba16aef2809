"""What belongs to the request under way: when it must be answered, and in whose name calls are made."""

from __future__ import annotations

import time
from dataclasses import replace

from flask import g, has_request_context, request

from services.common.tokens import PUBLIC, SERVICE, ServiceClaims

# Below the 30 s after which common proxies give up, so that the caller gets our sentence and not theirs.
BUDGET_SECONDS = 15.0
API = "/api/v"
# What the till's page asks for: by the cookie as pages do, answered in JSON as programs are.
TILL = "/pos/data/"
NOBODY = ServiceClaims(actor="customer:", role=PUBLIC)


def begin() -> None:
    """Starts the request's clock."""
    g.started = time.perf_counter()


def spent() -> float:
    """Seconds since the request came in."""
    return time.perf_counter() - float(g.started)


def seconds_left() -> float:
    """What is left of the request's budget; the whole outside of a request."""
    return BUDGET_SECONDS - spent() if has_request_context() and "started" in g else BUDGET_SECONDS


def claims() -> ServiceClaims:
    """In whose name the services are called; nobody's until `auth` has found a principal."""
    found = g.get("claims") if has_request_context() else None
    return found if isinstance(found, ServiceClaims) else NOBODY


def own_claims() -> ServiceClaims:
    """Claims of the gateway itself in the store of whoever asks: for what has to be done on the way, and is not theirs to ask for."""
    return replace(claims(), role=SERVICE)


def is_api() -> bool:
    """True for requests of programs, which get JSON and bring an Authorization header instead of a cookie."""
    return request.path.startswith(API)


def speaks_json() -> bool:
    """True for requests whose errors are read by a program or a script, and not by a person."""
    return request.path.startswith((API, TILL))
