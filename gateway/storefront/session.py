"""Who of a store's customers is logged in (A4, C6, F13).

    who = member(store)             None: a guest, or nobody can say right now; for pages that guests may see
    who = members_only(store)       sends everybody else to the log-in page, from where they come back

`who.claims` are those to call the services by, `profile(who)` is the account as membership has it. What must happen at a log-in is
registered once, at import:

    @on_log_in
    def take_over_cart(store: Store, who: Member) -> None: ...

It is called when the session has begun, in the request that began it; cookies are set by `flask.after_this_request`. An error of the tree
that it raises is logged and undoes nothing: whoever has typed the right code is logged in. `begin` keeps a session that has begun, `renew`
one that goes on under another token.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from flask import Response as FlaskResponse
from flask import abort, after_this_request, current_app, g, redirect, request, url_for
from google.protobuf.timestamp_pb2 import Timestamp
from werkzeug.wrappers import Response

from gateway import limits
from gateway.authenticator import Authenticator
from gateway.clients import services
from gateway.context import NOBODY
from gateway.storefront import cookies
from gateway.storefront.frame import blueprint, claims_in, store_at, visitor
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.authentication_pb2 import Verdict
from onefold.identity_merge.v1.service_pb2 import LoginMethod, Store
from onefold.membership.v1.service_pb2 import Customer, GetCustomerRequest
from services.common import clock
from services.common.errors import OnefoldError, Unauthenticated, Unavailable
from services.common.tokens import CUSTOMER, ServiceClaims

log = structlog.get_logger()
# How long a page waits to learn who is there.
_SECONDS = 2.0
# What is kept of a browser's name for itself.
_LONGEST_AGENT = 300
Hook = Callable[[Store, "Member"], None]
_hooks: list[Hook] = []


@dataclass(frozen=True, slots=True)
class Member:
    """A customer who is logged in. `login` is by what: a phone, an address, or what a provider calls the person; `kind` which of them."""

    customer_id: str
    login: str
    claims: ServiceClaims
    kind: str = ""


class Begun(Protocol):
    """A session as identity_merge tells of it, in more than one of its answers."""

    @property
    def session_token(self) -> str: ...
    @property
    def expires_at(self) -> Timestamp: ...
    @property
    def login_method(self) -> LoginMethod: ...


@blueprint.context_processor
def _who() -> dict[str, Member | None]:
    """For the layout: who the view has found to be there."""
    visit: tuple[Member | None, Unavailable | None] = g.get("visit", (None, None))
    return {"member": visit[0]}


def on_log_in(hook: Hook) -> Hook:
    """Registers what is to be done when somebody has logged in."""
    _hooks.append(hook)
    return hook


def member(store: Store) -> Member | None:
    """Who is logged in to the store; identity_merge is asked at most once a second for each session."""
    return _visit(store)[0]


def members_only(store: Store) -> Member:
    """Who is logged in. Others go to the log-in page; raises Unavailable when nobody can say who it is."""
    who, away = _visit(store)
    if who is None:
        if away:
            raise away
        abort(to_log_in(store))
    return who


@blueprint.errorhandler(Unauthenticated)
def _logged_out(_error: Unauthenticated) -> Response:
    """A session may end between two calls of one request."""
    return to_log_in(store_at(request.view_args["slug"] if request.view_args else ""))


def to_log_in(store: Store) -> Response:
    """To the log-in page, and from there back to what was read; a form cannot be sent again behind one's back."""
    here = request.full_path.removesuffix("?") if request.method == "GET" else None
    return redirect(url_for("storefront.log_in", slug=store.slug, next=here))


def profile(who: Member) -> Customer:
    """The member's account, asked for once for each request. Raises Unavailable."""
    if "member_profile" not in g:
        wish = GetCustomerRequest(customer_id=who.customer_id)
        g.member_profile = services().membership.get_customer(wish, claims=who.claims).customer
    found: Customer = g.member_profile
    return found


