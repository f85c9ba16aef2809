"""Out of a store's advertising, and in again: the page behind the link in such mails, and the one click of mail programs (RFC 8058)."""

from __future__ import annotations

from dataclasses import replace

from flask import current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from gateway.clients import services
from gateway.storefront.frame import blueprint, store_at, visitor
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.notification.v1 import subscriptions_pb2 as pb
from services.common.errors import NotFound
from services.common.links import Links
from services.common.tokens import SERVICE, ServiceClaims


@blueprint.get("/<slug>/unsubscribe/<token>")
def unsubscribe(slug: str, token: str) -> str:
    """How it stands, with a button. Opening it changes nothing: mail scanners open every link."""
    store, digest, claims = _open(slug, token)
    asked = pb.GetSubscriptionRequest(address_digest=digest)
    subscribed = services().subscriptions.get(asked, claims=claims).subscribed
    return _page(store, token, subscribed=subscribed, changed=False)


@blueprint.post("/<slug>/unsubscribe/<token>")
def unsubscribe_now(slug: str, token: str) -> ResponseReturnValue:
    """The button of the page, or of a mail program, which sends `List-Unsubscribe=One-Click` and brings neither cookie nor form token.

    The link is what proves; whoever has it can end the advertising, and begin it again by `again`.
    """
    store, digest, claims = _open(slug, token)
    subscribed = request.form.get("again") == "1"
    services().subscriptions.set(pb.SetSubscriptionRequest(address_digest=digest, subscribed=subscribed), claims=claims)
    return _page(store, token, subscribed=subscribed, changed=True)


def _open(slug: str, token: str) -> tuple[Store, bytes, ServiceClaims]:
    """Raises NotFound (link_refused)."""
    links: Links = current_app.extensions["onefold_links"]
    store_id, digest = links.read_unsubscribe(slug, token)
    try:
        store = store_at(slug)
    except NotFound:
        raise NotFound("link_refused") from None
    if store.store_id != str(store_id):
        raise NotFound("link_refused")
    g.store_language = store.language
    return store, digest, replace(visitor(store), role=SERVICE)


def _page(store: Store, token: str, *, subscribed: bool, changed: bool) -> str:
    return render_template(
        "storefront/unsubscribe.html", store=store, token=token, subscribed=subscribed, changed=changed
    )
