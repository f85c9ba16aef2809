"""Who is asking: staff by a session cookie, programs by an API key (H1, H4).

Staff pages take the cookie alone and /api the Authorization header alone, so no foreign page can make a browser use the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request
from werkzeug.wrappers import Response

from gateway import limits
from gateway.authenticator import Authenticator
from gateway.clients import Services, services
from gateway.context import NOBODY, is_api
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1.authentication_pb2 import AuthenticateAgainRequest, Verdict
from services.common import clock, permissions
from services.common.errors import PermissionDenied, Unauthenticated
from services.common.tokens import API_KEY, ServiceClaims

P = ParamSpec("P")
R = TypeVar("R")

SESSION_COOKIE = "onefold_session"
# Between a log-in's two steps; identity_merge gives them so long.
CHALLENGE_COOKIE = "onefold_second_step"
_CHALLENGE_SECONDS = 300
_LONGEST_CREDENTIAL = 200
# What is asked twice a second may not take longer than what it is asked for is worth.
_AGAIN_SECONDS = 1.0
_PREFIXES = ("ofs_", "ofk_")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who holds the credential, what it may do, and in which store. One of `staff` and `api_key` is set."""

    claims: ServiceClaims
    permissions: frozenset[str]
    store: identity.Store
    staff: identity.StaffMember | None
    api_key: identity.ApiKey | None
    # What identity_merge is asked by again (keeper.py).
    handle: bytes = b""

    def may(self, permission: str) -> bool:
        """True when this principal has the permission, or none is asked for; for templates that hide what would be refused."""
        return not permission or permission in self.permissions


def ask_identity(credential: str, seconds: float) -> Principal:
    """Who holds the credential, according to identity_merge. Raises Unauthenticated, Unavailable."""
    request = identity.AuthenticateRequest(credential=credential)
    answer = services().access.authenticate(request, claims=NOBODY, seconds=seconds)
    return principal_of(answer)


def principal_of(answer: identity.AuthenticateResponse) -> Principal:
    """The principal that identity_merge tells of. Raises Unauthenticated when it names nobody."""
    if answer.HasField("staff"):
        role = role_name(answer.staff.role)
        allowed = permissions.of_role(role)
        claims = _claims(answer.store, f"staff:{answer.staff.staff_id}", role, allowed)
        return Principal(claims, allowed, answer.store, answer.staff, None, answer.handle)
    if answer.HasField("api_key"):
        allowed = permissions.of_scopes(answer.api_key.scopes)
        claims = _claims(answer.store, f"api_key:{answer.api_key.api_key_id}", API_KEY, allowed)
        return Principal(claims, allowed, answer.store, None, answer.api_key, answer.handle)
    raise Unauthenticated("credential_refused")


def ask_again(services: Services, handles: Sequence[bytes]) -> Sequence[Verdict]:
    """Who holds the credentials behind the handles now, one verdict for each. Raises Unavailable."""
    wish = AuthenticateAgainRequest(handles=handles)
    return services.authentication.authenticate_again(wish, claims=NOBODY, seconds=_AGAIN_SECONDS).verdicts


def principal_in(verdict: Verdict) -> Principal | None:
    """The principal whom a verdict names; None when it names nobody."""
    return principal_of(verdict.of_store) if verdict.HasField("of_store") else None


def role_name(role: identity.StaffRole.ValueType) -> str:
    """The role's word: owner, manager, cashier, support; "unspecified" for what this gateway does not know."""
    if role not in identity.StaffRole.values():
        return "unspecified"
    return identity.StaffRole.Name(role).removeprefix("STAFF_ROLE_").lower()


def _claims(store: identity.Store, actor: str, role: str, allowed: frozenset[str]) -> ServiceClaims:
    return ServiceClaims(
        actor=actor,
        role=role,
        store_id=store.store_id,
        region=store.region,
        currency=store.currency,
        timezone=store.timezone,
        language=store.language,
        scopes=tuple(sorted(allowed)),
    )


def _credential() -> str:
    """The credential that came with the request. Raises Unauthenticated when there is none of ours."""
    if is_api():
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("credential_refused", "no Authorization header")
    else:
        credential = request.cookies.get(SESSION_COOKIE, "")
    if not credential.startswith(_PREFIXES) or len(credential) > _LONGEST_CREDENTIAL:
        raise Unauthenticated("credential_refused", "not a credential of Onefold")
    return credential


def principal() -> Principal:
    """Who is asking; found out, and counted, once for each request.

    Raises Unauthenticated, Unavailable, StateConflict (too_many_requests).
    """
    found = g.get("principal")
    if not isinstance(found, Principal):
        authenticator: Authenticator[Principal] = current_app.extensions["onefold_authenticator"]
        found = _holder(authenticator, _credential())
        limits.count(limits.KEY if found.api_key else limits.SESSION, found.claims.actor)
        g.principal = found
        g.claims = found.claims
        g.store_language = found.store.language
    return found


def _holder(authenticator: Authenticator[Principal], credential: str) -> Principal:
    """Whoever tries out credentials is counted by where they come from."""
    try:
        return authenticator.holder(credential)
    except Unauthenticated:
        limits.count_address()
        raise


def requires(permission: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets a view be called only by those who have the permission; without one, by anybody who is logged in.

    The view raises Unauthenticated or PermissionDenied (permission_denied) otherwise.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            who = principal()
            if not who.may(permission):
                raise PermissionDenied("permission_denied", permission=permission)
            return view(*args, **kwargs)

        return checked

    return decorate


def session_token() -> str:
    """The session that the browser brings; "" for none."""
    return request.cookies.get(SESSION_COOKIE, "")[:_LONGEST_CREDENTIAL]


def challenge() -> str:
    """The log-in whose second step this browser is to do; "" for none."""
    return request.cookies.get(CHALLENGE_COOKIE, "")[:_LONGEST_CREDENTIAL]


def enter(response: Response, entered: identity.LogInResponse) -> None:
    """Keeps what a log-in has given: the session, or the challenge of its second step. The browser's former session has ended."""
    if entered.totp_challenge:
        _keep(response, CHALLENGE_COOKIE, entered.totp_challenge, _CHALLENGE_SECONDS)
        return
    authenticator: Authenticator[Principal] = current_app.extensions["onefold_authenticator"]
    authenticator.forget(session_token())
    left = entered.expires_at.ToDatetime(tzinfo=UTC) - clock.now()
    _keep(response, SESSION_COOKIE, entered.session_token, max(int(left.total_seconds()), 0))
    _drop(response, CHALLENGE_COOKIE)


def end_session(response: Response) -> None:
    """Ends the session of the cookie, at identity_merge too. Raises Unavailable when that cannot be reached."""
    if token := session_token():
        authenticator: Authenticator[Principal] = current_app.extensions["onefold_authenticator"]
        authenticator.forget(token)
        services().access.log_out(identity.LogOutRequest(session_token=token))
    _drop(response, SESSION_COOKIE)


def _keep(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def _drop(response: Response, name: str) -> None:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.delete_cookie(name, httponly=True, samesite="Lax", secure=secure)