def _visit(store: Store) -> tuple[Member | None, Unavailable | None]:
    """The member, and the error if that could not be found out. From here on the page is the store's."""
    if "visit" not in g:
        g.store_language = store.language
        g.visit = _ask(store)
        who = g.visit[0]
        g.claims = who.claims if who else visitor(store)
        if who:
            limits.count(limits.SESSION, who.claims.actor)
    visit: tuple[Member | None, Unavailable | None] = g.visit
    return visit


def _ask(store: Store) -> tuple[Member | None, Unavailable | None]:
    brought = token(store)
    if not brought:
        return None, None
    try:
        method = _sessions().holder(_within(store, brought)).login_method
    except Unauthenticated:
        after_this_request(lambda response: _without_session(response, store.slug))
        return None, None
    except Unavailable as error:
        log.warning("member_unknown")
        return None, error
    return _member(store, method), None


def ask_whose(credential: str, seconds: float) -> pb.AuthenticateCustomerResponse:
    """Whose session it is (see `_within`), according to identity_merge. Raises Unauthenticated, Unavailable."""
    store_id, _, brought = credential.partition(" ")
    wish = pb.AuthenticateCustomerRequest(session_token=brought)
    claims = replace(NOBODY, store_id=store_id)
    return services().accounts.authenticate(wish, claims=claims, seconds=min(seconds, _SECONDS))


def member_in(verdict: Verdict) -> pb.AuthenticateCustomerResponse | None:
    """Whose session it is according to a verdict; None when it has ended."""
    return verdict.customer if verdict.HasField("customer") else None


def _within(store: Store, brought: str) -> str:
    """A session as it is remembered: a token is good in the store that gave it alone."""
    return f"{store.store_id} {brought}"


def _sessions() -> Authenticator[pb.AuthenticateCustomerResponse]:
    found: Authenticator[pb.AuthenticateCustomerResponse] = current_app.extensions["onefold_member_sessions"]
    return found


def _member(store: Store, method: LoginMethod) -> Member:
    claims = claims_in(store, f"customer:{method.customer_id}", CUSTOMER)
    return Member(method.customer_id, method.value, claims, method.kind)


def token(store: Store) -> str:
    """The browser's session token; "" without one."""
    return cookies.read(cookies.MEMBER, store.slug)


def agent() -> str:
    """What the browser calls itself, for the list of sessions."""
    return request.user_agent.string[:_LONGEST_AGENT]


def begin(store: Store, begun: Begun, response: Response) -> None:
    """Keeps the session in its cookie and does what is to be done at a log-in. The secret that went with the code ends with it."""
    who = renew(store, begun, response)
    cookies.drop(response, cookies.CODE, store.slug)
    for hook in _hooks:
        try:
            hook(store, who)
        except OnefoldError as error:
            log.warning("log_in_hook_failed", hook=hook.__name__, reason=error.reason)


def renew(store: Store, begun: Begun, response: Response) -> Member:
    """Keeps a session in its cookie, in the place of the one before; whose it is."""
    _sessions().forget(_within(store, token(store)))
    _forget(begun.login_method.customer_id)
    who = _member(store, begun.login_method)
    g.visit, g.claims = (who, None), who.claims
    left = begun.expires_at.ToSeconds() - int(clock.now().timestamp())
    cookies.keep(response, cookies.MEMBER, store.slug, begun.session_token, max(left, 0))
    return who


def end(store: Store, response: Response) -> None:
    """Ends the session of the cookie, at identity_merge too. Raises Unavailable when that cannot be reached."""
    if brought := token(store):
        services().accounts.log_out(pb.LogOutCustomerRequest(session_token=brought), claims=visitor(store))
        _sessions().forget(_within(store, brought))
    cookies.drop(response, cookies.MEMBER, store.slug)


def forget(who: Member) -> None:
    """What a member changes about the account's sessions holds in this process at once, and in others within a second."""
    _forget(who.customer_id)


def _forget(customer_id: str) -> None:
    _sessions().forget_all(lambda session: session.login_method.customer_id == customer_id)


def _without_session(response: FlaskResponse, slug: str) -> FlaskResponse:
    """A browser that brings what is no session any more need not bring it again, unless this answer begins another."""
    who: tuple[Member | None, Unavailable | None] = g.visit
    if who[0] is None:
        cookies.drop(response, cookies.MEMBER, slug)
    return response
