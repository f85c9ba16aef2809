"""Where a proof leads: in, on to registering, or back to the account (A3, A7, A8)."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.storefront import codes, cookies, session
from gateway.storefront.offers import written
from gateway.storefront.session import Begun
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import LoginMethod, Store
from services.common.errors import Internal


def follow(
    store: Store,
    outcome: pb.LogInOutcome.ValueType,
    *,
    begun: Begun,
    added: LoginMethod | None = None,
    proof: pb.Proof | None = None,
) -> Response:
    """The answer to whoever has just proved something. `begun` counts when a session has begun, `added` says what the account has now,
    `proof` where a code was sent to. Raises Internal for an outcome that a later release has.
    """
    if outcome == pb.LOG_IN_OUTCOME_LOGGED_IN:
        return enter(store, begun)
    if outcome == pb.LOG_IN_OUTCOME_REGISTER:
        return codes.keep_secret(
            redirect(url_for("storefront.register", slug=store.slug, next=wanted(store.slug))), store.slug
        )
    if outcome == pb.LOG_IN_OUTCOME_PROVE and proof:
        codes.expect(codes.Sent(proof.value, codes.CONNECT))
        return codes.keep_secret(
            redirect(url_for("storefront.enter_code", slug=store.slug, next=wanted(store.slug))), store.slug
        )
    if outcome in (pb.LOG_IN_OUTCOME_ADDED, pb.LOG_IN_OUTCOME_HELD):
        return _back(store, outcome == pb.LOG_IN_OUTCOME_ADDED, added or LoginMethod())
    raise Internal("internal", f"log-in outcome {outcome}")


def enter(store: Store, begun: Begun) -> Response:
    """Begins the session, and leads on to where the customer was going."""
    response = redirect(onward(store))
    codes.forget()
    session.begin(store, begun, response)
    return response


def _back(store: Store, added: bool, method: LoginMethod) -> Response:
    asked = codes.sent()
    what = written(store, method.kind, method.value) if method.kind else codes.written(store, asked.to if asked else "")
    if added:
        flash(_("You can log in with %(login)s from now on.", login=what), "good")
    else:
        flash(
            _(
                "%(login)s belongs to another account of yours, so it cannot be added here. Ask the store to merge the two accounts.",
                login=what or _("This"),
            ),
            "warn",
        )
    codes.forget()
    return cookies.drop(redirect(url_for("storefront.logins", slug=store.slug)), cookies.CODE, store.slug)


def wanted(slug: str) -> str | None:
    """Where the customer was going, as the address of this page says; None where that is nowhere in the store."""
    return cookies.inside(slug, request.args.get("next", "")) or None


def onward(store: Store) -> str:
    """Where the customer was going, else the account."""
    return wanted(store.slug) or url_for("storefront.account", slug=store.slug)
