"""The orders list with its search and filters; the list as a file (C11, E1)."""

from __future__ import annotations

from flask import abort, render_template, request
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask
from gateway.console.frame import Page, blueprint
from gateway.console.order_listings import FIELDS, TABS, OrderListing
from gateway.console.problems import refuse
from gateway.order_exports import orders_csv
from onefold.orders.v1 import service_pb2 as pb
from services.common.errors import InvalidInput
from services.common.permissions import ORDERS_EXPORT, ORDERS_READ

_TABS = (("", _l("All")), ("unpaid", _l("Unpaid")), ("paid", _l("Paid")))
_LOST_PLACE = "page.token"


@blueprint.get("/orders")
@requires(ORDERS_READ)
def orders() -> Page:
    """Newest first, by tab, filters and a part of number, name, phone or e-mail."""
    listing, token = _listing(), request.args.get("page", "").strip()
    form, found = listing.form(), pb.ListOrdersResponse()
    try:
        found, token = _found(listing.filter(), token)
    except InvalidInput as error:
        refuse(form, error, FIELDS)
    page = render_template(
        "console/orders.html",
        area="orders",
        tabs=[(name == listing.tab, label, _tab(listing, name)) for name, label in _TABS],
        form=form,
        listing=listing,
        chips=list(listing.chips()),
        orders=found.orders,
        next_token=found.next_page_token,
        later_page=bool(token),
    )
    return page, 422 if form.faulty else 200


@blueprint.get("/orders/export.csv")
@requires(ORDERS_EXPORT)
def export_orders() -> Response:
    """The whole list as CSV."""
    return orders_csv(_listing().filter())


def _listing() -> OrderListing:
    listing = OrderListing.read(request.args)
    if listing.one("status") not in TABS:
        abort(404)
    return listing


def _tab(listing: OrderListing, name: str) -> str:
    """The list under a tab; whatever else narrows it stays."""
    return listing.without("state").without("status").address("console.orders", status=name or None)


def _found(asked: pb.ListOrdersRequest, token: str) -> tuple[pb.ListOrdersResponse, str]:
    """The page, and the token that led to it. Whoever changes the filter and then turns the page begins the new list."""
    try:
        return ask.order_list(asked, token), token
    except InvalidInput as error:
        if not token or [violation.field for violation in error.violations] != [_LOST_PLACE]:
            raise
        return ask.order_list(asked), ""
