"""A member's net spend, order by order (B5)."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask
from gateway.console.frame import Page, blueprint
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1.spend_pb2 import ExplainSpendRequest
from services.common.permissions import ORDERS_READ


@blueprint.get("/members/<uuid:customer_id>/spend")
@requires(ORDERS_READ)
def member_spend(customer_id: UUID) -> Page:
    """Every order that counts, with what was paid, given back, and the sum so far."""
    member, token = ask.customer(str(customer_id)), request.args.get("page", "")
    if member.customer_id != str(customer_id):
        return redirect(url_for("console.member_spend", customer_id=member.customer_id))
    page = PageRequest(token=token)
    found = services().spend.explain(ExplainSpendRequest(customer_id=member.customer_id, page=page))
    return render_template(
        "console/spend.html",
        area="members",
        member=member,
        found=found,
        settled=found.net_spend_minor == member.net_spend_minor,
        merged={each.customer_id: each.name or _("No name") for each in member.merged_accounts},
        later_page=bool(token),
    )
