"""The customer's page of one order, behind a signed link (C7, E1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Response, current_app, g, render_template, request, url_for
from flask_babel import get_locale

from gateway import addresses, formats
from gateway.clients import services
from gateway.providers import came_back, provider_of
from gateway.storefront.frame import blueprint, store_at, visitor
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1.service_pb2 import GetCustomerRequest
from onefold.orders.v1.service_pb2 import GetOrderRequest, Order
from services.common import clock
from services.common.errors import NotFound, OnefoldError
from services.common.links import Links
from services.common.tokens import SERVICE, ServiceClaims


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opened."""

    store: Store
    order: Order
    claims: ServiceClaims


@blueprint.after_request
def _keep_links_secret(response: Response) -> Response:
    """The address is the key to the page: no other site and no search engine may learn it."""
    if request.endpoint and request.endpoint.startswith("storefront.order"):
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.get("/<slug>/orders/<token>")
def order(slug: str, token: str) -> str:
    """The order as it stands now. Raises NotFound (link_refused) in the same words for every cause."""
    opened = open_order(slug, token)
    found, store = opened.order, opened.store
    zone, locale = formats.zone_of(store.timezone), str(get_locale() or "en")
    return render_template(
        "storefront/order.html",
        store=store,
        order=found,
        moment=lambda stamp: formats.moment_text(stamp, zone, locale),
        contact=found.contact if shows_contact(opened) else None,
        phone=formats.phone(found.contact.phone, store.region),
        ship_to=addresses.text(found.shipping_address),
        provider=provider_of(found, opened.claims),
        came_back=came_back(found),
        pay_address=url_for("storefront.order_pay", slug=slug, token=token),
        other_language=url_for(
            "storefront.order", slug=slug, token=token, language="en" if locale.startswith("zh") else "zh-Hant"
        ),
    )


def open_order(slug: str, token: str) -> Opened:
    """Store and order of a link; the page speaks the order's language from here on. Raises NotFound (link_refused)."""
    links: Links = current_app.extensions["onefold_links"]
    store_id, order_id = links.read_order(slug, token, clock.now())
    try:
        store = store_at(slug)
        claims = visitor(store).with_order(str(order_id))
        found = services().orders.get(GetOrderRequest(order_id=str(order_id)), claims=claims).order
    except NotFound:
        raise NotFound("link_refused") from None
    if store.store_id != str(store_id):
        raise NotFound("link_refused")
    g.store_language = found.language or store.language
    return Opened(store, found, claims)


def shows_contact(opened: Opened) -> bool:
    """Whether the order's contact is still its holder's to see: not once the buyer's account was merged into another (F6).

    Where membership cannot say, nothing is shown: the order itself is complete without.
    """
    found = opened.order
    if any(entry.change == "owner_changed" and entry.note for entry in found.history):
        return False
    try:
        owner = services().membership.get_customer(
            GetCustomerRequest(customer_id=found.customer_id), claims=replace(opened.claims, role=SERVICE)
        )
    except NotFound:
        return True  # the buyer is yet to be known
    except OnefoldError:
        return False
    return owner.customer.customer_id == found.customer_id
