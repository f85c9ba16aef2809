"""From the order's page to the provider's, and back (E1)."""

from __future__ import annotations

from flask import Response, current_app, make_response, render_template, url_for

from gateway.clients import services
from gateway.reasons import sentence_of
from gateway.storefront.frame import blueprint
from gateway.storefront.orders import Opened, open_order
from onefold.orders.v1 import payments_pb2 as pb
from services.common.errors import OnefoldError, StateConflict

# The provider is asked meanwhile.
START_SECONDS = 10.0


@blueprint.post("/<slug>/orders/<token>/pay")
def order_pay(slug: str, token: str) -> Response:
    """Sends the customer to the provider's page. Whoever has the order's link may pay it, so no form token is asked for.

    By a page and not by a redirect: "form-action" of the policy holds for where a form's answer leads, too, and nobody knows
    beforehand where a provider's pages are. Raises NotFound (link_refused).
    """
    opened = open_order(slug, token)
    address = current_app.config["PUBLIC_URL"] + url_for("storefront.order", slug=slug, token=token)
    wish = pb.StartCheckoutRequest(order_id=opened.order.order_id, return_address=address)
    try:
        started = services().payments.start_checkout(wish, claims=opened.claims, seconds=START_SECONDS)
    except OnefoldError as error:
        return _not_now(opened, address, error)
    page = make_response(
        render_template("storefront/pay.html", store=opened.store, order=opened.order, started=started, back=address)
    )
    page.headers["Refresh"] = f"0; url={started.address}"
    return page


def _not_now(opened: Opened, address: str, error: OnefoldError) -> Response:
    """Why not, and the way back. An order that has been paid meanwhile shows so by itself."""
    if isinstance(error, StateConflict) and error.reason == "order_not_unpaid":
        return Response(status=303, headers={"Location": address})
    page = render_template(
        "storefront/pay.html", store=opened.store, order=opened.order, sentence=sentence_of(error.reason), back=address
    )
    return make_response(page, 409 if isinstance(error, StateConflict) else 503)
